"""What a column is among real and among synthetic rows of one class, as bins and levels."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gensynth.data.labeled import LabeledData
from gensynth.kinds.table import measures as metrics
from gensynth.kinds.table.codec import TableCodec
from gensynth.kinds.table.numbers import as_numbers, is_absent
from gensynth.kinds.table.report.figures import Histogram, short
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.schema import NOT_JUDGED, Column
from gensynth.kinds.table.times import as_times, tick, ticks

LEVELS, SPIKES = 7, 3
"""Levels and spikes of a column that are told apart."""
MOST_BINS, FEWEST_BINS = 24, 8
TAIL = 0.04
"""A half of the range that holds a smaller share of the numbers is a long tail."""
DAY = 86_400_000_000
DATES = ((1500, "%Y"), (100, "%Y-%m"), (3, "%m-%d"), (0, "%m-%d %H:%M"))
"""How times are written, by the days that they range over."""


@dataclass(frozen=True, eq=False)
class ColumnLook:
    """One column among real and synthetic rows.

    Attributes:
        column: What it is.
        shared: How much of its distribution they share, in [0, 1] (`table_metrics.marginal_similarities`).
        missing: Share of (real, synthetic) rows without a value.
        histogram: Its numbers; None if it has none, or levels only.
        bars: Share of (real, synthetic) rows by level, of numbers the spikes and what is missing.
    """

    column: Column
    shared: float
    missing: tuple[float, float]
    histogram: Histogram | None
    bars: dict[str, tuple[float, float]]

    @property
    def difference(self) -> float:
        """How far they differ, in [0, 1]."""
        return max(1 - self.shared, abs(self.missing[0] - self.missing[1]))


def as_real(frame: pd.DataFrame, train: LabeledData) -> pd.DataFrame:
    """Return rows that the gate could read in the training data's dtypes, without ids."""
    names = [c.name for c in train.x.schema.columns if c.kind not in NOT_JUDGED]
    dtypes = rows_of(train).frame.dtypes
    return pd.DataFrame({name: frame[name].astype(dtypes[name]) for name in names}, index=frame.index)


def looks(real: pd.DataFrame, synthetic: pd.DataFrame, train: LabeledData) -> list[ColumnLook]:
    """Return the columns, those that differ most first.

    Args:
        real: Real rows, at least one, as `as_real` returns them.
        synthetic: Synthetic rows, likewise.
        train: The training rows.
    """
    columns = [c for c in train.x.schema.columns if c.kind not in (*NOT_JUDGED, "constant")]
    names = [c.name for c in columns]
    if not names:
        return []
    # Rules would tie columns to each other, which are shown one by one.
    codec = TableCodec(rows_of(train).frame[names], replace(train.x.schema, columns=tuple(columns), rules=()))
    both = metrics.stacked([codec.encode(real), codec.encode(synthetic)])
    is_real = (np.arange(len(both)) < len(real))[:, None]
    order: list[Hashable] = [c.name for c in (*codec.number_columns, *codec.code_columns)]
    shared = dict(zip(order, metrics.marginal_similarities(both, codec.cards, is_real)[:, 0].tolist(), strict=True))
    found = [_look(c, shared[c.name], real[c.name], synthetic[c.name]) for c in columns]
    return sorted(found, key=lambda look: -look.difference)


def _look(c: Column, shared: float, real: pd.Series, synthetic: pd.Series) -> ColumnLook:
    missing = float(is_absent(real, c).mean()), float(is_absent(synthetic, c).mean())
    if c.kind in ("categorical", "boolean"):
        return ColumnLook(c, shared, missing, None, _levels(real, synthetic))
    x, z = _numbers(real, c), _numbers(synthetic, c)
    bars = {}
    spikes = [float(tick(s, "us")) / DAY if isinstance(s, str) else float(s) for s in c.spikes]
    text = _date_text(x) if c.kind == "datetime" else short
    for spike in spikes[:SPIKES]:
        # Times may be written as text with another resolution than the column has.
        bars[f"= {text(spike)}"] = float((x == spike).mean()), float((z == spike).mean())
        x, z = np.where(x == spike, np.nan, x), np.where(z == spike, np.nan, z)
    if max(missing) > 0:
        bars["missing"] = missing
    return ColumnLook(c, shared, missing, _histogram(x, z, c, text), bars)


def _levels(real: pd.Series, synthetic: pd.Series) -> dict[str, tuple[float, float]]:
    """Return the share of the most frequent levels, and of the others together."""
    shares = [values.astype(object).value_counts(normalize=True, dropna=False) for values in (real, synthetic)]
    # Levels may be of several types, which cannot be sorted but as text.
    by_name = [dict[str, float](), dict[str, float]()]
    for share, of in zip(shares, by_name, strict=True):
        for level, value in share.items():
            name = "missing" if pd.isna(level) else str(level)
            of[name] = of.get(name, 0.0) + float(value)
    first, second = by_name
    names = sorted(first | second, key=lambda name: (-max(first.get(name, 0), second.get(name, 0)), name))
    shown = names if len(names) <= LEVELS + 1 else names[:LEVELS]
    bars = {name: (first.get(name, 0.0), second.get(name, 0.0)) for name in shown}
    if rest := names[len(shown) :]:
        real_rest, drawn_rest = (sum(of.get(name, 0.0) for name in rest) for of in by_name)
        bars[f"{len(rest)} others"] = real_rest, drawn_rest
    return bars


def _numbers(values: pd.Series, c: Column) -> np.ndarray:
    """Return numbers, or days since 1970, NaN where missing."""
    if c.kind != "datetime":
        return as_numbers(values, c)
    times = as_times(values, c.format)
    return np.where(times.isna(), np.nan, ticks(times, "us") / DAY)


def _date_text(x: np.ndarray) -> Callable[[float], str]:
    """Return how to write days since 1970 that range as `x` does."""
    given = x[~np.isnan(x)]
    days = float(np.ptp(given)) if len(given) else 0.0
    form = next(form for least, form in DATES if days >= least)
    return lambda v: pd.Timestamp(round(v * DAY), unit="us").strftime(form)


def _histogram(x: np.ndarray, z: np.ndarray, c: Column, text: Callable[[float], str]) -> Histogram | None:
    """Return shares of all rows by bin; a bin for each of few whole numbers; tails drawn together where they are long.

    Args:
        x: Real numbers, NaN where they are shown otherwise, shape (n,).
        z: Synthetic ones, shape (m,).
        c: The column.
        text: A value for people.
    """
    given = np.concatenate([x, z])
    given = given[~np.isnan(given)]
    if not len(given):
        return None
    low, high = float(given.min()), float(given.max())
    few = min((~np.isnan(x)).sum(), (~np.isnan(z)).sum())
    bins = int(np.clip(np.ceil(2 * max(few, 1) ** (1 / 3)), FEWEST_BINS, MOST_BINS))
    place: Callable[[np.ndarray], np.ndarray] = np.positive
    if c.kind == "integer" and high - low < MOST_BINS:
        edges = np.arange(low - 0.5, high + 1)
    elif low == high:
        edges = np.array([low - 0.5, high + 0.5])
    else:
        edges = np.linspace(low, high, bins + 1)
        # Nearly all numbers lie in one half of the range.
        if c.kind != "datetime" and not TAIL < (given > (low + high) / 2).mean() < 1 - TAIL:
            place, back = _tails_together(given)
            ends = place(np.array([low, high]))
            edges = back(np.linspace(ends[0], ends[1], bins + 1))
            edges[[0, -1]] = low, high
    real, synthetic = (np.histogram(v[~np.isnan(v)], edges)[0] / len(v) for v in (x, z))
    return Histogram(edges, real, synthetic, place, text)


def _tails_together(given: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """Return asinh((v - centre) / width) and its inverse: all but logarithmic for numbers of one sign."""
    one_sign = given.min() >= 0 or given.max() <= 0
    centre = 0.0 if one_sign else float(np.median(given))
    size = np.abs(given - centre)
    width = float(np.quantile(size[size > 0], 0.05 if one_sign else 0.5))
    return lambda v: np.arcsinh((v - centre) / width), lambda t: centre + width * np.sinh(t)
