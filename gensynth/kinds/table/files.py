"""RowFiles: rows as one table file, in the dtypes of the real one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np
import pandas as pd

from gensynth.data.labeled import LabeledData
from gensynth.data.words import some
from gensynth.kinds.table.codec import first_id
from gensynth.kinds.table.numbers import different
from gensynth.kinds.table.rows import Rows, rows_of
from gensynth.kinds.table.tables import read_frame, to_frame
from gensynth.mix.frame_files import FrameFiles
from gensynth.sampler.synthetic import Synthetic


@final
class RowFiles(FrameFiles):
    """A table file with the columns of the real one; rows that join real ones have ids of their own."""

    def frame_of(self, data: LabeledData | Synthetic, like: LabeledData | Synthetic) -> pd.DataFrame:
        """As `FrameFiles.frame_of`."""
        frame, schema = to_frame(data, like), rows_of(like).schema
        return frame if schema.files_hold_label else frame.drop(columns=schema.target)

    def added(self, accepted: Synthetic, real: pd.DataFrame, like: LabeledData) -> pd.DataFrame:
        """As `FrameFiles.added`, in the dtypes of the real rows.

        Rows of a file may come in other dtypes, which would change those of the real rows. A column that is ignored is
        empty, and its dtype may have no room for that.
        """
        ignored = [c.name for c in rows_of(like).schema.columns if c.kind == "ignore"]
        new = self.frame_of(replace(accepted, x=with_new_ids(rows_of(accepted), real)), like)
        return new.astype(real.dtypes.drop(ignored).to_dict())

    def samples(self, path: Path, like: LabeledData) -> tuple[Rows, np.ndarray]:
        """As `FrameFiles.samples`, from any table with the columns of the real one."""
        real = rows_of(like)
        schema = real.schema
        try:
            frame = read_frame(path, schema)
        except ValueError:  # a column holds what the real one cannot: the gate will say so of each row
            frame = read_frame(path)
        columns = [c.name for c in schema.columns]
        wanted = [*columns, *[schema.target] * schema.files_hold_label]
        if unlike := sorted(map(str, set(frame.columns) ^ set(wanted))):
            raise ValueError(f"{path} and the real table differ in the columns {some(unlike)}; they must agree.")
        x = replace(real, frame=frame[columns].reset_index(drop=True))
        if schema.tail is not None:
            return x, schema.tail.labels(schema.numbers(x.frame))
        if not schema.files_hold_label:
            return x, np.zeros(len(x), dtype=np.int64)
        return x, labels_of(frame[schema.target], like, str(path))


def with_new_ids(x: Rows, real: pd.DataFrame) -> Rows:
    """Return rows with ids that none of the real rows has, though the sampler knew the training rows only."""
    out, at = x.frame.copy(deep=False), np.arange(len(x))
    for c in x.schema.columns:
        if c.kind == "id":
            first = first_id(real[c.name], c)
            new = [f"{first}{i}" for i in at] if isinstance(first, str) else first + at
            out[c.name] = pd.Series(new, index=out.index).astype(x.frame[c.name].dtype)
    return replace(x, frame=out)


def labels_of(values: pd.Series, like: LabeledData, where: str) -> np.ndarray:
    """Return labels as positions in the classes of `like`, int64, shape (n,); `where` they are from, for messages."""
    names = _label_names(values, like)
    place = {}
    for name in dict.fromkeys(names):
        try:
            place[name] = like.label_of(name)
        except ValueError as error:
            raise ValueError(f"row {names.index(name)} of {where}, counted from 0: {error}") from error
    return np.array([place[name] for name in names], dtype=np.int64)


def _label_names(labels: pd.Series, like: LabeledData) -> list[str]:
    """Return labels as class names; a number may have become 1.0 where the real label is 1."""
    if labels.isna().any():
        raise ValueError(f"{int(labels.isna().sum())} rows have no {labels.name!r}; remove them.")
    real = list(zip(rows_of(like).label_values.astype(object), like.classes, strict=True))
    codes, distinct = different(labels)
    names = [next((name for value, name in real if value == label), str(label)) for label in distinct]
    return [names[code] for code in codes]
