"""Schema: what each column of a table is, detected from the data, printed, saved, and editable by a person."""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.labels import check_labels, class_names
from gensynth.data.rules import Rule
from gensynth.data.times import (
    UNITS,
    as_times,
    date_format,
    resolution_of,
    step_of,
    tick,
    tick_text,
    ticks,
    unit_of,
)
from gensynth.files import write_text
from gensynth.plain import read_json

Level = str | bool | int | float
KINDS = {
    "numeric": "real numbers",
    "integer": "whole numbers",
    "boolean": "true or false",
    "categorical": "one of several levels",
    "datetime": "points in time",
    "id": "a different value in every row; new rows get new ones",
    "constant": "the same value in every row",
}
"""What a column can be."""

MOST_LEVELS = 50
"""Levels of a column that are told apart; the others are drawn as one, then spread as they are in the data."""
RARE = 20
"""Levels with fewer rows are called rare."""
SPIKE = 0.05
"""A number that makes up this share of a numeric column (an exact zero, say) is a level of its own."""
FEWEST_FOR_SPIKE = 5
"""Rows in which such a number occurs at least."""
WHOLE = 2**53
"""Beyond it, whole numbers are names, since real numbers cannot tell them apart."""
HUGE = 1e150
"""Beyond it, all numbers are names, since their squares overflow."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: Its name; text or a whole number.
        kind: One of `KINDS`.
        dtype: The pandas dtype that synthetic rows get back, such as `"int64"` or `"category"`; that of its values if
            the column is sparse.
        low: Smallest allowed number, `-Infinity` for none, or earliest time in ISO text, in UTC if it has a zone;
            None where that means nothing.
        high: Largest allowed one.
        decimals: Digits after the point; None for numbers that were not rounded.
        spikes: Numbers (or times, as text) that are levels of their own, since they occur so often.
        levels: Levels of a categorical or boolean column, the most frequent first, at most `MOST_LEVELS`.
        rare: Those of `levels` with fewer than `RARE` rows.
        missing: Share of missing values by class name.
        format: strftime format of a datetime that is stored as text.
        unit: Resolution of a datetime, such as `"day"`; new ones are rounded to it.
    """

    name: Hashable
    kind: str
    dtype: str
    low: float | str | None = None
    high: float | str | None = None
    decimals: int | None = None
    spikes: tuple[float | str, ...] = ()
    levels: tuple[Level, ...] = ()
    rare: tuple[Level, ...] = ()
    missing: dict[str, float] | None = None
    format: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"column {self.name!r} has kind {self.kind!r}; allowed: {', '.join(KINDS)}.")
        bounds = [value for value in (self.low, self.high, *self.spikes) if value is not None]
        if self.kind != "datetime" and not all(isinstance(b, int | float) and not isinstance(b, bool) for b in bounds):
            raise ValueError(f"column {self.name!r} has low, high or spikes that are no numbers: {bounds}.")
        if self.unit is not None and self.unit not in UNITS:
            raise ValueError(f"column {self.name!r} has unit {self.unit!r}; allowed: {', '.join(UNITS)}.")
        if self.decimals is not None and not (isinstance(self.decimals, int) and 0 <= self.decimals <= 15):
            raise ValueError(f"column {self.name!r} has decimals {self.decimals!r}; allowed: 0 to 15.")
        low, high = (tick(bound, "us") if isinstance(bound, str) else bound for bound in (self.low, self.high))
        if low is not None and high is not None and low > high:
            raise ValueError(f"column {self.name!r} has low {self.low} above high {self.high}.")


@dataclass(frozen=True)
class Schema:
    """What a table is.

    Attributes:
        target: Name of the label column.
        columns: The other columns, in their order.
        rules: What every row must obey (`gensynth.data.rules`).
        position: Where the label column stands among the others; None for the end.
    """

    target: Hashable
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    position: int | None = None

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise ValueError(f"the schema has two columns called {', '.join(twice)}.")
        unknown = sorted({str(n) for rule in self.rules for n in rule.columns if n not in names})
        if unknown:
            raise ValueError(
                f"a rule names the columns {', '.join(unknown)}; the table has {', '.join(map(str, names))}."
            )

    def column(self, name: Hashable) -> Column:
        """Return a column by name."""
        return next(c for c in self.columns if c.name == name)

    def obeyed(self, frame: pd.DataFrame, real: pd.DataFrame | None = None) -> np.ndarray:
        """Return which rows obey which rule, bool, shape (n, len(rules)).

        Args:
            frame: Rows to check.
            real: Real rows, from which fixed combinations are taken; without them, all combinations are allowed.
        """
        ok = np.ones((len(frame), len(self.rules)), dtype=bool)
        for j, rule in enumerate(self.rules):
            if rule.kind != "fixed_combinations":
                written = [c for c in self.columns if c.name in rule.columns and c.format]
                times = {c.name: as_times(frame[c.name], c.format) for c in written}
                rows = frame[list(rule.columns)].reset_index(drop=True).copy(deep=False)
                for name, values in times.items():
                    rows[name] = values
                ok[:, j] = rule.obeyed(rows, rows)
            elif real is not None:
                ok[:, j] = rule.obeyed(frame, real)
        return ok

    def as_text(self) -> str:
        """Return a table for people."""
        lines = [f"{'column':24} {'kind':12} {'dtype':16} {'missing':>8}  values"]
        for c in self.columns:
            missing = max((c.missing or {"": 0.0}).values(), default=0.0)
            lines.append(f"{str(c.name)[:24]:24} {c.kind:12} {c.dtype[:16]:16} {missing:>8.1%}  {_values(c)}".rstrip())
        return "\n".join([*lines, *(f"rule: {rule.as_text()}" for rule in self.rules)])

    def save(self, path: str | Path) -> None:
        """Write the schema as JSON, which may be edited and loaded again."""
        plain = {
            "target": self.target,
            "position": self.position,
            "columns": [_plain(c) for c in self.columns],
            "rules": [asdict(r) for r in self.rules],
        }
        write_text(path, json.dumps(plain, indent=1, ensure_ascii=False) + "\n")

    @staticmethod
    def load(path: str | Path) -> Schema:
        """Read what `save` wrote.

        Raises:
            ValueError: if it is not a schema, or a person's edit does not make sense.
        """
        remedy = "'gensynth explore TABLE --target COLUMN --out FILE' writes one"
        return read_json(path, Schema, "a schema", remedy)


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
        raise ValueError(f"the schema and the table differ in the columns {', '.join(unlike)}; they must agree.")
    classes, y = class_names(frame[target])
    columns = tuple(_column(frame[name], name, classes, y, known.get(name)) for name in names)
    position = plain.index(target)
    return Schema(
        plain[position], columns, () if given is None else given.rules, None if position == len(names) else position
    )


def check_names(frame: pd.DataFrame, target: Hashable) -> None:
    """Raise ValueError unless the columns have names of their own, and one is called `target`."""
    for name in frame.columns:
        if not isinstance(name, str | int | np.integer) or isinstance(name, bool):
            raise ValueError(f"column {name!r} is called by a {type(name).__name__}; use text or a whole number.")
    if len(twice := frame.columns[frame.columns.duplicated()]):
        raise ValueError(f"two columns are called {twice[0]!r}; rename one of them.")
    if target not in frame.columns:
        raise ValueError(f"there is no column {target!r}; the table has {', '.join(map(str, frame.columns))}.")


def plain_level(value: Any) -> Any:
    """Return a level as JSON can hold it: text, number or truth value as it is, anything else as text."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | bool | int | float) else str(value)


def most_frequent(counts: np.ndarray, names: Sequence[Any]) -> list[int]:
    """Return the positions of the `MOST_LEVELS` largest counts, the largest first, equal ones in the order of names."""
    return heapq.nsmallest(MOST_LEVELS, range(len(counts)), key=lambda at: (-counts[at], str(names[at])))


def own_precision(dtype: Any) -> np.dtype:
    """Return the numpy dtype in which a column's numbers are rounded."""
    return np.dtype(np.float32 if str(dtype) in ("float32", "Float32") else np.float64)


def _column(values: pd.Series, name: Hashable, classes: tuple[str, ...], y: np.ndarray, known: Column | None) -> Column:
    if isinstance(values.dtype, pd.SparseDtype):
        values = values.sparse.to_dense().astype(values.dtype.subtype)
    absent = np.bincount(y, weights=values.isna(), minlength=len(classes)) / np.bincount(y, minlength=len(classes))
    missing = dict(zip(classes, absent.tolist(), strict=True))
    found = replace(_detect(name, values, known), missing=missing)
    if known is None:
        return found
    said = {f: getattr(known, f) for f in ("low", "high", "decimals", "spikes", "levels", "format", "unit")}
    said = {f: value for f, value in said.items() if value not in (None, ())}
    rare = found.rare if "levels" not in said else tuple(v for v in said["levels"] if v in set(found.rare))
    return replace(found, **said, rare=rare)


def _detect(name: Hashable, values: pd.Series, known: Column | None) -> Column:
    """Return what a column is, or, of a known kind, what its values are."""
    given, dtype, kind = values.dropna(), str(values.dtype), known.kind if known else None
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
    if kind == "id":
        if not text and holds != "integer":
            raise ValueError(f"column {name!r} cannot be an id: it holds {holds} values, not text or whole numbers.")
        return Column(name, "id", dtype)
    if holds == "boolean" and kind is None:
        return _levels(name, "boolean", given, dtype)
    if holds in ("integer", "floating", "mixed-integer-float") and kind in (None, "numeric", "integer"):
        return _numbers(name, given, dtype, kind)
    if holds in ("datetime64", "datetime") and kind in (None, "datetime"):
        times = as_times(given)
        if times.dtype == object:
            raise ValueError(f"column {name!r} holds times of several zones; bring them into one.")
        return _times(name, times, dtype, None)
    if text and kind in (None, "datetime"):
        form = known.format if known is not None and known.format else date_format(given)
        if form is not None:
            return _times(name, as_times(given, form), dtype, form)
    if kind is not None:
        raise ValueError(f"column {name!r} cannot be {kind}: it holds {holds} values.")
    if text and distinct == len(given) >= RARE:
        return Column(name, "id", dtype)
    if text or holds == "categorical" or (kinds and set(kinds) <= {"str", "int", "float", "bool"}):
        return _levels(name, "categorical", given, dtype)
    raise _not_understood(name, " and ".join(kinds) or (dtype if holds == "unknown-array" else holds))


def _not_understood(name: Hashable, holds: str) -> ValueError:
    return ValueError(
        f"column {name!r} holds {holds} values; only numbers, text, truth values and times (datetime64) are "
        "understood: convert it, or remove it."
    )


def _numbers(name: Hashable, given: pd.Series, dtype: str, kind: str | None) -> Column:
    x = given.to_numpy(dtype=own_precision(given.dtype))
    if not np.isfinite(x).all():
        raise ValueError(f"column {name!r} holds infinite numbers; replace them, or leave them empty.")
    whole = bool((x % 1 == 0).all())
    if kind == "integer" and not whole:
        raise ValueError(f"column {name!r} cannot be integer: it holds {x[x % 1 != 0][0]}.")
    values, counts = np.unique(x, return_counts=True)
    n, low, high = len(x), float(x.min()), float(x.max())
    largest = max(-low, high)
    if kind is None:
        unique = len(given.unique()) == n >= RARE and pd.api.types.is_integer_dtype(given.infer_objects().dtype)
        called_id = re.search(r"(^|[\W_])[iI][dD]$|[a-z]I[dD]$", str(name)) is not None
        if unique and (called_id or high - low == n - 1):
            return Column(name, "id", dtype)
        named = largest > (HUGE if pd.api.types.is_float_dtype(given.infer_objects().dtype) else WHOLE)
        if len(values) <= 2 or named:
            return _levels(name, "categorical", given, dtype)
    often = counts >= max(FEWEST_FOR_SPIKE, SPIKE * n)
    spikes = tuple(values[often].tolist()) if len(values) > 20 else ()
    rounded = 0 if whole and kind != "numeric" else _decimals(x)
    guess = "integer" if whole and largest <= WHOLE else "numeric"
    return Column(name, kind or guess, dtype, low, high, rounded, spikes)


def _decimals(x: np.ndarray) -> int | None:
    """Return the digits after the point that all numbers were rounded to, at most 8, or None."""
    some = x[:: max(1, len(x) // 1000)]
    with np.errstate(over="ignore"):  # numpy multiplies first
        fits = (d for d in range(9) if (np.round(some, d) == some).all())
        return next((d for d in fits if (np.round(x, d) == x).all()), None)


def _times(name: Hashable, times: pd.Series, dtype: str, form: str | None) -> Column:
    if times.isna().any():
        raise ValueError(f"column {name!r} holds text that is no time in the format {form!r}.")
    unit = unit_of(times.dtype)
    at = ticks(times, unit)
    resolution = resolution_of(at, unit)
    step = step_of(resolution, unit)
    values, counts = np.unique(at // step * step, return_counts=True)
    often = values[(counts >= max(FEWEST_FOR_SPIKE, SPIKE * len(at))) & (len(values) > 20)]
    low, high, *spikes = (tick_text(t, unit, resolution) for t in (at.min(), at.max(), *often))
    return Column(name, "datetime", dtype, low, high, spikes=tuple(spikes), format=form, unit=resolution)


def _levels(name: Hashable, kind: str, given: pd.Series, dtype: str) -> Column:
    codes, distinct = pd.factorize(given.astype(object))
    counts, names = np.bincount(codes, minlength=len(distinct)), [plain_level(v) for v in distinct]
    order = most_frequent(counts, names)
    rare = tuple(names[at] for at in order if counts[at] < RARE)
    return Column(name, kind, dtype, levels=tuple(names[at] for at in order), rare=rare)


def _plain(column: Column) -> dict[str, Any]:
    default = Column("", "constant", "")
    values = {f.name: getattr(column, f.name) for f in fields(Column)}
    return {k: v for k, v in values.items() if k in ("name", "kind", "dtype") or v != getattr(default, k)}


def _values(c: Column) -> str:
    if c.kind in ("categorical", "boolean"):
        shown = ", ".join(map(str, c.levels[:5])) + (f", ... ({len(c.levels)} levels)" if len(c.levels) > 5 else "")
        return shown + (f"; {len(c.rare)} rare" if c.rare else "")
    if c.kind in ("numeric", "integer", "datetime"):
        low, high, *spikes = (
            s if isinstance(s, str | None) else f"{s:.{15 if s % 1 == 0 else 5}g}" for s in (c.low, c.high, *c.spikes)
        )
        return f"{low} to {high}" + (f"; often exactly {', '.join(map(str, spikes))}" if spikes else "")
    return ", ".join(map(str, c.levels))
