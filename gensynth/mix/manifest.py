"""Manifest: a row for each example, real or synthetic, that says where it is from; the same columns for all kinds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from gensynth.data.cells import Cells
from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData, numbers_within
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.sampler.synthetic import Synthetic

SCORES = {
    "near_duplicate": "near_duplicate",
    "parent_distance": "parent_distance",
    "hash_bits": "hash_bits",
    "label_score": "label",
    "typicality": "typicality",
}
"""Columns that hold scores, with the names in `SampleVerdicts.scores`."""

SOURCE = ("label", "synthetic", "sampler", "checkpoint_sha256", "seed", "index", "how", "parents")
"""Columns that every version has written, for every kind, side by side in this order."""

FORM = ("width", "height", "own_size", "seconds", "rate", "channels")
"""Columns of images: pixels of the file, and whether these are all that the image has, 1, or what networks see, 0.
Columns of sounds: length, samples per second, and how many channels."""

END = ("verdict", "reason", "review", "nearest", "utility")
COLUMNS = ("file_name", "row", "part", *SOURCE, *SCORES, *END, *FORM)
"""Columns of a manifest. What does not apply is '-' as text and nothing as a number.

`file_name` (relative to the manifest's folder, with '/') is the file an example is in, and `row` its row there, from 0,
where the file holds more than one. `part` is train, validation or test, or synthetic. Of a synthetic example `index` is
its number within its label; of a real one its number within its part, and its only parent is its own id. `parents` and
`nearest` are ids as JSON, since ids may hold any character. `utility` is the verdict of `evaluate` on the synthetic
examples that were mixed in together, with ', forced' where they were mixed against it, and '-' where they were not
evaluated."""

TEXT = ("file_name", "sampler", "checkpoint_sha256", "how", "verdict", "reason", "review", "nearest", "utility")
NOT_EVALUATED = "-"

Row = dict[str, str | int]

# Hugging Face wants the same column types in every part, and a column of blanks would be a number.
UNKNOWN: Row = {column: "-" if column in TEXT else "" for column in COLUMNS}


def is_manifest(path: Path) -> bool:
    """Return whether there is a file that begins with the columns of a manifest, of this version or an older one."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return ",".join(SOURCE[:5]).encode() in file.readline(1000)


def real_row(part: str, data: LabeledData, at: int) -> Row:
    """Return what a manifest says of example `at` of the real data's part called `part`."""
    of = {"part": part, "label": data.classes[data.y[at]], "synthetic": 0, "index": at}
    return UNKNOWN | of | {"parents": f"[{encode_basestring_ascii(data.ids[at])}]"}  # as json.dumps, ten times faster


def synthetic_rows(synthetic: Synthetic, samples: SampleVerdicts | None, utility: str = NOT_EVALUATED) -> Iterator[Row]:
    """Yield what a manifest says of each sample; `samples` is what the gate said of them, if it was asked."""
    for i, label in enumerate(synthetic.y):
        row: Row = dict.fromkeys(COLUMNS, "")
        row |= {
            "part": "synthetic",
            "label": synthetic.classes[label],
            "synthetic": 1,
            "sampler": synthetic.sampler,
            "checkpoint_sha256": synthetic.checkpoint_sha256[i],
            "seed": synthetic.seed,
            "index": int(synthetic.index[i]),
            "how": synthetic.how[i],
            "parents": json.dumps(synthetic.parents[i]),
            "utility": utility,
        }
        if samples is not None:
            # repr keeps every digit, so that a score survives the file.
            given = {c: float(samples.scores[s][i]) for c, s in SCORES.items() if s in samples.scores}
            row |= {c: repr(value) for c, value in given.items() if np.isfinite(value)}
            row["verdict"] = "accepted" if samples.accepted[i] else "rejected"
            row |= {"reason": samples.reason[i], "nearest": json.dumps(samples.nearest[i])}
            row["review"] = samples.review[i] if samples.review else ""
        yield row


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write rows, whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(itemgetter(*COLUMNS), rows))
    write_text(path, text.getvalue())


def by_any_tool(x: Any, y: np.ndarray, classes: tuple[str, ...], notes: tuple[str, ...] = ()) -> Synthetic:
    """Return samples of which no manifest tells: the sampler is `"unknown"`, the seed 0, each numbered in its class."""
    n, nothing = len(y), ((),) * len(y)
    return Synthetic(x, y, classes, numbers_within(y), "unknown", 0, ("file",) * n, nothing, ("",) * n, notes)


def read_manifest(path: Path, *columns: str) -> Cells:
    """Read a manifest of samples, of this version or an older one, in which newer columns are blank.

    Args:
        path: The file.
        columns: Columns that it must have, too.

    Raises:
        ValueError: if it is none, or also of real examples, or of several samplers or seeds.
    """
    cells = Cells.read(path, (*columns, *SOURCE))
    if not {*cells.texts("synthetic")} <= {"1"}:
        raise ValueError(f"{path} lists real examples, too; give the synthetic ones alone.")
    sources = sorted(set(zip(cells.texts("sampler"), cells.numbers("seed"), strict=True)))
    if len(sources) > 1:
        raise ValueError(f"{path} mixes the samplers and seeds {sources[:5]}; keep the samples of each apart.")
    return cells


def described(samples: Synthetic, cells: Cells) -> tuple[Synthetic, SampleVerdicts | None]:
    """Return samples with what their manifest says of them, row i of sample i, and the gate's answer if it has one.

    Args:
        samples: n >= 1 samples, whose source is not known.
        cells: Of `read_manifest`, n rows.
    """
    found = replace(
        samples,
        index=np.array(cells.numbers("index"), dtype=np.int64),
        sampler=cells.texts("sampler")[0],
        seed=cells.numbers("seed")[0],
        how=cells.texts("how"),
        parents=cells.id_lists("parents"),
        checkpoint_sha256=cells.texts("checkpoint_sha256"),
    )
    if not cells.texts("verdict")[0]:
        return found, None
    return found, SampleVerdicts(
        accepted=np.array(cells.verdicts()),
        reason=cells.texts("reason"),
        scores={score: np.array(cells.scores(c)) for c, score in SCORES.items() if any(cells.texts(c))},
        nearest=cells.ids("nearest"),
        review=cells.texts("review"),
    )
