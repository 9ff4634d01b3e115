"""Synthetic rows in files: the rows as a table, and beside it NAME.metadata.csv with one line for each row.

rows.csv             the columns of the real table, in their order and dtypes
rows.metadata.csv    where each row is from and, of a synthetic one, all that is needed to make it again
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.cells import Cells
from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.data.words import some
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.table.codec import first_id
from gensynth.kinds.table.rows import Rows, rows_of
from gensynth.kinds.table.tables import read_frame, suffix_of, to_frame, write_table
from gensynth.sampler.synthetic import Synthetic

COLUMNS = (
    *("row", "part", "label", "synthetic", "sampler", "checkpoint_sha256", "seed", "index", "how", "parents"),
    *("near_duplicate", "label_score", "typicality", "verdict", "reason", "nearest"),
)
"""Columns of the metadata. `part` is train, validation, test or synthetic; `parents` and `nearest` name rows of the
real table by their number from 0; `index` is the number of a sample within its label, or that of a real row."""


def metadata_path(path: str | Path) -> Path:
    """Return where the metadata of a table file lies: `rows.csv.gz` -> `rows.metadata.csv`."""
    path = Path(path)
    return path.with_name(f"{path.name[: -len(suffix_of(path))]}.metadata.csv")


def write_rows(
    path: str | Path, synthetic: Synthetic, like: LabeledData, samples: SampleVerdicts | None = None
) -> None:
    """Write synthetic rows and their metadata, each whole or not at all.

    Args:
        path: The table file; its ending says in which format.
        synthetic: The rows.
        like: Real rows of the table they belong to.
        samples: What the gate said of them, if it was asked.
    """
    _write_metadata(_of_synthetic(synthetic, samples), path)
    write_table(to_frame(synthetic, like), path)


def write_balanced(path: str | Path, parts: Parts, synthetic: Synthetic | None, samples: SampleVerdicts | None) -> int:
    """Write the real rows as they came, then the accepted synthetic ones with new ids, and the metadata of all.

    Args:
        path: The table file.
        parts: Real data. Rows of a test part that is another file are left out.
        synthetic: Synthetic rows, accepted or not; None for none.
        samples: What the gate said of them.

    Returns:
        Number of real rows.
    """
    real, lines = [], []
    for name, part in (("train", parts.train), ("validation", parts.validation), ("test", parts.test)):
        own = part.subset(np.array([row.isdigit() for row in part.ids], dtype=bool))
        number = np.array(own.ids, dtype=np.int64)
        real.append(to_frame(own, parts.train).set_axis(number, axis=0))
        labels = np.array(own.classes, dtype=object)[own.y]
        lines.append(pd.DataFrame({"part": name, "label": labels, "synthetic": 0, "index": number}, index=number))
    frame, metadata = pd.concat(real).sort_index(), pd.concat(lines).sort_index()
    if synthetic is not None and samples is not None:
        accepted = synthetic.subset(samples.accepted)
        rows = to_frame(replace(accepted, x=with_new_ids(accepted.x, frame)), parts.train)
        # Rows of a file may come in other dtypes, which would change those of the real rows.
        ignored = [c.name for c in parts.train.x.schema.columns if c.kind == "ignore"]  # may have no room for no value
        frame = pd.concat([frame, rows.astype(frame.dtypes.drop(ignored).to_dict())], ignore_index=True)
        chosen = _of_synthetic(synthetic, samples)[samples.accepted]
        metadata = pd.concat([metadata, chosen], ignore_index=True)
    _write_metadata(metadata, path)  # first: where the table is, a killed run has written both
    write_table(frame, path)
    return sum(map(len, real))


def with_new_ids(x: Rows, real: pd.DataFrame) -> Rows:
    """Return rows with ids that none of the real rows has, though the sampler knew the training rows only."""
    out, at = x.frame.copy(deep=False), np.arange(len(x))
    for c in x.schema.columns:
        if c.kind == "id":
            first = first_id(real[c.name], c)
            new = [f"{first}{i}" for i in at] if isinstance(first, str) else first + at
            out[c.name] = pd.Series(new, index=out.index).astype(x.frame[c.name].dtype)
    return replace(x, frame=out)


def read_rows(path: str | Path, like: LabeledData) -> Synthetic:
    """Read what `write_rows` wrote, or any table with the columns of the real one.

    Without metadata the sampler is `"unknown"` and the seed 0.

    Args:
        path: The table file.
        like: Real rows; their classes are those of the result.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if its columns or classes differ from the real ones, or the metadata are those of other rows.
    """
    real = rows_of(like)
    target = real.schema.target
    try:
        frame = read_frame(path, real.schema)
    except ValueError:  # a column holds what the real one cannot: the gate will say so of each row
        frame = read_frame(path)
    wanted = [*(c.name for c in real.schema.columns), target]
    if unlike := sorted(map(str, set(frame.columns) ^ set(wanted))):
        raise ValueError(f"{path} and the real table differ in the columns {some(unlike)}; they must agree.")
    if not len(frame):
        raise ValueError(f"{path} holds no rows.")
    names = _label_names(frame[target], like)
    place = {}
    for name in dict.fromkeys(names):
        try:
            place[name] = like.label_of(name)
        except ValueError as error:
            raise ValueError(f"row {names.index(name)} of {path}, counted from 0: {error}") from error
    y = np.array([place[name] for name in names], dtype=np.int64)
    n, manifest = len(frame), metadata_path(path)
    synthetic = Synthetic(
        x=replace(real, frame=frame[wanted[:-1]].reset_index(drop=True)),
        y=y,
        classes=like.classes,
        index=pd.Series(y).groupby(y).cumcount().to_numpy(dtype=np.int64),
        sampler="unknown",
        seed=0,
        how=("file",) * n,
        parents=((),) * n,
        checkpoint_sha256=("",) * n,
    )
    if not manifest.is_file():
        return synthetic
    cells = Cells.read(manifest, COLUMNS)
    if len(cells.rows) != n or {*cells.texts("synthetic")} != {"1"}:
        raise ValueError(f"{manifest} is not the metadata of the {n} rows in {path}; restore or remove it.")
    sources = sorted(set(zip(cells.texts("sampler"), cells.numbers("seed"), strict=True)))
    if len(sources) != 1:
        raise ValueError(f"{manifest} mixes the samplers and seeds {sources[:5]}; use one file for each.")
    return replace(
        synthetic,
        index=np.array(cells.numbers("index"), dtype=np.int64),
        sampler=sources[0][0],
        seed=sources[0][1],
        how=cells.texts("how"),
        parents=cells.id_lists("parents"),
        checkpoint_sha256=cells.texts("checkpoint_sha256"),
    )


def _label_names(labels: pd.Series, like: LabeledData) -> list[str]:
    """Return labels as class names; a number may have become 1.0 where the real label is 1."""
    if labels.isna().any():
        raise ValueError(f"{int(labels.isna().sum())} synthetic rows have no {labels.name!r}; remove them.")
    real = list(zip(rows_of(like).label_values.astype(object), like.classes, strict=True))
    codes, distinct = pd.factorize(labels.astype(object))
    names = [next((name for value, name in real if value == label), str(label)) for label in distinct]
    return [names[code] for code in codes]


def _of_synthetic(synthetic: Synthetic, samples: SampleVerdicts | None) -> pd.DataFrame:
    lines: dict[str, Any] = {
        "part": "synthetic",
        "label": np.array(synthetic.classes, dtype=object)[synthetic.y],
        "synthetic": 1,
        "sampler": synthetic.sampler,
        "checkpoint_sha256": synthetic.checkpoint_sha256,
        "seed": pd.array([synthetic.seed] * len(synthetic), dtype="Int64"),
        "index": synthetic.index,
        "how": synthetic.how,
        "parents": [json.dumps(parents) for parents in synthetic.parents],
    }
    if samples is not None:
        scores = samples.scores
        lines |= {name: scores[name] for name in ("near_duplicate", "typicality")} | {"label_score": scores["label"]}
        lines |= {"verdict": np.where(samples.accepted, "accepted", "rejected"), "reason": samples.reason}
        lines |= {"nearest": [json.dumps(row) for row in samples.nearest]}
    return pd.DataFrame(lines)


def _write_metadata(lines: pd.DataFrame, path: str | Path) -> None:
    lines = lines.assign(row=np.arange(len(lines))).reindex(columns=list(COLUMNS))
    write_text(metadata_path(path), lines.to_csv(index=False, lineterminator="\n"))
