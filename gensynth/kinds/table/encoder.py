"""Encoder: a table as what its classifiers and regressors read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gensynth.data.labeled import LabeledData
from gensynth.kinds.table.codec import TableCodec
from gensynth.kinds.table.rows import rows_of
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Extra:
    """Synthetic rows as arrays.

    Attributes:
        x: As `Encoder.rows` gives them, shape (m, p).
        y: Labels as `Encoder.labels` gives them, int64, shape (m,), or the numbers that are predicted.
        parents: Positions of the real rows that each one was made from, int64, shape (m, k), -1 where there are fewer.
    """

    x: np.ndarray
    y: np.ndarray
    parents: np.ndarray

    def take(self, rows: np.ndarray) -> Extra:
        """Return some rows (positions or a boolean mask)."""
        return Extra(self.x[rows], self.y[rows], self.parents[rows])

    def made_of(self, known: pd.Index) -> Extra:
        """Return those that were made from none but the real rows of these numbers."""
        given = np.isin(self.parents, known) | (self.parents < 0)
        return self.take(np.flatnonzero(given.all(axis=1)))


class Encoder:
    """Turns tables into what the classifiers read; fitted on real training rows.

    Labels are numbered from the most frequent class to the rarest: of two classes, 1 is the rare one.

    Args:
        train: Real training rows, each class at least once.

    Attributes:
        order: Position in `train.classes` of each label.
        is_code: Which columns hold codes, bool, shape (p,).

    Raises:
        ValueError: if it is no table, has no column to learn from, or has a class without rows.
    """

    def __init__(self, train: LabeledData) -> None:
        rows = rows_of(train)
        if empty := [name for name, n in train.class_counts.items() if not n]:
            raise ValueError(f"train has no row of {', '.join(map(repr, empty))}; every class needs at least one.")
        self.codec = TableCodec(rows.frame, rows.schema.predictors)
        p, q = len(self.codec.number_columns), len(self.codec.code_columns)
        if not p + q:
            raise ValueError("the table has no column to learn from: all of them are ids or constant.")
        self.is_code = np.arange(p + q) >= p
        self.order = np.argsort(-np.bincount(train.y), kind="stable")

    def rows(self, frame: pd.DataFrame) -> np.ndarray:
        """Return numbers, then codes, float64, shape (n, p)."""
        encoded = self.codec.encode(frame)
        return np.hstack([encoded.numbers, encoded.codes])

    def labels(self, y: np.ndarray) -> np.ndarray:
        """Return the labels in the order of `order`."""
        return np.argsort(self.order)[y]

    def extra(self, synthetic: Synthetic, ids: Sequence[str]) -> Extra:
        """Return synthetic rows as arrays.

        Args:
            synthetic: The rows.
            ids: Names of the real rows that they are added to; the position in it is the number of a parent.

        Raises:
            ValueError: if one was made from another row.
        """
        position = {name: i for i, name in enumerate(ids)}
        parents = np.full((len(synthetic), max(map(len, synthetic.parents), default=0)), -1, dtype=np.int64)
        for i, names in enumerate(synthetic.parents):
            for j, name in enumerate(names):
                if name not in position:
                    raise ValueError(
                        f"a synthetic row was made from the row {name!r}, which is not in train; draw from the "
                        "training rows only."
                    )
                parents[i, j] = position[name]
        return Extra(self.rows(synthetic.x.frame), self.labels(synthetic.y), parents)
