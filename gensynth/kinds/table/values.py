"""Values of synthetic rows as a column of real ones can hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gensynth.kinds.table.numbers import as_numbers, different, is_absent
from gensynth.kinds.table.schema import Column, plain_level
from gensynth.kinds.table.times import as_times, tick, ticks, write


def read_values(
    values: pd.Series, real: pd.Series, c: Column, levels: set[Any]
) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """Return the values of a column as `real` can hold them, which of them it cannot, and which are out of bounds."""
    absent = is_absent(values, c)
    if c.kind in ("numeric", "integer"):
        x = as_numbers(values, c)
        if c.format is None and not pd.api.types.is_numeric_dtype(values.dtype):
            values = pd.Series(x, index=values.index)
        unreadable = ~absent & ~np.isfinite(x)
        if c.kind == "integer":
            unreadable |= ~absent & (x % 1 != 0)
        if pd.api.types.is_integer_dtype(real.dtype):
            room = np.iinfo(str(real.dtype).lower())
            unreadable |= (x < room.min) | (x > room.max)
        low, high = (-np.inf if c.low is None else c.low), (np.inf if c.high is None else c.high)
        return values, unreadable, (x < low) | (x > high)
    if c.kind == "datetime":
        times = as_times(values, c.format)
        if not pd.api.types.is_datetime64_any_dtype(times.dtype):
            times = pd.to_datetime(values.astype(object), errors="coerce", format="ISO8601")
        if _has_zone(times) != _has_zone(as_times(real, c.format)):
            times = pd.Series(pd.NaT, index=times.index)
        unreadable, at = ~absent & times.isna().to_numpy(), ticks(times, "us")
        wrong = np.zeros(len(at), dtype=bool)
        if c.low is not None:
            wrong |= at < tick(c.low, "us")
        if c.high is not None:
            wrong |= at > tick(c.high, "us")
        if c.format is not None:
            values = pd.Series(np.where(absent, values, write(times, c.format)), index=values.index)
            times = pd.to_numeric(values) if pd.api.types.is_numeric_dtype(real.dtype) else values
        return times, unreadable, wrong & ~absent
    codes, distinct = different(values)
    unknown = np.array([plain_level(v) not in levels for v in distinct] + [False], dtype=bool)[codes]
    return values, unknown, unknown


def _has_zone(times: pd.Series) -> bool:
    return isinstance(times.dtype, pd.DatetimeTZDtype)
