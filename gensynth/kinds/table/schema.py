"""Schema: what each column of a table is, detected from the data, printed, saved, and editable by a person."""

from __future__ import annotations

import heapq
import json
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.files import write_text
from gensynth.data.plain import read_json
from gensynth.data.words import did_you_mean, some
from gensynth.kinds.table.labels import NO_TARGET
from gensynth.kinds.table.numbers import FORMATS, as_numbers, is_format
from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.tail import Tail
from gensynth.kinds.table.times import UNITS, as_times, is_time_format, tick

Level = str | bool | int | float
KINDS = {
    "numeric": "real numbers",
    "integer": "whole numbers",
    "boolean": "true or false",
    "categorical": "one of several levels",
    "datetime": "points in time",
    "id": "names a row, person or thing; new rows get new ones that no real row has",
    "constant": "the same value in every row",
    "ignore": "is left alone; new rows have no value there",
    "weight": "how much a row counts; new rows get the median",
}
"""What a column can be."""
NOT_JUDGED = ("id", "ignore", "weight")
"""Kinds of columns that are neither learned from nor looked at when rows are compared and checked."""
NUMBERS = ("numeric", "integer", "datetime")
"""Kinds of columns that are numbers to a sampler."""

MOST_LEVELS = 50
"""Levels of a column that are told apart; the others are drawn as one, then spread as they are in the data."""
RARE = 20
"""Levels with fewer rows are called rare."""
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
        high: Largest allowed one; of an id that is a number, the largest that is taken: new ones lie above it.
        decimals: Digits after the point; None for numbers that were not rounded.
        spikes: Numbers (or times, as text) that are levels of their own, since they occur so often.
        levels: Levels of a categorical or boolean column, the most frequent first, at most `MOST_LEVELS`.
        rare: Those of `levels` with fewer than `RARE` rows.
        missing: Share of missing values by class name.
        format: strftime format of a datetime that is stored as text or whole number, such as `"%Y%m%d"`, in which
            `%-d` is a day without a leading zero; of numbers that are stored as text, how 1234.5 is written
            (`gensynth.kinds.table.numbers.FORMATS`).
        marks: Numbers or texts that stand for a missing number or time, such as `"?"` or -999; new rows that miss one
            hold the first.
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
    marks: tuple[float | str, ...] = ()

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
        if self.marks and self.kind not in NUMBERS:
            raise ValueError(f"column {self.name!r} has marks; only {', '.join(NUMBERS)} columns can.")
        if not isinstance(self.marks, tuple) or not all(isinstance(mark, str | int | float) for mark in self.marks):
            raise ValueError(f'column {self.name!r} has marks {self.marks!r}; give a list, such as ["?", -999].')
        if self.kind == "integer" and str(self.format).endswith("0"):
            raise ValueError(f"column {self.name!r} is integer and has format {self.format!r} with decimals.")
        if self.kind in ("numeric", "integer") and self.format is not None and not is_format(self.format):
            raise ValueError(f"column {self.name!r} has format {self.format!r}; allowed: {', '.join(FORMATS)}.")
        if self.kind == "datetime" and self.format is not None and not is_time_format(self.format):
            raise ValueError(f"column {self.name!r} has format {self.format!r}; write it as strftime does, '%Y-%m-%d'.")
        low, high = (tick(bound, "us") if isinstance(bound, str) else bound for bound in (self.low, self.high))
        if low is not None and high is not None and low > high:
            raise ValueError(f"column {self.name!r} has low {self.low} above high {self.high}.")


@dataclass(frozen=True)
class Schema:
    """What a table is.

    Attributes:
        target: Name of the label column.
        columns: The other columns, in their order.
        rules: What every row must obey (`gensynth.kinds.table.rules`).
        position: Where the label column stands among the others; None for the end.
        tail: Of which column the classes are ranges; None where the label is a column of its own.
    """

    target: Hashable
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    position: int | None = None
    tail: Tail | None = None

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise ValueError(f"the schema has two columns called {', '.join(twice)}.")
        if self.tail is not None and self.tail.column not in names:
            raise ValueError(f"the schema has no column {self.tail.column!r}, of which it names the tail.")
        unknown = sorted({str(n) for rule in self.rules for n in rule.columns if n not in names})
        if unknown:
            near = did_you_mean(unknown[0], list(map(str, names)))
            raise ValueError(f"a rule names the columns {', '.join(unknown)}; the table has {some(names)}.{near}")

    def column(self, name: Hashable) -> Column:
        """Return a column by name."""
        return next(c for c in self.columns if c.name == name)

    @property
    def files_hold_label(self) -> bool:
        """Whether the label is a column of the table's files; else there is none, or it is read off another column."""
        return self.target != NO_TARGET and self.tail is None

    @property
    def predictors(self) -> Schema:
        """What classes or numbers are told from: all but the column of the tail, and the rules that name it."""
        if self.tail is None:
            return self
        columns = tuple(c for c in self.columns if c.name != self.tail.column)
        rules = tuple(rule for rule in self.rules if self.tail.column not in rule.columns)
        return Schema(self.target, columns, rules)

    def numbers(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the numbers in the column of the tail, float64, shape (n,); NaN where there is none."""
        assert self.tail is not None
        return as_numbers(frame[self.tail.column], self.column(self.tail.column))

    def obeyed(self, frame: pd.DataFrame, real: pd.DataFrame | None = None) -> np.ndarray:
        """Return which rows obey which rule, bool, shape (n, len(rules)).

        Args:
            frame: Rows to check.
            real: Real rows, from which fixed combinations are taken; without them, all combinations are allowed.
        """
        ok = np.ones((len(frame), len(self.rules)), dtype=bool)
        for j, rule in enumerate(self.rules):
            if rule.kind != "fixed_combinations":
                rows = frame[list(rule.columns)].reset_index(drop=True).copy(deep=False)
                for c in self.columns:
                    if c.name in rule.columns and (c.format or c.marks):
                        values = frame[c.name]
                        rows[c.name] = as_times(values, c.format) if c.kind == "datetime" else as_numbers(values, c)
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
            **({} if self.tail is None else {"tail": asdict(self.tail)}),
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


def check_names(frame: pd.DataFrame, target: Hashable) -> None:
    """Raise ValueError unless the columns have names of their own, and one is called `target`."""
    for name in frame.columns:
        if not isinstance(name, str | int | np.integer) or isinstance(name, bool):
            raise ValueError(f"column {name!r} is called by a {type(name).__name__}; use text or a whole number.")
    if len(twice := frame.columns[frame.columns.duplicated()]):
        raise ValueError(f"two columns are called {twice[0]!r}; rename one of them.")
    if target not in frame.columns:
        names = list(map(str, frame.columns))
        raise ValueError(
            f"there is no column {target!r}; the table has {some(names)}.{did_you_mean(str(target), names)}"
        )


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


def _plain(column: Column) -> dict[str, Any]:
    default = Column("", "constant", "")
    values = {f.name: getattr(column, f.name) for f in fields(Column)}
    return {k: v for k, v in values.items() if k in ("name", "kind", "dtype") or v != getattr(default, k)}


def _values(c: Column) -> str:
    if c.kind in ("categorical", "boolean"):
        shown = ", ".join(map(str, c.levels[:5])) + (f", ... ({len(c.levels)} levels)" if len(c.levels) > 5 else "")
        return shown + (f"; {len(c.rare)} rare" if c.rare else "")
    if c.kind in ("numeric", "integer", "datetime"):
        low, high, *spikes = (_bound(value, c) for value in (c.low, c.high, *c.spikes))
        often = f"; often exactly {some(spikes)}" if spikes else ""
        return f"{low} to {high}{often}" + (f"; missing is written {some(map(repr, c.marks))}" if c.marks else "")
    return ", ".join(map(str, c.levels))


def _bound(value: float | str | None, c: Column) -> str:
    if isinstance(value, float | int):
        return f"{value:.{15 if value % 1 == 0 else 5}g}"
    clock = c.kind == "datetime" and c.format and "%d" not in c.format.replace("%-", "%") and "%m" not in c.format
    return str(value).partition("T")[2] if clock and "T" in str(value) else str(value)
