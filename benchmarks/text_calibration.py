"""What does the gate of documents catch, and what does it cost? Planted faults among genuine ones, with few real ones.

    OMP_NUM_THREADS=1 python benchmarks/text_calibration.py --sms dataSet.txt \
        --movies rotten_tomatoes_corpus_full.csv.bz2 --foreign FOLDER --write docs/calibration.md

The files are those of `text_data.py`; the folder holds .yml files of the Python package chatterbot-corpus 1.3.3, such
as chatterbot_corpus/data/german. A draw cuts a data set into references, 500 common and n rare, and fresh documents.
The gate sees fresh rare documents, followed by one kind of fault that claims to be rare, and names no parent. Faults
are made of fresh documents, but for copies. The checker then sees the faults alone, as a whole class.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from calibration_report import FRESH, STATUSES, Tally, percent, planted, tally, with_interval
from table_report import check_markers, machine, markdown, write_between
from text_data import pool
from tqdm import tqdm

from gensynth.fidelity.checker import FidelityChecker
from gensynth.kinds.text.config import EMBEDDINGS, TextCheckConfig
from gensynth.kinds.text.documents import Documents, array_of, from_documents
from gensynth.kinds.text.embeddings import pretrained
from gensynth.kinds.text.space import DocumentSpace
from gensynth.sampler.synthetic import Synthetic

SIZES, COMMON, MOST = (20, 100), 500, 60
"""Rare references, common ones, and fresh documents of a batch, as many faults behind them."""


@dataclass(frozen=True)
class Source:
    """What faults are made of.

    Attributes:
        own: Fresh documents of the class.
        other: As many fresh documents of the other class.
        real: Documents of the class that the gate was fitted on.
        words: All words of the references.
        foreign: Sentences of another language.
    """

    own: Sequence[str]
    other: Sequence[str]
    real: Sequence[str]
    words: Sequence[str]
    foreign: Sequence[str]


def shuffled(source: Source, rng: np.random.Generator) -> list[str]:
    """Put the words of each document in another order."""
    return [" ".join(rng.permutation(text.split())) for text in source.own]


def halves(source: Source, rng: np.random.Generator) -> list[str]:
    """Put the first half of a reference before the second half of each document."""
    made = []
    for text, real in zip(source.own, rng.choice(source.real, len(source.own)), strict=True):
        front, back = real.split(), text.split()
        made.append(" ".join([*front[: (len(front) + 1) // 2], *back[len(back) // 2 :]]))
    return made


def foreign(source: Source, rng: np.random.Generator) -> list[str]:
    """Say something in another language, about as long as each document."""
    made = []
    for text in source.own:
        said = str(rng.choice(source.foreign))
        while len(said) < len(text):
            said += " " + str(rng.choice(source.foreign))
        made.append(said[: max(len(text), 20)])
    return made


FAULTS: Mapping[str, Callable[[Source, np.random.Generator], list[str]]] = {
    "another class": lambda source, rng: [*source.other],
    "whole copies": lambda source, rng: [*rng.choice(source.real, len(source.own))],
    "copied halves": halves,
    "another language": foreign,
    "words in another order": shuffled,
    "random words": lambda source, rng: [" ".join(rng.choice(source.words, len(t.split()))) for t in source.own],
}
"""What is made of n documents: n faulty ones."""


@dataclass(frozen=True)
class Found:
    """What one draw gave: by fault what the gate said of it, and the status of a class of such documents."""

    samples: Mapping[str, Tally]
    statuses: Mapping[str, str]


def measure(texts: Mapping[str, Sequence[str]], others: Sequence[str], n: int, draw: int, embedding: str) -> Found:
    """Fit the checker on a draw of references, and let it judge genuine documents and faults."""
    rng = np.random.default_rng([n, draw])
    rare, common = ([of[i] for i in rng.permutation(len(of))] for of in (texts["rare"], texts["common"]))
    real, genuine, own = rare[:n], rare[n : n + MOST], rare[n + MOST : n + 2 * MOST]
    train = from_documents(common[:COMMON] + real, ["common"] * COMMON + ["rare"] * n)
    features = pretrained(embedding) if embedding in EMBEDDINGS else None
    checker = FidelityChecker(train, seed=draw, space=DocumentSpace(train, draw, features))
    words = [word for text in train.x.texts for word in text.split()]
    source = Source(own, common[COMMON : COMMON + len(own)], real, words, others)
    samples, statuses = {FRESH: tally(checker.gate(synthetic(genuine)))}, {FRESH: status(checker, genuine)}
    for name, make in FAULTS.items():
        made = make(source, rng)
        samples[name] = tally(checker.gate(synthetic([*genuine, *made])), slice(len(genuine), None))
        statuses[name] = status(checker, made)
    return Found(samples, statuses)


def synthetic(texts: Sequence[str]) -> Synthetic:
    """Return rare documents as if a sampler had drawn them."""
    return planted(Documents(array_of(texts)), "rare")


def status(checker: FidelityChecker, texts: Sequence[str]) -> str:
    """Return what is said of documents as a class."""
    return checker.check(synthetic(texts)).classes[0].status


def table(found: Mapping[int, Sequence[Found]]) -> str:
    """Return what became of each kind of document, by number of references."""
    rows = []
    for name in (FRESH, *FAULTS):
        cells = []
        for draws in found.values():
            together = Tally()
            for one in draws:
                together.add(one.samples[name])
            of = Counter(one.statuses[name] for one in draws)
            said = ", ".join(f"{status} {of[status]}" for status in STATUSES if of[status])
            review = percent(together.review.total(), together.total)
            cells += [f"{with_interval(together.lost, together.total)}, {review}", said]
        rows.append([name, *cells])
    head = [f"n = {n}: {what}" for n in found for what in ("rejected, to review, %", "classes of them")]
    return markdown(["documents", *head], rows)


def main() -> None:
    """Measure, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sms", type=Path)
    parser.add_argument("--movies", type=Path)
    parser.add_argument("--foreign", type=Path, required=True)
    parser.add_argument("--embeddings", default=TextCheckConfig.embedding, help="tfidf, static, sentence; with commas")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if args.write is not None:
        check_markers(args.write, "text-calibration")
    talks = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(args.foreign.glob("*.yml"))]
    others = [str(said) for talk in talks for turns in talk["conversations"] for said in turns]
    parts = []
    for name in [name for name in ("sms", "movies") if getattr(args, name) is not None]:
        texts = pool(name, getattr(args, name))
        for embedding in args.embeddings.split(","):
            jobs = [(n, draw) for n in SIZES for draw in range(args.draws)]
            done = [measure(texts, others, *job, embedding) for job in tqdm(jobs, desc=f"{name}, {embedding}")]
            found = {n: [one for one, job in zip(done, jobs, strict=True) if job[0] == n] for n in SIZES}
            parts.append(f"**{name}, {embedding}**\n\n{table(found)}")
    text = "\n\n".join([machine(("numpy", "scikit-learn")), *parts])
    print(text)
    if args.write is not None:
        write_between(args.write, "text-calibration", text)


if __name__ == "__main__":
    main()
