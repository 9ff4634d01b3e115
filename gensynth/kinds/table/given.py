"""Given: the cells of rows whose other cells are to be drawn, checked, and as arrays."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.labeled import LabeledData
from gensynth.data.words import did_you_mean, some
from gensynth.kinds.table.codec import Encoded, TableCodec
from gensynth.kinds.table.files import labels_of
from gensynth.kinds.table.labels import NO_TARGET
from gensynth.kinds.table.numbers import is_absent
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.schema import NOT_JUDGED, Column
from gensynth.kinds.table.tables import as_dtype


@dataclass(frozen=True, eq=False)
class Given:
    """Cells of n rows.

    Attributes:
        cells: They, as they stand, in the dtypes of the real table, without the label; shape (n, m).
        y: Labels, int64, shape (n,).
        rows: The same as arrays; what is not known is missing or 0.
        known: Which columns of `rows` are given, the numbers first, bool, shape (p + q,).
    """

    cells: pd.DataFrame
    y: np.ndarray
    rows: Encoded
    known: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    def take(self, at: np.ndarray) -> Given:
        """Return those of some rows."""
        return Given(self.cells.iloc[at].reset_index(drop=True), self.y[at], self.rows.take(at), self.known)

    @staticmethod
    def of(frame: pd.DataFrame, codec: TableCodec, like: LabeledData) -> Given:
        """Check cells, and turn them into arrays.

        Args:
            frame: Rows with some of the columns, that of the label among them if there is one.
            codec: Of the real table.
            like: Some of its rows, or none.

        Raises:
            ValueError: if there is no row, a column is not one of the real ones or holds what they never do, or
                nothing would be left to draw.
        """
        target = rows_of(like).schema.target
        labeled = target != NO_TARGET
        if not len(frame):
            raise ValueError("the table of given cells has no rows; give one for each row that is to be made.")
        if labeled and target not in frame.columns:
            raise ValueError(
                f"the table of given cells has no column {target!r}, and rows of a class are drawn; add it, or name "
                "no --target, so that the label is a column like all others."
            )
        names = [*codec.empty.columns]
        if wrong := [str(name) for name in frame.columns if name not in names and name != target]:
            near = did_you_mean(wrong[0], [*map(str, names)])
            raise ValueError(f"given column {wrong[0]!r} is not one of the columns {some(names)}.{near}")
        y = labels_of(frame[target], like, "given cells") if labeled else np.zeros(len(frame), dtype=np.int64)
        raw = frame[[name for name in names if name in frame.columns]].reset_index(drop=True)
        rows, known_columns = _encoded(raw, codec)
        for name, values in codec.fixed.items():
            if name in raw and codec.schema.column(name).kind not in NOT_JUDGED:
                _refuse(raw[name], ~raw[name].isin(values).to_numpy(), f"and real rows hold {values.iloc[0]!r} only")
        if known_columns.all():
            raise ValueError("all columns are given, so there is nothing to draw; leave out some of them.")
        cells = {name: as_dtype(values, codec.empty[name].dtype) for name, values in raw.items()}
        return Given(pd.DataFrame(cells, index=raw.index), y, rows, known_columns)


def _encoded(raw: pd.DataFrame, codec: TableCodec) -> tuple[Encoded, np.ndarray]:
    """Return given cells as arrays, and which columns of these are known, bool, shape (p + q,)."""
    numbers = np.full((len(raw), len(codec.number_columns)), np.nan)
    codes = np.zeros((len(raw), len(codec.code_columns)), dtype=np.int64)
    known = np.zeros(numbers.shape[1] + codes.shape[1], dtype=bool)
    for j, c in enumerate(codec.number_columns):
        if c.name in raw:
            numbers[:, j], known[j] = _numbers(raw[c.name], c, codec), True
    for j, levels in enumerate(codec.levels):
        names = list(levels.values.columns)
        given = [name for name in names if name in raw]
        if given and len(given) < len(names):
            raise ValueError(
                f"columns {some(map(repr, names))} go together, and {given[0]!r} is given; give all or none."
            )
        if given:
            at = levels.positions(raw)
            _refuse(raw[given[0]], at < 0, "which no real row does")
            codes[:, j], known[numbers.shape[1] + j] = np.minimum(at, codec.cards[j] - 1), True
    return Encoded(numbers, codes), known


def _numbers(values: pd.Series, c: Column, codec: TableCodec) -> np.ndarray:
    """Return given numbers or times as the codec has them, float64, shape (n,); NaN where missing."""
    absent = is_absent(values, c)
    if not any((c.missing or {}).values()):
        _refuse(values, absent, "and no real row misses it")
    x = codec.number(values, c)
    _refuse(values, np.isnan(x) & ~absent, f"which is no {'time' if c.kind == 'datetime' else 'number'}")
    return x


def _refuse(values: pd.Series, wrong: np.ndarray, why: str) -> None:
    """Raise ValueError if a cell of a column is wrong."""
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        value: Any = values.iloc[at]
        name: Hashable = values.name
        holds = "nothing" if pd.isna(value) else repr(value)
        raise ValueError(f"given column {name!r} holds {holds} in row {at}, counted from 0, {why}; correct it.")
