"""Rows that a schema allows, made from the schema alone: a codec fitted to them knows nothing of any real row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gensynth.kinds.table.numbers import written
from gensynth.kinds.table.schema import NUMBERS, Column, Schema
from gensynth.kinds.table.tables import as_dtype
from gensynth.kinds.table.times import from_ticks, tick, write


def may_miss(c: Column) -> bool:
    """Whether a schema lets a value be missing in a column."""
    return any((c.missing or {}).values())


def allowed_rows(schema: Schema) -> pd.DataFrame:
    """Return a few rows in which each column holds all levels, or the lowest and the highest number, that it may.

    Args:
        schema: What the columns are, without the label.

    Raises:
        ValueError: if the schema does not say it, or ties columns to each other by what real rows hold.
    """
    if tied := [rule for rule in schema.rules if rule.kind in ("fixed_combinations", "one_hot")]:
        raise ValueError(
            f"the rule {tied[0].as_text()!r} takes combinations from real rows, which no bound covers; take it out of "
            "the schema."
        )
    columns = {c.name: _allowed(c) for c in schema.columns}
    n = max(map(len, columns.values()))
    return pd.DataFrame({name: values.take(np.arange(n) % len(values)).array for name, values in columns.items()})


def _allowed(c: Column) -> pd.Series:
    if c.kind in NUMBERS:
        values = _ends(c)
    elif c.kind in ("categorical", "boolean", "constant"):
        values = list(c.levels)
    else:  # an id begins above the highest one, a weight is 1, and of what is ignored nothing is kept
        number = pd.api.types.is_numeric_dtype(pd.Series([], dtype=c.dtype).dtype)
        values = [{"id": c.high or 0, "weight": 1}.get(c.kind, 0)] if number else ["0"]
    if may_miss(c):
        values = [*values, c.marks[0] if c.marks else None]
    if not values:
        raise ValueError(f"column {c.name!r} has no levels in the schema, and a bound needs them; add them there.")
    return as_dtype(pd.Series(values, dtype=object, name=c.name), c.dtype)


def _ends(c: Column) -> list[Any]:
    """Return the lowest and the highest number or time, as the column writes them."""
    ends = (c.low, c.high)
    if any(end is None or end in (-np.inf, np.inf) for end in ends):
        raise ValueError(
            f"column {c.name!r} has no low or no high in the schema, and a bound needs both; add them there."
        )
    if c.kind != "datetime":
        whole = c.kind == "integer" and not c.format
        numbers = np.array(ends, dtype=np.float64)
        return (
            [*written(numbers, c.format, c.decimals)]
            if c.format
            else [int(x) if whole else x for x in numbers.tolist()]
        )
    plain = pd.Series([], dtype="datetime64[us]" if c.format else c.dtype).dtype
    at = np.array([tick(end, "us") for end in ends])
    times = from_ticks(at, np.zeros(2, dtype=bool), np.dtype("datetime64[us]"))
    if c.format:
        return [*write(times, c.format)]
    return [*(times.dt.tz_localize("UTC") if isinstance(plain, pd.DatetimeTZDtype) else times)]
