"""Do synthetic clips help a classifier of sounds more than the best way without any?

    OMP_NUM_THREADS=1 python benchmarks/audio.py --data FOLDER --out RESULTS --write docs/benchmark.md

FOLDER holds spoken digits, a sub-folder for each and in it SPEAKER_TAKE.wav (the Free Spoken Digit Dataset, of which
three speakers with 50 takes of each digit). In each draw three digits out of 3 to 9 are rare, with 10 or 20 takes, the
other seven have 60; one speaker is the test, each in turn, and training takes are of the other two. Killed and started
again it goes on: a file a draw in RESULTS; what a new sampler lacks is added.

Declared before it was run: ten draws, numbered 0 to 9; `--draws 100-104`, in which the digits 0, 1 and 2 are rare, are
those that samplers were tuned on, and of which nothing is claimed. The score is balanced accuracy; the mean recall of
the rare digits is told without a claim. For each number of rare takes and each classifier the bar is the way without
synthetic clips that is best in the mean over the draws: real, class weights, oversampled, or augmented online (noise,
shift, gain and masks, anew whenever a clip is drawn). Each sampler fills the rare digits to 60 and is added to that
way. Compared are each sampler with the bar, and `deformation` with `recipes` where both are added to it: paired over
the draws, with a t interval; Holm over all comparisons of a number of rare takes and a classifier.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from table_report import check_markers, machine, markdown, write_between
from tqdm import tqdm

from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.ways import AUGMENTED, OVERSAMPLED, PLUS, REAL, WEIGHTS, added_to
from gensynth.fidelity.metrics import holm
from gensynth.kind import kinds
from gensynth.kinds.audio.classifiers import classifiers_of
from gensynth.kinds.audio.evaluate_config import AudioEvaluateConfig
from gensynth.sampler.synthetic import Synthetic

RARES, COMMON, N_RARE = (10, 20), 60, 3
"""Takes of the rare digits and of the others, and how many are rare."""
DRAWS = range(10)
CLAIMED, TUNED = tuple("3456789"), tuple("012")
"""Digits that may be rare in `DRAWS`, and those that are in any other draw."""
WAYS = REAL, WEIGHTS, OVERSAMPLED, AUGMENTED
SAMPLERS = "recipes", "deformation"
BALANCED, RECALL = "balanced_accuracy", "rare_recall"


def read(folder: str) -> LabeledData:
    """Return all takes, the speaker as the group."""
    kind = kinds()["audio"]
    data = kind.read(folder, kind.config("ReadConfig")())
    return replace(data, groups=tuple(Path(name).stem.partition("_")[0] for name in data.ids))


def split(data: LabeledData, n_rare: int, draw: int) -> tuple[LabeledData, LabeledData, list[int]]:
    """Draw training and test takes; return also the labels that are rare."""
    assert data.groups is not None
    rng, speakers = np.random.default_rng(draw), sorted(set(data.groups))
    names = rng.permutation(CLAIMED)[:N_RARE] if draw in DRAWS else TUNED
    rare = sorted(data.label_of(str(name)) for name in names)
    tested = np.array(data.groups) == speakers[draw % len(speakers)]
    train = list[int]()
    for label in range(len(data.classes)):
        own = rng.permutation(np.flatnonzero((data.y == label) & ~tested))
        train += own[: n_rare if label in rare else COMMON].tolist()
    return data.subset(np.sort(train)), data.subset(np.flatnonzero(tested)), rare


def drawn(train: LabeledData, sampler: str, rare: Sequence[int]) -> Synthetic:
    """Return what a sampler fills the rare digits with."""
    fitted = kinds()["audio"].made(sampler, None).fit(train)
    names = [train.classes[label] for label in rare]
    return Synthetic.concat([fitted.sample(name, COMMON - train.class_counts[name], 0) for name in names])


def measure(data: LabeledData, n_rare: int, draw: int, found: dict[str, dict[str, float]]) -> bool:
    """Add the scores of every arm with every classifier that are not there yet; return whether there were any."""
    train, test, rare = split(data, n_rare, draw)
    made: dict[str, Synthetic] = {}
    before = len(found)
    for model in classifiers_of(train, AudioEvaluateConfig()):
        ways = [way for way in WAYS if way not in model.lacks]
        for way, sampler in [(way, sampler) for way in ways for sampler in ("", *SAMPLERS)]:
            arm = f"{model.name}: {way}{PLUS}{sampler}" if sampler else f"{model.name}: {way}"
            if arm in found:
                continue
            if sampler and sampler not in made:
                made[sampler] = drawn(train, sampler, rare)
            said = model.try_way(way, train, made.get(sampler), test, lambda _: None)
            recalls = [
                float((said.likeliest[:, test.y == label] == label).mean()) for label in range(len(test.classes))
            ]
            found[arm] = {BALANCED: float(np.mean(recalls)), RECALL: float(np.mean([recalls[i] for i in rare]))}
    return len(found) > before


def table(out: Path, draws: Sequence[int]) -> str:
    """Return the answers as Markdown."""
    rows = []
    for n_rare in RARES:
        paths = [path for draw in draws if (path := out / f"digits_{n_rare}_{draw}.json").exists()]
        kept = [json.loads(path.read_text()) for path in paths]
        if len(kept) > 1:
            for model in sorted({arm.partition(": ")[0] for arm in kept[0]}):
                rows += answer(n_rare, model, kept)
    head = ["rare takes", "classifier and way", "balanced accuracy", "gain", "p", "recall of the rare", "draws"]
    return markdown(head, rows)


def answer(n_rare: int, model: str, kept: Sequence[Mapping[str, Mapping[str, float]]]) -> list[list[str]]:
    """Return the rows of a number of rare takes and a classifier: what is compared is told with an interval."""
    arms = [arm for arm in kept[0] if arm.startswith(f"{model}: ")]
    values = {
        arm: {score: np.array([draw[arm][score] for draw in kept]) for score in (BALANCED, RECALL)} for arm in arms
    }
    bar = max((arm for arm in arms if not added_to(arm)), key=lambda arm: values[arm][BALANCED].mean())
    filled = {sampler: f"{bar}{PLUS}{sampler}" for sampler in SAMPLERS}
    pairs = [*((arm, bar) for arm in filled.values()), (filled["deformation"], filled["recipes"])]
    gaps = [values[arm][BALANCED] - values[other][BALANCED] for arm, other in pairs]
    n = len(kept)
    means, errors = (np.array(x) for x in ([g.mean() for g in gaps], [g.std(ddof=1) / n**0.5 for g in gaps]))
    p = holm(2 * student.sf(np.abs(means) / np.maximum(errors, 1e-12), n - 1))
    wide = student.ppf(0.975, n - 1) * errors
    told = {
        pair: (f"{100 * mean:+.1f} ({100 * (mean - half):+.1f} to {100 * (mean + half):+.1f})", f"{adjusted:.2g}")
        for pair, mean, half, adjusted in zip(pairs, means, wide, p, strict=True)
    }
    rows = []
    for arm in arms:
        scores = [f"{100 * values[arm][score].mean():.1f}" for score in (BALANCED, RECALL)]
        gain = ["the bar", ""] if arm == bar else [*told.get((arm, bar), ("", ""))]
        rows.append([str(n_rare), arm, scores[0], *gain, scores[1], str(n)])
    return [*rows, [str(n_rare), f"{pairs[-1][0]} over recipes", "", *told[pairs[-1]], "", str(n)]]


def numbers(text: str) -> list[int]:
    """Return the draws that are asked for, such as 0-9."""
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> None:
    """Measure what is missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder of spoken digits")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--draws", type=numbers, default=list(DRAWS), help="FIRST-LAST, by default 0-9")
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if args.write is not None:
        check_markers(args.write, "audio")
        if args.draws != list(DRAWS):
            raise ValueError("only draws 0-9 are written, for of others nothing is claimed; leave out --draws.")
    args.out.mkdir(parents=True, exist_ok=True)
    data = read(args.data)
    for draw, n_rare in tqdm([(draw, n) for draw in args.draws for n in RARES], desc="audio", disable=None):
        path = args.out / f"digits_{n_rare}_{draw}.json"
        found = json.loads(path.read_text()) if path.exists() else {}
        if measure(data, n_rare, draw, found):
            write_text(path, json.dumps(found))
    text = table(args.out, args.draws)
    print(text)
    if args.write is not None:
        write_between(args.write, "audio", f"{machine(('numpy', 'scikit-learn', 'torch'))}\n\n{text}")


if __name__ == "__main__":
    main()
