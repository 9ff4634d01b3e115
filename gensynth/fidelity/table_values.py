"""Values of synthetic rows as a column of real ones can hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.codec import floats
from gensynth.data.schema import Column, plain_level
from gensynth.data.times import as_times, tick, ticks


def read_values(
    values: pd.Series, real: pd.Series, c: Column, levels: set[Any]
) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """Return the values of a column as `real` can hold them, which of them it cannot, and which are out of bounds."""
    absent = values.isna().to_numpy()
    if c.kind in ("numeric", "integer"):
        if not pd.api.types.is_numeric_dtype(values.dtype):
            values = pd.to_numeric(values.astype(object), errors="coerce")
        x = floats(values)
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
        return (times.dt.strftime(c.format) if c.format else times), unreadable, wrong & ~absent
    codes, distinct = pd.factorize(values.astype(object))
    unknown = np.array([plain_level(v) not in levels for v in distinct] + [False], dtype=bool)[codes]
    return values, unknown, unknown


def _has_zone(times: pd.Series) -> bool:
    return isinstance(times.dtype, pd.DatetimeTZDtype)


def dense(values: pd.Series) -> pd.Series:
    """Return a column, sparse or not, as one that is not."""
    return values.sparse.to_dense() if isinstance(values.dtype, pd.SparseDtype) else values
