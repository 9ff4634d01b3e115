"""What a person should know of a table before anything is made from it, in sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.words import counted, some
from gensynth.kinds.table.column_names import is_code, is_key, is_row_number
from gensynth.kinds.table.giveaway import giveaways
from gensynth.kinds.table.numbers import GROUPED, as_numbers, dense, is_absent
from gensynth.kinds.table.schema import MOST_LEVELS, NOT_JUDGED, RARE, Column, Schema
from gensynth.kinds.table.times import MIDNIGHT, clock_format, date_formats, whole_format

NUMBER = r"[-+]?[$€£]?\s?[0-9]{1,3}(?:[,. '][0-9]{3})*(?:[.,][0-9]+)?\s?[%$€£]?"
"""Numbers as people write them, with signs that `read_csv` does not take for parts of numbers."""
PLACEHOLDERS = (-9, -99, -999, -9999, -99999, -1, 999, 9999, 99999, 999999)
"""Numbers that often stand for a missing one, where all others lie on one side and far away."""
FEWEST_REPEATS = 2
"""Rows of a value that is named as one that repeats, at least."""
FEWEST_CODES = 10
"""Different whole numbers that look like codes whatever the name, at least."""
CODE_REPEATS = 10
"""Rows of each of them in the mean, at least."""
CODE_GAP = 4
"""Distance between them in the mean, at least."""
MOST_ODD = 3
"""Texts in a column of numbers that are named, at most."""


def table_notes(x: pd.DataFrame, y: np.ndarray, schema: Schema) -> tuple[str, ...]:
    """Return what was taken for what, what to ask, and which rules are broken.

    Args:
        x: Rows without the label column, shape (n, p).
        y: Their labels, int64, shape (n,).
        schema: What the columns are.
    """
    notes = [note for c in schema.columns for note in _of_column(x[c.name], c)]
    kinds = {c.name: c.kind for c in schema.columns}
    for name, accuracy in giveaways(x, y, schema).items():
        so = (
            "nothing is learned from it"
            if kinds[name] in NOT_JUDGED
            else ("is it known before the label is? If not, remove it, or " + _edit(kind="ignore"))
        )
        notes.append(f"Column {name!r} alone gives the label away (balanced accuracy {accuracy:.0%}): {so}.")
    for rule, ok in zip(schema.rules, schema.obeyed(x).T, strict=True):
        if broken := int((~ok).sum()):
            notes.append(f"{broken} of {len(x)} real rows break the rule {rule.as_text()!r}; they stay as they are.")
    if formulas := [c.name for c in schema.columns if _runs(x[c.name])]:
        notes.append(
            f"A spreadsheet would take entries of {some(map(repr, formulas))} for formulas, since they begin with =, "
            "+, - or @; they are written as they are."
        )
    return tuple(notes)


def _edit(**entries: Any) -> str:
    """Return what to put into a schema for this column."""
    said = ", ".join(f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in entries.items())
    return f"put {said} for it into the schema (explore --out writes one, --schema takes it)"


def _of_column(values: pd.Series, c: Column) -> Iterator[str]:
    values = dense(values)
    n = values.nunique()
    if c.kind == "id":
        what = "a row number" if is_row_number(c.name) else "an id"
        yield f"Column {c.name!r} is {what}: new rows get new values, nothing is learned from it."
        return
    if len(c.levels) == MOST_LEVELS and n > MOST_LEVELS:
        yield (
            f"Column {c.name!r} has {n} levels: the {MOST_LEVELS} most frequent are told apart, the others are "
            "drawn as one and spread as they are in the data."
        )
    if c.kind == "weight":
        yield f"Column {c.name!r} is a weight: new rows get the median, nothing is learned from it."
    elif c.kind == "ignore":
        yield f"Column {c.name!r} is ignored: new rows have no value there."
    elif c.marks:
        yield (
            f"Column {c.name!r} holds {'times' if c.kind == 'datetime' else 'numbers'}, and {some(map(repr, c.marks))} "
            f"in {counted(int(is_absent(values, c).sum()), 'row')}, which counts as missing; new rows write it so, too."
        )
    if c.kind in ("integer", "categorical") and n >= RARE and is_key(c.name):
        drawn = "a quantity" if c.kind == "integer" else "a level that new rows share with real ones"
        yield (
            f"Column {c.name!r} looks like a key that repeats ({n} values in {len(values)} rows) and is taken for "
            f'{drawn}. For new keys in new rows {_edit(kind="id")}; for none, "ignore".'
        )
    elif c.kind == "integer" and (n <= len(values) / FEWEST_REPEATS if is_code(c.name) else _like_codes(values, c)):
        yield (
            f"Column {c.name!r} holds whole numbers and is taken for a quantity. If they are codes, "
            f"{_edit(kind='categorical')}."
        )
    asks = _time_question(values, c) or _placeholder(values, c) or _other_reading(values, c)
    if asks:
        yield f"Column {c.name!r} holds {asks}."


def _like_codes(values: pd.Series, c: Column) -> bool:
    """Whether whole numbers are few, far apart, all as long and not round, as codes of industries are."""
    x = np.unique(as_numbers(values, c))
    x = x[~np.isnan(x)]
    if not FEWEST_CODES <= len(x) <= len(values) / CODE_REPEATS or x[0] < 100:
        return False
    as_long = len(str(int(x[0]))) == len(str(int(x[-1])))
    far_apart = x[-1] - x[0] >= CODE_GAP * len(x)
    return as_long and far_apart and bool((x % 5 == 0).mean() < 0.5)


def _time_question(values: pd.Series, c: Column) -> str | None:
    """Return which times the values may be, where that cannot be told for sure."""
    given = values.dropna()
    whole = c.kind == "integer" and c.format is None and given.nunique() > 1 and (given % 1 == 0).all()
    if whole or (c.kind == "categorical" and pd.api.types.infer_dtype(given) == "string"):
        midnight = given == (MIDNIGHT if whole else str(MIDNIGHT))
        if form := (whole_format(given) if whole else None) or clock_format(given[~midnight]):
            like, others = int(given.iloc[0]) if whole else repr(given.iloc[0]), "write 0 instead of 2400, and "
            edit = others * bool(midnight.any()) + _edit(kind="datetime", format=form)
            return f"{like} and the like; if they are times, {edit}"
    if c.kind == "datetime" and c.format and re.search("%-?m.%-?d|%-?d.%-?m", c.format):
        other = [form for form in date_formats(given[~is_absent(given, c)].astype(str)) if form != c.format]
        if other and sorted(other[0]) == sorted(c.format):
            first = "the month" if c.format.replace("-", "").startswith("%m") else "the day"
            return f"{given.iloc[0]!r}, taken for {first} first; if that is wrong, {_edit(format=other[0])}"
    return None


def _placeholder(values: pd.Series, c: Column) -> str | None:
    """Return which number may stand for a missing one."""
    if c.kind not in ("numeric", "integer"):
        return None
    x = as_numbers(values, c)
    x = x[~np.isnan(x)]
    for code in PLACEHOLDERS:
        others = x[x != code]
        if len(x) - len(others) < FEWEST_REPEATS or not len(others):
            continue
        if (code < 0 <= others.min() and others.max() > 1) or (
            code > 0 and others.min() >= 0 and code > 5 * others.max()
        ):
            return (
                f"{code} in {len(x) - len(others)} rows and {others.min():g} to {others.max():g} otherwise. If {code} "
                f"means missing, {_edit(marks=[code])}"
            )
    return None


def _other_reading(values: pd.Series, c: Column) -> str | None:
    """Return one of the texts in a column of names and what a person may have meant by it, or None."""
    text = pd.Series(values.dropna().unique(), dtype=object) if c.kind == "categorical" else pd.Series([], dtype=object)
    if not len(text) or not text.map(lambda value: isinstance(value, str)).all():
        return None
    signs = text[~text.str.fullmatch("[0-9]+")]
    such = f"names such as {signs.iloc[0]!r}" if len(signs) else ""
    if len(signs) and text.str.fullmatch(f"[-+]?[0-9]+|{GROUPED}").all():
        return (
            f"{such}; if the comma stands between thousands, {_edit(kind='integer', format='1,234.5')}, and if it is a "
            'decimal one, the format "1234,5" and the kind "numeric"'
        )
    if len(signs) and text.str.fullmatch(NUMBER).all():
        return f"{such}; if they are numbers, write them without signs, as in 1234.5"
    if text.str.match("[0-9]+[-./][0-9]+[-./][0-9]+(?![-./0-9])").all():
        return (
            f"names such as {text.iloc[0]!r}; if they are times, write all of them in one way and one zone, like "
            "2024-01-31 or 2024-01-31 12:00:00"
        )
    if len(signs) and text.str.fullmatch(r"[-+]?[0-9.,]+\s*[^\W\d_]+").all() and len(text) >= RARE:
        return f"{such}; if they are numbers, write them without the unit"
    odd = text[~text.str.fullmatch(r"[-+]?[0-9]+(?:[.,][0-9]+)?")]
    if len(text) >= RARE and 0 < len(odd) <= MOST_ODD:
        return f"numbers, but also {some(map(repr, odd))}; if that means missing, {_edit(kind='numeric', marks=[*odd])}"
    return None


def _runs(values: pd.Series) -> bool:
    """Whether a spreadsheet would take an entry of this column for a formula."""
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return False
    text = pd.Series([value for value in values.dropna().unique() if isinstance(value, str)], dtype=object)
    risky = text[text.str.match("[=+@\t\r-].")] if len(text) else text
    return bool((~risky.str.fullmatch(r"[-+]?[0-9.,' ]+(?:[eE][-+]?[0-9]+)?")).any()) if len(risky) else False
