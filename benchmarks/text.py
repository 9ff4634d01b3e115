"""Do synthetic documents help a classifier of documents more than the best way without any?

    OMP_NUM_THREADS=1 python benchmarks/text.py --data sms=FILE,movies=FILE,mail=FOLDER,reports=FOLDER \
        --peer VENV --out RESULTS --write docs/benchmark.md

What the files are says `text_data.py`; VENV is an environment with nlpaug (pip install nlpaug). For each number of rare
documents ten draws of 1,000 common documents (reports: 200) and so many of each rare class, one of each template, and a
test of others. Killed and started again it goes on: a file a draw in RESULTS; what a new sampler lacks is added.

Declared before it was run: with the classifier of the best way without synthetic documents, each sampler filled to 5x
or to the common class is compared with that way, in average precision; Holm over all of a data set and a number of rare
documents. Macro F1 and balanced accuracy at the tuned threshold are told without a claim.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.stats import t as student
from table_report import check_markers, machine, markdown, write_between
from text_data import COMMON, pool, split
from tqdm import tqdm

from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.intervals import LEVEL
from gensynth.evaluate.ways import REAL, added_to
from gensynth.fidelity.metrics import holm
from gensynth.kind import kinds
from gensynth.kinds.text.classifiers import classifiers_of
from gensynth.kinds.text.config import TextEvaluateConfig
from gensynth.kinds.text.documents import Documents, array_of
from gensynth.sampler.synthetic import Synthetic

RARES = {"sms": (10, 20, 50, 100), "movies": (10, 20, 50, 100), "mail": (20, 50), "reports": (20, 50)}
DRAWS = 10
SCORES = ("average_precision", "macro_f1", "balanced_accuracy_tuned")
TARGETS = {"5x": 5, "1:1": None}
"""How far samplers fill: so many times the real rare documents, or as many as there are common ones."""
PEERS = "nlpaug words", "nlpaug keyboard"


def ours(train: LabeledData, sampler: str) -> Mapping[str, Synthetic]:
    """Return what a sampler draws of the rare classes, by how far they are filled."""
    fitted = kinds()["text"].made(sampler, None).fit(train)
    return {
        to: Synthetic.concat([fitted.sample(name, n, 0) for name, n in adds.items()])
        for to, adds in wanted(train).items()
    }


def theirs(train: LabeledData, peer: str, venv: Path) -> Mapping[str, Synthetic]:
    """Return what a peer makes of the rare classes' documents in turn, by how far they are filled."""
    found = {}
    script = Path(__file__).with_name("text_peers.py")
    with TemporaryDirectory() as folder:
        source, drawn = Path(folder, "texts.json"), Path(folder, "drawn.json")
        for to, adds in wanted(train).items():
            parts = []
            for name, n in adds.items():
                own = np.flatnonzero(train.y == train.label_of(name))
                source.write_text(json.dumps([str(text) for text in train.x.texts[own]]))
                subprocess.run([venv / "bin/python", script, peer, source, drawn, str(n)], check=True)
                x = Documents(array_of(json.loads(drawn.read_text())), train.x.form)
                y, none = np.full(n, train.label_of(name)), ("",) * n
                parents = tuple((train.ids[own[i % len(own)]],) for i in range(n))
                parts.append(Synthetic(x, y, train.classes, np.arange(n), peer, 0, none, parents, none))
            found[to] = Synthetic.concat(parts)
    return found


def wanted(train: LabeledData) -> Mapping[str, Mapping[str, int]]:
    """Return how many documents are drawn of each rare class, by how far they are filled."""
    counts = train.class_counts
    rare = {name: n for name, n in counts.items() if name != COMMON}
    return {
        to: {name: counts[COMMON] - n if times is None else (times - 1) * n for name, n in rare.items()}
        for to, times in TARGETS.items()
    }


def measure(train: LabeledData, test: LabeledData, found: dict[str, dict[str, float]], venv: Path | None) -> bool:
    """Add the scores of every arm with every classifier that are not there yet; return whether there were any."""
    samplers = {sampler.name: partial(ours, sampler=sampler.name) for sampler in kinds()["text"].tried(train)[0]}
    if venv is not None:
        samplers |= {peer: partial(theirs, peer=peer, venv=venv) for peer in PEERS}
    before, models = len(found), classifiers_of(train, TextEvaluateConfig())
    made: list[tuple[str, str, Synthetic | None]] = [(way, way, None) for way in TextEvaluateConfig.ways]
    for name, draw in samplers.items():
        arms = [f"{REAL} + {name} {to}" for to in TARGETS]
        if any(f"{model.name}: {arm}" not in found for model in models for arm in arms):
            made += [(arm, REAL, drawn) for arm, drawn in zip(arms, draw(train).values(), strict=True)]
    for model in models:
        for arm, way, drawn in made:
            if f"{model.name}: {arm}" not in found:
                scores = model.try_way(way, train, drawn, test, lambda _: None).score(np.ones((len(test), 1)), 1)
                found[f"{model.name}: {arm}"] = {name: float(scores[name].ravel()[0]) for name in SCORES}
    return len(found) > before


@dataclass(frozen=True)
class Answer:
    """What a data set with a number of rare documents says, in points.

    Attributes:
        bar: The classifier and way without synthetic documents that is best in average precision.
        scores: `SCORES` of it.
        gains: By arm of its classifier with synthetic documents: mean gain over it, half of the 95 % interval, and
            p-value.
        n: Draws.
    """

    bar: str
    scores: Mapping[str, float]
    gains: Mapping[str, tuple[float, float, float]]
    n: int

    @property
    def best(self) -> str:
        """The arm with the highest gain, its interval, and p-value."""
        arm = max(self.gains, key=lambda arm: self.gains[arm][0])
        mean, half, p = self.gains[arm]
        return f"{arm.split(' + ')[-1]} {mean:+.1f} ({mean - half:+.1f} to {mean + half:+.1f}), p {p:.2g}"

    def cell(self, sampler: str) -> str:
        """Return the gains of a sampler, by how far it is filled; a star where the p-value is below 0.05."""
        own = (self.gains.get(f"{REAL} + {sampler} {to}") for to in TARGETS)
        return ", ".join("" if gain is None else f"{gain[0]:+.1f}{'*' * (gain[2] < LEVEL)}" for gain in own)


def table(out: Path, names: Sequence[str]) -> str:
    """Return the answers as Markdown: the bars with the best sampler, then the gains of all samplers."""
    found = {}
    for name, n_rare in ((each, n) for each in names for n in RARES[each]):
        kept = [json.loads(p.read_text()) for p in sorted(out.glob(f"{name}_{n_rare}_*.json"))]
        if len(kept) > 1:
            found[name, str(n_rare)] = answer(kept)
    samplers = sorted({arm.split(" + ")[1].rsplit(" ", 1)[0] for each in found.values() for arm in each.gains})
    bars = [
        [*key, each.bar, *(f"{100 * each.scores[s]:.1f}" for s in SCORES), each.best, str(each.n)]
        for key, each in found.items()
    ]
    head = ["documents", "rare", "best without", "average precision", "macro F1", "tuned", "best sampler", "draws"]
    rows = [[*key, *(each.cell(sampler) for sampler in samplers)] for key, each in found.items()]
    return f"{markdown(head, bars)}\n\n{markdown(['documents', 'rare', *samplers], rows)}"


def answer(kept: Sequence[Mapping[str, Mapping[str, float]]]) -> Answer:
    """Return what the draws of a data set and a number of rare documents say."""
    values = {arm: {s: np.array([draw[arm][s] for draw in kept]) for s in SCORES} for arm in kept[0]}
    precision = {arm: values[arm]["average_precision"] for arm in values}
    bar = max((arm for arm in values if not added_to(arm)), key=lambda arm: precision[arm].mean())
    model, n = bar.split(": ")[0], len(kept)
    gaps = {
        arm.split(": ")[1]: 100 * (precision[arm] - precision[bar])
        for arm in values
        if arm.startswith(f"{model}: ") and added_to(arm)
    }
    error = {arm: max(float(gap.std(ddof=1)) / n**0.5, 1e-10) for arm, gap in gaps.items()}
    p = holm(np.array([2 * student.sf(abs(gap.mean()) / error[arm], n - 1) for arm, gap in gaps.items()]))
    wide = student.ppf(0.975, n - 1)
    told = {
        arm: (float(gaps[arm].mean()), float(wide * error[arm]), float(value))
        for arm, value in zip(gaps, p, strict=True)
    }
    return Answer(bar, {s: float(values[bar][s].mean()) for s in SCORES}, told, n)


def main() -> None:
    """Measure what is missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="NAME=PATH, separated by commas")
    parser.add_argument("--peer", type=Path, help="an environment with nlpaug")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if args.write is not None:
        check_markers(args.write, "text")
    args.out.mkdir(parents=True, exist_ok=True)
    pools = {name: pool(name, Path(path)) for name, path in (item.split("=", 1) for item in args.data.split(","))}
    jobs = [(name, n, draw) for draw in range(DRAWS) for name in pools for n in RARES[name]]
    for name, n_rare, draw in tqdm(jobs, desc="text", disable=None):
        path = args.out / f"{name}_{n_rare}_{draw}.json"
        found = json.loads(path.read_text()) if path.exists() else {}
        parts = split(pools[name], name, n_rare, draw)
        if parts is not None and measure(*parts, found, args.peer):
            write_text(path, json.dumps(found))
    text = table(args.out, list(pools))
    print(text)
    if args.write is not None:
        write_between(args.write, "text", f"{machine(('numpy', 'scikit-learn'))}\n\n{text}")


if __name__ == "__main__":
    main()
