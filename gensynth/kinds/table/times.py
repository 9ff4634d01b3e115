"""Points in time, also as text, to whole numbers of ticks and back."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd

from gensynth.kinds.table.numbers import different

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
_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y"),
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d. %B %Y"),
)
_CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S.%f")
_PADDED = (
    *_DATES,
    *(f"{date} {clock}" for date in _DATES for clock in _CLOCKS),
    *(f"%Y-%m-%dT{clock}" for clock in ("%H:%M:%S", "%H:%M:%SZ", "%H:%M", "%H:%M:%S.%f", "%H:%M:%S.%fZ")),
    *("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y-%m", "%Y/%m", "%Y%m", "%b %Y", "%B %Y", "%b-%y", *_CLOCKS),
)
_DAYS = [re.sub("%([dmI])", r"%-\1", form) for form in _PADDED if re.search("[/.]|%[IbB]", form)]
_HOURS = [form.replace("%H", "%-H") for form in (*_PADDED, *_DAYS) if re.search("%H:", form)]
FORMATS = tuple(dict.fromkeys([*_PADDED, *_DAYS, *_HOURS]))
"""Formats in which times are recognised in text, whole numbers too. `%-m` is a month without a leading zero."""
DATES_IN_NUMBERS = {8: "%Y%m%d", 6: "%Y%m", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Formats of whole numbers that are times, by their digits."""
CENTURIES = (1900, 2100)
"""Years of times that could be plain numbers otherwise."""
CLOCKS_IN_NUMBERS = ("%H%M", "%H%M%S")
"""Formats of whole numbers that are times of day: 5 is five past midnight, 2351 nine to the next."""
FEWEST_CLOCKS = 20
"""Different numbers from 60 on that must all be times of day: of as many other numbers, some end in 60 to 99."""
FEWEST_HOURS = 3
"""Different hours that they must lie in: 2000 to 2024 are years."""
MIDNIGHT = 2400
"""How some write the midnight at the end of a day, which no format reads."""


def _shape(text: str) -> str:
    """Return a text with every number as 0 and every word as a."""
    return re.sub("[^\\W\\d_]+", "a", re.sub("[0-9]+", "0", text))


SHAPES: dict[str, list[str]] = {}
"""`FORMATS` by the shape of what is written in them, `0/0/0` or `0-a-0`: few have to be tried."""
for _form in FORMATS:
    SHAPES.setdefault(_shape(re.sub("%-?[^-]", "0", re.sub("%[bBp]", "a", _form))), []).append(_form)


def write(times: pd.Series, form: str) -> np.ndarray:
    """Return times as text, object, shape (n,); None where missing."""
    texts = times.dt.strftime(form.replace("%-", "\1%"))
    texts = texts.str.replace("\1(0?)", "", regex=True) if "%-" in form else texts
    return texts.astype(object).where(times.notna(), None).to_numpy()


def parse(texts: pd.Series, form: str) -> pd.Series:
    """Return text as datetime64[us], NaT where it is no time in this format."""
    return pd.to_datetime(texts, format=form.replace("%-", "%"), errors="coerce").astype("datetime64[us]")


def is_time_format(form: str) -> bool:
    """Whether `parse` can read times in a format."""
    try:
        parse(pd.Series(["2000"]), form)
    except Exception:  # pandas raises several kinds, re.error among them
        return False
    return True


def date_formats(text: pd.Series) -> list[str]:
    """Return the formats in which all of `text` are times and are written again as they were, the likeliest first."""
    distinct = pd.Series(text.unique(), dtype=object)
    if not len(distinct) or not re.search("[0-9]", distinct[0]):
        return []
    zone = re.search("(?<=[0-9])[+-][0-9]{2}:?[0-9]{2}$", distinct[0])
    end = zone[0] if zone and ":" in distinct[0] and distinct.str.endswith(zone[0]).all() else ""
    plain = distinct.str.removesuffix(end)
    found = SHAPES.get(_shape(plain[0]), [])
    for some in (plain.iloc[:: max(1, len(plain) // 100)], plain):
        found = [form for form in found if _is_written_so(some, form)]
    return [form + end for form in found]


def whole_format(given: pd.Series) -> str | None:
    """Return the format in which all of a column of whole numbers are times, such as `%Y%m%d`, or None."""
    digits = {len(str(int(n))) for n in (given.min(), given.max())}
    form = DATES_IN_NUMBERS.get(min(digits)) if len(digits) == 1 else None
    return form if form is not None and form in date_formats(as_text(given, form)) else None


def clock_format(given: pd.Series) -> str | None:
    """Return the format in which all of a column are times of day without a colon, or None where chance can do that.

    Args:
        given: Whole numbers such as 5 and 2351, or texts of digits such as 0005 and 2351.
    """
    distinct = pd.Series(given.unique())
    text = pd.api.types.infer_dtype(distinct) == "string"
    if text and not distinct.str.fullmatch("[0-9]{4}|[0-9]{6}").all():
        return None
    numbers = pd.to_numeric(distinct)
    if not len(numbers) or numbers.min() < 0 or (numbers >= 60).sum() < FEWEST_CLOCKS or not (numbers % 50).any():
        return None
    for form in CLOCKS_IN_NUMBERS:
        times = as_times(distinct, form)
        if times.notna().all() and times.dt.hour.nunique() >= FEWEST_HOURS:
            return form if not text or (write(times, form) == distinct).all() else None
    return None


def as_text(values: pd.Series, form: str) -> pd.Series:
    """Return whole numbers as text with the zeros that times begin with in this format, 0005; the rest as it is."""
    digits = {"Y": 4, "f": 6, "j": 3}
    width = len(re.sub("%-?(.)", lambda part: "0" * digits.get(part[1], 2), form))
    return values.astype(object).map(lambda value: _digits(value, width), na_action="ignore")


def _digits(value: Any, width: int) -> Any:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return str(int(value)).zfill(width) if number and abs(value) < math.inf and value == int(value) else value


def _is_written_so(text: pd.Series, form: str) -> bool:
    times = parse(text, form)
    if not times.notna().all() or not (write(times, form) == text).all():
        return False
    short = form in DATES_IN_NUMBERS.values() or "%d" not in form.replace("%-", "%")
    return not short or "%Y" not in form or times.dt.year.between(*CENTURIES).all()


def as_times(values: pd.Series, form: str | None = None) -> pd.Series:
    """Return points in time as datetime64, missing ones as NaT; those outside of what can be stored too.

    Args:
        values: Times of any dtype, text, or whole numbers that are times.
        form: strftime format of text and numbers.
    """
    if form is None:
        ready = isinstance(values.dtype, np.dtype | pd.DatetimeTZDtype) and values.dtype.kind == "M"
        return values if ready else values.astype(object).where(values.notna(), pd.NaT).infer_objects()
    codes, distinct = different(values)
    times = parse(as_text(pd.Series(distinct, dtype=object), form), form)
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
