"""Columns that alone give the label away, such as a row number in a table that is sorted by class."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from gensynth.kinds.table.numbers import as_numbers, different_texts
from gensynth.kinds.table.schema import NUMBERS, Column, Schema
from gensynth.kinds.table.times import as_times, ticks

BINS = 64
"""Values or ranges of values that are told apart, at most."""
ROWS_IN_BIN = 5
"""Rows in a range of values, at least."""
ENOUGH = 0.9
"""How far from guessing to certainty a column must lead alone to be named."""


def giveaways(x: pd.DataFrame, y: np.ndarray, schema: Schema) -> dict[Hashable, float]:
    """Return the balanced accuracy that each column alone reaches, for those that give the label away.

    The label of every row is guessed from the other rows with a like value, each class weighing the same.

    Args:
        x: Rows, shape (n, p).
        y: Their labels, int64, shape (n,).
        schema: What the columns are; ids and all others that nothing is learned from are looked at, too.
    """
    present, labels = np.unique(y, return_inverse=True)
    if len(present) < 2:
        return {}
    chance = 1 / len(present)
    reached = {
        c.name: _accuracy(_bins(x[c.name], c), labels) for c in schema.predictors.columns if c.kind != "constant"
    }
    return {name: value for name, value in reached.items() if value - chance >= ENOUGH * (1 - chance)}


def _accuracy(bins: np.ndarray, y: np.ndarray) -> float:
    """Return the balanced accuracy of the class that is most frequent for its size among the others in a row's bin."""
    n = np.bincount(y)
    counts = np.bincount(bins * len(n) + y, minlength=(bins.max() + 1) * len(n)).reshape(-1, len(n)).astype(np.float64)
    # Leaving a row out takes it from its own class alone: a class with one row is never guessed.
    own = np.maximum(counts - 1, 0) / np.maximum(n - 1, 1)
    shares = counts / n
    best = shares.argmax(axis=1)
    at = np.arange(len(shares))
    highest = shares[at, best].copy()
    shares[at, best] = -1
    rivals = np.repeat(highest[:, None], len(n), axis=1)
    rivals[at, best] = shares.max(axis=1)
    right = (own > rivals) & (own > 0)
    return float((counts * right / n).sum(axis=0).mean())


def _bins(values: pd.Series, c: Column) -> np.ndarray:
    """Return which value, or range of values, each row has, int64, shape (n,); missing ones have one of their own."""
    if c.kind in NUMBERS or pd.api.types.is_numeric_dtype(values.dtype):
        if c.kind == "datetime":
            times = as_times(values, c.format)
            numbers = np.where(times.isna(), np.nan, ticks(times, "us").astype(np.float64))
        else:
            numbers = as_numbers(values, c)
    else:
        codes, texts = different_texts(values)
        numbers = np.append(np.argsort(np.argsort(texts)), np.nan)[codes]
    ordered = np.sort(numbers)  # what is missing comes last
    another = (ordered[1:] != ordered[:-1]) & ~np.isnan(ordered[:-1])
    bins = np.cumsum(np.append(False, another))
    if bins[-1] >= BINS:
        ends = np.quantile(bins, np.linspace(0, 1, max(2, min(BINS, len(bins) // ROWS_IN_BIN) + 1))[1:-1])
        bins = np.searchsorted(ends, bins, side="left")
    starts = ordered[np.append(True, bins[1:] != bins[:-1])]
    return np.searchsorted(starts, numbers, side="right") - 1
