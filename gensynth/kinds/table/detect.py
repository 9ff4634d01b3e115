"""Guess from its values and its name what each column of a table is."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.words import some
from gensynth.kinds.table.column_names import is_clock, is_key, is_nameless, is_personal, is_row_number, is_time
from gensynth.kinds.table.labels import check_labels, class_names
from gensynth.kinds.table.numbers import as_numbers, dense, different, digits, is_absent, marks_in, number_format
from gensynth.kinds.table.schema import (
    HUGE,
    RARE,
    WHOLE,
    Column,
    Schema,
    check_names,
    most_frequent,
    own_precision,
    plain_level,
)
from gensynth.kinds.table.tail import TAIL
from gensynth.kinds.table.times import (
    as_times,
    clock_format,
    date_formats,
    resolution_of,
    step_of,
    tick_text,
    ticks,
    unit_of,
    whole_format,
)

SPIKE = 0.05
"""A number that makes up this share of a numeric column (an exact zero, say) is a level of its own."""
FEWEST_FOR_SPIKE = 5
"""Rows in which such a number occurs at least."""
NEARLY = 0.95
"""Share of values of a key that differ, at least."""
MANY_TIMES = 10
"""Different whole numbers that must all be times to be taken for times, unless the column's name says so."""
FEW_TIMES = 3
"""The same where it does."""
LIKE_A_NUMBER = 10**6
"""From here on, a whole number under a name such as `phone` is one to call, and no count of calls."""
LAST_ID = 2**63 - 2**32
"""Beyond it, there is no room for new ids."""
_OF_NUMBERS = ("low", "high", "decimals", "spikes", "format", "marks")
SAID = {
    "numeric": _OF_NUMBERS,
    "integer": _OF_NUMBERS,
    "datetime": ("low", "high", "spikes", "format", "marks", "unit"),
    "categorical": ("levels",),
    "boolean": ("levels",),
    "constant": ("levels",),
    "id": ("high",),
}
"""What a given schema may say about the values of a column of a kind. What else it says is left over from the kind that
the column had before a person changed it."""


def detect_schema(frame: pd.DataFrame, target: Hashable, given: Schema | None = None) -> Schema:
    """Guess what every column is.

    Args:
        frame: The table with its label column.
        target: Name of the label column.
        given: What is known already: its columns keep their kind and whatever else it says about them, and its rules
            are taken over. Shares of missing values, rare levels and dtypes are those of `frame`.

    Raises:
        ValueError: if there is no such column, two columns share a name, a column holds something else than
            numbers, text, truth values and times, or it cannot be what `given` says.
    """
    check_names(frame, target)
    check_labels(frame[target])
    if len(frame.columns) < 2:
        raise ValueError(f"the table has no column but {target!r}.")
    plain = [plain_level(name) for name in frame.columns]
    names = [name for name in plain if name != target]
    known = {} if given is None else {c.name: c for c in given.columns}
    if given is not None and set(known) != set(names):
        unlike = sorted(map(str, set(known) ^ set(names)))
        raise ValueError(f"the schema and the table differ in the columns {some(unlike)}; they must agree.")
    classes, y = class_names(frame[target])
    columns = tuple(_column(frame[name], name, classes, y, known.get(name)) for name in names)
    position = plain.index(target)
    return Schema(
        target=plain[position],
        columns=columns,
        rules=() if given is None else given.rules,
        position=None if position == len(names) else position,
        tail=None if given is None or target != TAIL else given.tail,
    )


def _column(values: pd.Series, name: Hashable, classes: tuple[str, ...], y: np.ndarray, known: Column | None) -> Column:
    if isinstance(values.dtype, pd.SparseDtype):
        values = dense(values).astype(values.dtype.subtype)
    found = _detect(name, values, known)
    said = {} if known is None else _said(known)
    rare = found.rare if "levels" not in said else tuple(v for v in said["levels"] if v in set(found.rare))
    found = replace(found, **said, rare=rare)
    absent = is_absent(values, found)
    shares = np.bincount(y, weights=absent, minlength=len(classes)) / np.bincount(y, minlength=len(classes))
    return replace(found, missing=dict(zip(classes, shares.tolist(), strict=True)))


def _said(known: Column) -> dict[str, Any]:
    """Return what a given schema says about the values of a column of its kind."""
    fields = SAID.get(known.kind, ())
    if known.kind == "datetime" and any(isinstance(b, int | float) for b in (known.low, known.high, *known.spikes)):
        fields = ("format", "marks", "unit")  # bounds that are no text were those of numbers
    return {f: getattr(known, f) for f in fields if getattr(known, f) not in (None, ())}


def _detect(name: Hashable, values: pd.Series, known: Column | None) -> Column:
    """Return what a column is, or, of a known kind, what its values are."""
    given, dtype, kind = values.dropna(), str(values.dtype), known.kind if known else None
    if kind in ("ignore", "weight"):
        return _unjudged(name, str(kind), given, dtype)
    holds = pd.api.types.infer_dtype(given, skipna=True)
    kinds = sorted({type(v).__name__ for v in given}) if holds.startswith("mixed") else []
    if unknown := sorted({type(v).__name__ for v in given if not isinstance(v, Hashable)}) if kinds else []:
        raise _not_understood(name, " and ".join(unknown))
    distinct = given.nunique()
    text = holds == "string"
    if kind == "constant" and distinct + values.isna().any() > 1:
        raise ValueError(f"column {name!r} cannot be constant: it holds {distinct} different values.")
    if distinct == 0 or (distinct == 1 and not values.isna().any() and kind in (None, "constant")):
        return Column(name, "constant", dtype, levels=tuple(plain_level(v) for v in given.unique()))
    if kind in ("categorical", "boolean"):
        return _levels(name, str(kind), given, dtype)
    whole = holds == "integer" or (holds == "floating" and bool((given % 1 == 0).all()))
    if kind == "id":
        if not text and not whole:
            raise ValueError(f"column {name!r} cannot be an id: it holds {holds} values, not text or whole numbers.")
        return _id(name, given, dtype)
    if holds == "boolean" and kind is None:
        return _levels(name, "boolean", given, dtype)
    if kind is None and whole and _is_id(name, given, distinct):
        return _id(name, given, dtype)
    if holds in ("datetime64", "datetime") and kind in (None, "datetime"):
        times = as_times(given)
        if times.dtype == object:
            raise ValueError(f"column {name!r} holds times of several zones; bring them into one.")
        return _times(times, Column(name, "datetime", dtype))
    if kind in (None, "datetime") and (text or whole):
        column = Column(name, "datetime", dtype, marks=known.marks if known else marks_in(given) if text else ())
        times = given[~is_absent(given, column)]
        if len(times) and (form := _time_format(name, times, text, known)):
            read = as_times(times, form)
            if unread := times[read.isna().to_numpy()].tolist():
                raise ValueError(
                    f"column {name!r} holds {unread[0]!r}, which is no time in the format {form!r}; correct it, or "
                    "name it in the column's marks."
                )
            return _times(read, replace(column, format=form))
    numbers = holds in ("integer", "floating", "mixed-integer-float")
    if kind in (None, "numeric", "integer") and (numbers or text):
        written = _number_format(given, known) if text else (None, known.marks if known else ())
        if written is not None:
            return _numbers(
                name, given, Column(name, kind or "numeric", dtype, format=written[0], marks=written[1]), kind
            )
    if kind is not None:
        raise ValueError(f"column {name!r} cannot be {kind}: it holds {holds} values.")
    if text and _is_text_id(name, given, distinct):
        return _id(name, given, dtype)
    if text or holds == "categorical" or (kinds and set(kinds) <= {"str", "int", "float", "bool"}):
        return _levels(name, "categorical", given, dtype)
    raise _not_understood(name, " and ".join(kinds) or (dtype if holds == "unknown-array" else holds))


def _unjudged(name: Hashable, kind: str, given: pd.Series, dtype: str) -> Column:
    if kind == "weight" and not pd.api.types.is_numeric_dtype(given.infer_objects().dtype):
        raise ValueError(f"column {name!r} cannot be a weight: it holds {given.iloc[0]!r}, which is no number.")
    return Column(name, kind, dtype)


def _is_id(name: Hashable, given: pd.Series, distinct: int) -> bool:
    """Whether whole numbers name rows, people or things: they hardly repeat, and more speaks for it."""
    if distinct < RARE or given.max() > LAST_ID:
        return False
    if is_nameless(name):
        return True
    low, high = int(given.min()), int(given.max())
    if is_personal(name) and (distinct >= NEARLY * len(given) or high >= LIKE_A_NUMBER):
        return True
    if distinct == len(given) and (high - low == distinct - 1 or is_row_number(name)):
        return True
    largest = HUGE if pd.api.types.is_float_dtype(given.infer_objects().dtype) else WHOLE
    return distinct >= NEARLY * len(given) and (is_key(name) or max(-low, high) > largest)


def _is_text_id(name: Hashable, given: pd.Series, distinct: int) -> bool:
    """Whether texts name rows, people or things."""
    if distinct < RARE:
        return False
    own = distinct == len(given) or (distinct >= NEARLY * len(given) and is_key(name))
    if own or is_personal(name):
        return True
    return bool(pd.Series(given.unique()).str.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+").all())


def _id(name: Hashable, given: pd.Series, dtype: str) -> Column:
    numbers = pd.api.types.is_numeric_dtype(given.infer_objects().dtype)
    return Column(name, "id", dtype, high=int(given.max()) if numbers and len(given) else None)


def _time_format(name: Hashable, given: pd.Series, text: bool, known: Column | None) -> str | None:
    """Return the format of times that are text or whole numbers; None if they are none."""
    if known is not None and known.format is not None:
        return known.format
    told = known is not None
    if form := next(iter(date_formats(given)), None) if text else None:
        return form
    if (told or is_clock(name)) and (form := clock_format(given)):
        return form
    enough = not text and given.nunique() >= (FEW_TIMES if told or is_time(name) else MANY_TIMES)
    return whole_format(given) if enough else None


def _number_format(given: pd.Series, known: Column | None) -> tuple[str, tuple[float | str, ...]] | None:
    """Return how numbers in a column of text are written, and the marks of missing ones; None if it holds others."""
    if known is not None and known.format is not None:
        return known.format, known.marks
    found = number_format(given[~given.isin(known.marks)] if known is not None else given)
    if found is None or known is None:
        return found
    return found[0], known.marks or found[1]


def _not_understood(name: Hashable, holds: str) -> ValueError:
    return ValueError(
        f"column {name!r} holds {holds} values; only numbers, text, truth values and times (datetime64) are "
        "understood: convert it, or remove it."
    )


def _numbers(name: Hashable, given: pd.Series, column: Column, kind: str | None) -> Column:
    x = as_numbers(given, column)
    if unread := given[np.isnan(x) & ~is_absent(given, column)].tolist():
        raise ValueError(f"column {name!r} cannot be {column.kind}: it holds {unread[0]!r}; name it in its marks.")
    x = x[~np.isnan(x)].astype(own_precision(given.dtype))
    if not np.isfinite(x).all():
        raise ValueError(f"column {name!r} holds infinite numbers; replace them, or leave them empty.")
    if not len(x):
        raise ValueError(f"column {name!r} cannot be {column.kind}: all its values are marks.")
    whole = bool((x % 1 == 0).all())
    if kind == "integer" and not whole:
        raise ValueError(f"column {name!r} cannot be integer: it holds {x[x % 1 != 0][0]}.")
    values, counts = np.unique(x, return_counts=True)
    n, low, high = len(x), float(x.min()), float(x.max())
    largest = max(-low, high)
    named = largest > (HUGE if pd.api.types.is_float_dtype(given.infer_objects().dtype) else WHOLE)
    if kind is None and (len(values) <= 2 or named):
        return _levels(name, "categorical", given, column.dtype)
    often = counts >= max(FEWEST_FOR_SPIKE, SPIKE * n)
    spikes = tuple(values[often].tolist()) if len(values) > 20 else ()
    rounded = 0 if whole and kind != "numeric" else _decimals(x)
    guess = "integer" if whole and largest <= WHOLE else "numeric"
    if column.format and column.format.endswith("0"):
        rounded, guess = int(digits(given[~is_absent(given, column)], column.format).max()), "numeric"
    return replace(column, kind=kind or guess, low=low, high=high, decimals=rounded, spikes=spikes)


def _decimals(x: np.ndarray) -> int | None:
    """Return the digits after the point that all numbers were rounded to, at most 8, or None."""
    some = x[:: max(1, len(x) // 1000)]
    with np.errstate(over="ignore"):  # numpy multiplies first
        fits = (d for d in range(9) if (np.round(some, d) == some).all())
        return next((d for d in fits if (np.round(x, d) == x).all()), None)


def _times(times: pd.Series, column: Column) -> Column:
    unit = unit_of(times.dtype)
    at = ticks(times, unit)
    resolution = resolution_of(at, unit)
    step = step_of(resolution, unit)
    values, counts = np.unique(at // step * step, return_counts=True)
    often = values[(counts >= max(FEWEST_FOR_SPIKE, SPIKE * len(at))) & (len(values) > 20)]
    low, high, *spikes = (tick_text(t, unit, resolution) for t in (at.min(), at.max(), *often))
    return replace(column, low=low, high=high, spikes=tuple(spikes), unit=resolution)


def _levels(name: Hashable, kind: str, given: pd.Series, dtype: str) -> Column:
    codes, distinct = different(given)
    counts, names = np.bincount(codes, minlength=len(distinct)), [plain_level(v) for v in distinct]
    order = most_frequent(counts, names)
    rare = tuple(names[at] for at in order if counts[at] < RARE)
    return Column(name, kind, dtype, levels=tuple(names[at] for at in order), rare=rare)
