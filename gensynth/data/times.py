"""Points in time, also as text, to whole numbers of ticks and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

UNITS: dict[str, Any] = {
    "day": "D",
    "hour": "h",
    "minute": "m",
    "second": "s",
    "millisecond": "ms",
    "microsecond": "us",
    "nanosecond": "ns",
}
"""Resolutions of times, the coarsest first, with numpy's abbreviations."""
FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M"),
    *("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y"),
    *("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"),
)
"""Formats in which dates are recognised in text."""


def date_format(text: pd.Series) -> str | None:
    """Return the format in which all of `text` are dates and are written again as they were, or None."""
    distinct = pd.Series(text.unique(), dtype=object)
    for some in (distinct.iloc[:: max(1, len(distinct) // 100)], distinct):
        if not len(some) or not some.str.match(r"\d+[-./]\d+[-./]\d+").all():
            return None
        found = next((form for form in FORMATS if _is_written_so(some, form)), None)
        if found is None:
            return None
    return found


def _is_written_so(text: pd.Series, form: str) -> bool:
    times = pd.to_datetime(text, format=form, errors="coerce")
    return bool(times.notna().all() and (times.dt.strftime(form) == text).all())


def as_times(values: pd.Series, form: str | None = None) -> pd.Series:
    """Return points in time as datetime64, missing ones as NaT; those outside of what can be stored too.

    Args:
        values: Times of any dtype, or text.
        form: strftime format of text.
    """
    if form is None:
        ready = isinstance(values.dtype, np.dtype | pd.DatetimeTZDtype) and values.dtype.kind == "M"
        return values if ready else values.astype(object).where(values.notna(), pd.NaT).infer_objects()
    codes, distinct = pd.factorize(values.astype(object))
    times = pd.to_datetime(pd.Series(distinct, dtype=object), format=form, errors="coerce").astype("datetime64[us]")
    return times.reindex(np.where(codes < 0, len(distinct), codes)).reset_index(drop=True)


def ticks(times: pd.Series, unit: str) -> np.ndarray:
    """Return the whole number of ticks since 1970 in UTC, int64; meaningless where a time is missing.

    Args:
        times: datetime64, with zone or without.
        unit: numpy's abbreviation of a tick.
    """
    zoned = isinstance(times.dtype, pd.DatetimeTZDtype)
    plain = times.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else times
    return plain.to_numpy(dtype=f"datetime64[{unit}]").astype(np.int64)


def tick(text: Any, unit: Any) -> int:
    """Return the tick of a time in ISO text, such as `2020-01-31T12:00`; ValueError if it is none."""
    try:
        return int(np.datetime64(str(text), unit).astype(np.int64))
    except ValueError as error:
        raise ValueError(f"{text!r} is no point in time; write it like 2020-01-31 or 2020-01-31T12:00:00.") from error


def tick_text(at: int, unit: Any, resolution: str) -> str:
    """Return the ISO text of a tick, in a resolution out of `UNITS`."""
    return str(np.datetime64(int(at), unit).astype(f"datetime64[{UNITS[resolution]}]"))


def from_ticks(at: np.ndarray, absent: np.ndarray, dtype: Any) -> pd.Series:
    """Return ticks since 1970 in UTC as a Series of a datetime64 dtype, NaT where `absent`."""
    unit = unit_of(dtype)
    values = at.astype(f"datetime64[{unit}]")
    values[absent] = np.datetime64("NaT")
    times = pd.Series(values)
    return times.dt.tz_localize("UTC").dt.tz_convert(dtype.tz) if isinstance(dtype, pd.DatetimeTZDtype) else times


def unit_of(dtype: Any) -> str:
    """Return numpy's abbreviation of the tick of a datetime64 dtype."""
    return str(dtype.unit) if isinstance(dtype, pd.DatetimeTZDtype) else np.datetime_data(dtype)[0]


def resolution_of(at: np.ndarray, unit: str) -> str:
    """Return the coarsest of `UNITS` of which all ticks are whole numbers."""
    for name, short in UNITS.items():
        step = step_of(name, unit)
        if short == unit or (step > 1 and not (at % step).any()):
            return name
    raise AssertionError(unit)


def step_of(resolution: str, unit: Any) -> int:
    """Return how many ticks one unit of the resolution has, at least 1."""
    return max(1, int(np.timedelta64(1, UNITS[resolution]) / np.timedelta64(1, unit)))
