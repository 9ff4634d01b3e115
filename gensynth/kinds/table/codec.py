"""TableCodec: a table to plain arrays and back, so that no sampler meets a dtype.

    frame  <->  Encoded: numbers (n, p), NaN where missing, and codes (n, q), a missing value being a level of its own

What comes back has the columns, their order and their dtypes of the table it was fitted on, whole numbers rounded to
the nearest, numbers with the decimals and inside the bounds of the schema, times in their resolution, and new ids.
None, NaN and NA mean the same: all that is missing in an object column comes back as the first of its kind there.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import pandas as pd

from gensynth.kinds.table.numbers import as_numbers, different, written
from gensynth.kinds.table.schema import NUMBERS, Column, Schema, most_frequent, own_precision, plain_level
from gensynth.kinds.table.times import as_times, from_ticks, step_of, tick, ticks, unit_of, write


@dataclass(frozen=True, eq=False)
class Encoded:
    """Rows as arrays.

    Attributes:
        numbers: Numeric, integer and datetime columns, float64, shape (n, p); NaN where missing.
        codes: Categorical and boolean columns, int64, shape (n, q), column j in [0, TableCodec.cards[j]).
    """

    numbers: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def array(self) -> np.ndarray:
        """Both, float64, shape (n, p + q)."""
        return np.concatenate([self.numbers, self.codes], axis=1)

    def take(self, rows: np.ndarray) -> Encoded:
        """Return some rows (positions or a boolean mask)."""
        return Encoded(self.numbers[rows], self.codes[rows])


@dataclass(frozen=True, eq=False)
class Levels:
    """The levels behind one column of `Encoded.codes`.

    Attributes:
        values: One row per level, of the columns they are levels of: those told apart, then the missing one if there
            is one, then those that 'other' stands for, if there are any. It carries the dtypes.
        told_apart: Number of levels with a code of their own, the missing one included.
        missing: Position of the missing one, or -1.
    """

    values: pd.DataFrame
    told_apart: int
    missing: int

    @property
    def has_other(self) -> bool:
        """Whether the last code stands for more than one level."""
        return len(self.values) > self.told_apart

    def positions(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the level of each row of a table, int64, shape (n,); -1 where it was never seen."""
        level, known = _keys(self.values)
        codes, keys = _keys(frame[list(self.values.columns)])
        at = pd.Index(known, dtype=object, tupleize_cols=False).get_indexer(
            pd.Index(keys, dtype=object, tupleize_cols=False)
        )
        place = np.append(np.flatnonzero(level >= 0), -1)[at]
        return np.append(place, self.missing)[codes]


@final
class TableCodec:
    """Fitted on real training rows.

    Args:
        frame: Real rows, without the label column.
        schema: What the columns are.

    Attributes:
        number_columns: The columns behind `Encoded.numbers`. Bounds and spikes of times are in the numbers they are
            encoded as: units of their resolution since the earliest row.
        code_columns: Those behind `Encoded.codes`. Columns that a rule ties to each other (fixed combinations, one-hot
            groups) are one column with a tuple of names, whose levels are the combinations, so that the rule holds.
        cards: Number of codes of each of those: its levels, 'missing' if some are, and last 'other' if there are more.
        rest: Which of the levels behind 'other' each training row has, int64, shape (n, m), positions in
            `levels[j].values` for the m columns j with an 'other'; -1 where it has none of them.
    """

    def __init__(self, frame: pd.DataFrame, schema: Schema) -> None:
        self.schema = schema
        self.empty = frame[[c.name for c in schema.columns]].iloc[:0]
        self.fixed = _fixed(frame, schema)
        # Object columns have the choice between None, NaN and NA, and numpy's numbers have no NA.
        self.absent = {name: _absent(frame[name]) for name, dtype in self.empty.dtypes.items() if dtype.kind in "Of"}
        self.new_ids = {c.name: first_id(frame[c.name], c) for c in schema.columns if c.kind == "id"}
        groups = _groups(schema)
        alone = [c for c in schema.columns if not any(c.name in group for group in groups)]
        self.origins: dict[Hashable, tuple[pd.Series, int, int]] = {}
        self.number_columns = [
            self._since_origin(frame[c.name], c) if c.kind == "datetime" else c for c in alone if c.kind in NUMBERS
        ]
        self.code_columns = [c for c in alone if c.kind in ("categorical", "boolean")]
        self.code_columns += [Column(group, "categorical", "object") for group in groups]
        fitted = [_fit_levels(frame[_names(c)], c.levels) for c in self.code_columns]
        self.levels = [levels for levels, _ in fitted]
        self.cards = [levels.told_apart + levels.has_other for levels in self.levels]
        rest = [np.where(at >= levels.told_apart, at, -1) for levels, at in fitted if levels.has_other]
        self.rest = np.stack(rest, 1) if rest else np.empty((len(frame), 0), dtype=np.int64)

    def encode(self, frame: pd.DataFrame) -> Encoded:
        """Turn rows into arrays. A level that was never seen counts as 'other', or as the most frequent one."""
        numbers = np.empty((len(frame), len(self.number_columns)))
        for j, c in enumerate(self.number_columns):
            numbers[:, j] = self.number(frame[c.name], c)
        codes = np.empty((len(frame), len(self.levels)), dtype=np.int64)
        for j, levels in enumerate(self.levels):
            at = levels.positions(frame)
            unseen = levels.told_apart if levels.has_other else 0
            codes[:, j] = np.minimum(np.where(at < 0, unseen, at), self.cards[j] - 1)
        return Encoded(numbers, codes)

    def decode(self, rows: Encoded, number: np.ndarray, rest: np.ndarray) -> pd.DataFrame:
        """Turn arrays back into rows.

        Args:
            rows: The n rows.
            number: A different number >= 0 for every row, from which new ids are made, int64, shape (n,).
            rest: The level that 'other' stands for in each row, as in the attribute `rest`, shape (n, m); looked at
                only where a code is 'other'. It is drawn from `pools`.
        """
        out: dict[Hashable, Any] = {}
        for j, c in enumerate(self.number_columns):
            out[c.name] = self._from_number(rows.numbers[:, j], c)
        column_of_rest = 0
        for j, levels in enumerate(self.levels):
            at = rows.codes[:, j]
            if levels.has_other:
                at = np.where(at == levels.told_apart, rest[:, column_of_rest], at)
                column_of_rest += 1
            out |= dict(levels.values.take(at).reset_index(drop=True).items())
        out |= {name: self._id(name, number) for name in self.new_ids}
        out |= dict(self.fixed.take(np.zeros(len(rows), dtype=int)).reset_index(drop=True).items())
        frame = pd.DataFrame({name: out[name] for name in self.empty.columns}, index=pd.RangeIndex(len(rows)))
        frame.columns = self.empty.columns
        return frame

    def pools(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return the levels behind 'other' in some training rows, one array per column of `rest`, to draw from.

        Args:
            rows: Positions or a boolean mask. Where none of these rows has one, those of all rows count.
        """
        pools = zip(self.rest[rows].T, self.rest.T, strict=True)
        return [mine[mine >= 0] if (mine >= 0).any() else every[every >= 0] for mine, every in pools]

    def _since_origin(self, values: pd.Series, c: Column) -> Column:
        """Remember how times become numbers; return the column with its bounds and spikes as such numbers."""
        times = as_times(values, c.format)
        unit = unit_of(times.dtype)
        present = ticks(times, unit)[times.notna().to_numpy()]
        step = step_of(c.unit or "nanosecond", unit)
        origin = int(present.min()) if len(present) else 0
        self.origins[c.name] = (times.iloc[:0], origin, step)
        numbers: list[Any] = [
            None if t is None else (tick(t, unit) - origin) / step for t in (c.low, c.high, *c.spikes)
        ]
        return replace(c, low=numbers[0], high=numbers[1], spikes=tuple(numbers[2:]))

    def number(self, values: pd.Series, c: Column) -> np.ndarray:
        """Return one of `number_columns` as float64, shape (n,); NaN where it is missing or no number."""
        if c.kind != "datetime":
            return as_numbers(values, c)
        like, origin, step = self.origins[c.name]
        times = as_times(values, c.format)
        return np.where(times.isna(), np.nan, (ticks(times, unit_of(like.dtype)) - origin) / step)

    def _from_number(self, x: np.ndarray, c: Column) -> pd.Series:
        dtype = self.empty[c.name].dtype
        # Numbers are rounded in the precision in which they were found to be rounded.
        x = x.astype(own_precision(dtype))
        if c.decimals is not None:
            x = np.round(x, c.decimals)
        # Bounds last: rounding could step over one. Adding zero turns -0.0 into 0.0.
        x = np.clip(x, -np.inf if c.low is None else c.low, np.inf if c.high is None else c.high) + x.dtype.type(0)
        absent = np.isnan(x)
        if c.kind == "datetime":
            return self._from_times(x, absent, c)
        if c.format:
            return self._typed(pd.Series(written(x, c.format, c.decimals), dtype=object), absent, c)
        whole = c.kind == "integer" and not pd.api.types.is_float_dtype(dtype)
        values = pd.Series(np.where(absent, 0, x).round().astype(np.int64) if whole else x)
        if whole and absent.any() and not c.marks and not pd.api.types.is_object_dtype(dtype):
            return values.astype("Int64").mask(absent).astype(dtype)
        return self._typed(values, absent, c)

    def _from_times(self, x: np.ndarray, absent: np.ndarray, c: Column) -> pd.Series:
        times, origin, step = self.origins[c.name]
        at = np.where(absent, 0, x).round().astype(np.int64) * step + origin
        values = from_ticks(at, absent, times.dtype)
        if c.format:
            codes, distinct = pd.factorize(values)
            text = np.array([*write(pd.Series(distinct), c.format), None], dtype=object)
            values = pd.Series(text[codes], dtype=object)
            if pd.api.types.is_numeric_dtype(self.empty[c.name].dtype):
                values = pd.to_numeric(values).astype("Int64")
        return self._typed(values, absent, c)

    def _typed(self, values: pd.Series, absent: np.ndarray, c: Column) -> pd.Series:
        """Return values in the dtype of a column, missing ones as it writes them."""
        dtype = self.empty[c.name].dtype
        if not c.marks and not c.format and not pd.api.types.is_object_dtype(dtype):
            return values.astype(dtype)
        out = values.astype(object).to_numpy(copy=True)
        out[absent] = c.marks[0] if c.marks else self.absent.get(c.name, pd.NA)
        return pd.Series(out, dtype=object).astype(dtype)

    def _id(self, name: Hashable, number: np.ndarray) -> pd.Series:
        dtype, first = self.empty[name].dtype, self.new_ids[name]
        if isinstance(first, str):
            return pd.Series([f"{first}{n}" for n in number], dtype=object).astype(dtype)
        new = first + number
        if pd.api.types.is_integer_dtype(dtype) and len(new) and new.max() > np.iinfo(str(dtype).lower()).max:
            raise ValueError(f"column {name!r} of dtype {dtype} has no room for new ids; make it int64, or text.")
        return pd.Series(new).astype(dtype)


def _names(c: Column) -> list[Hashable]:
    return list(c.name) if isinstance(c.name, tuple) else [c.name]


def _absent(values: pd.Series) -> Any:
    """Return how this column writes a missing value."""
    absent = values[values.isna()]
    return absent.iloc[0] if len(absent) else None


def _fixed(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return one row of what new rows have in common: constants, the median weight, no value where it is ignored."""
    fixed = frame[[c.name for c in schema.columns if c.kind in ("constant", "ignore", "weight")]].iloc[:1]
    for c in schema.columns:
        if c.kind == "weight":
            # Of an even number of weights the smaller middle one, so that it fits into the dtype.
            middle = np.nanquantile(as_numbers(frame[c.name], c), 0.5, method="lower")
            fixed[c.name] = pd.Series([middle], index=fixed.index).astype(frame[c.name].dtype)
        elif c.kind == "ignore":
            whole = {"i": "Int64", "u": "UInt64", "b": "boolean"}.get(getattr(frame[c.name].dtype, "kind", ""))
            room = fixed[c.name].astype(whole) if whole else fixed[c.name]
            fixed[c.name] = room.mask(np.ones(len(fixed), dtype=bool))
    return fixed


def first_id(values: pd.Series, c: Column) -> int | str:
    """Return the first new id of a column: a whole number, or what new texts begin with."""
    given = values.dropna()
    if pd.api.types.is_numeric_dtype(given.infer_objects().dtype):
        taken = [int(given.max())] if len(given) else [-1]
        return max(taken if c.high is None else [*taken, int(c.high)]) + 1
    text, prefix = given.astype(str), "synthetic-"
    while text.str.startswith(prefix).any():
        prefix = "more-" + prefix
    return prefix


def _groups(schema: Schema) -> list[tuple[Hashable, ...]]:
    """Return the columns that occur in fixed combinations, in the order of the table; no column in two groups."""
    groups: list[set[Hashable]] = []
    for rule in schema.rules:
        if rule.kind in ("fixed_combinations", "one_hot"):
            touching = [group for group in groups if group & set(rule.columns)]
            groups = [group for group in groups if group not in touching] + [set(rule.columns).union(*touching)]
    return [tuple(c.name for c in schema.columns if c.name in group) for group in groups]


def _keys(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return what `different` does, of entries, or of the tuples of several columns, where None is missing."""
    columns = [different(values) for _, values in frame.items()]
    if len(columns) == 1:
        return columns[0]
    group = np.zeros(len(frame), dtype=np.int64)
    for codes, found in columns:
        group = pd.factorize(group * (len(found) + 1) + codes)[0]
    first = np.unique(group, return_index=True)[1]
    entries = [np.array([*found, None], dtype=object)[codes[first]] for codes, found in columns]
    keys = np.empty(len(first), dtype=object)
    keys[:] = list(zip(*entries, strict=True))
    return group, keys


def _fit_levels(frame: pd.DataFrame, told: Sequence[Any]) -> tuple[Levels, np.ndarray]:
    """Return the levels of the rows, those in `told` first (if none: the most frequent), and the level of each row."""
    codes, distinct = _keys(frame)
    rows = np.arange(len(frame))
    first = np.zeros(len(distinct) + 1, dtype=np.int64)
    first[codes[::-1]] = rows[::-1]  # the last entry is that of code -1, the missing value
    names = [plain_level(key) for key in distinct]
    if not told:
        told = [names[at] for at in most_frequent(np.bincount(codes[codes >= 0], minlength=len(names)), names)]
    place = {name: at for at, name in enumerate(names)}
    apart = [place[level] for level in told if level in place]
    others = np.setdiff1d(np.arange(len(names)), apart)
    missing = len(apart) if (codes < 0).any() else -1
    order = np.concatenate([apart, [-1] if missing >= 0 else [], others]).astype(np.int64)
    position = np.empty(len(distinct) + 1, dtype=np.int64)
    position[order] = np.arange(len(order))
    values = frame.iloc[first[order]].reset_index(drop=True)
    return Levels(values, len(order) - len(others), missing), position[codes]
