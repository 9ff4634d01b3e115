"""Real tables in: from a source's name to LabeledData, whole or in parts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from gensynth.data.frames import suffix_of
from gensynth.data.labeled import LabeledData
from gensynth.data.settings import refuse_unused
from gensynth.data.split import Parts
from gensynth.data.words import counted, did_you_mean, some
from gensynth.kind import kinds
from gensynth.kinds.table import builtin as builtin_tables
from gensynth.kinds.table.config import LARGEST_TAIL, TableConfig
from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.notes import table_notes
from gensynth.kinds.table.numbers import as_numbers, is_absent
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.schema import KINDS, Column, Schema
from gensynth.kinds.table.tables import from_frame, read_frame, read_table, to_frame
from gensynth.kinds.table.tail import TAIL, Tail


def read_real_table(source: str | Path, config: TableConfig) -> LabeledData:
    """Read all rows of a table.

    Args:
        source: As of `gensynth.kinds.table.tables.read_table`, or `builtin:adult` or `builtin:breast_cancer`.
        config: How to read it.

    Raises:
        FileNotFoundError: if there is no such source.
        ValueError: if it cannot be read, `config.target` is missing though it is needed, or neither a class label
            nor, with `config.rare`, a number, or a class has a single row.
    """
    name = str(source)
    schema = None if config.schema is None else Schema.load(config.schema)
    target, read = config.target, partial(read_table, name)
    if name.startswith("builtin:"):
        wanted = name.removeprefix("builtin:")
        if wanted not in builtin_tables.TARGETS:
            known = [f"builtin:{table}" for table in builtin_tables.TARGETS]
            raise FileNotFoundError(f"there is no table {name!r}; known: {some(known)}.{did_you_mean(name, known)}")
        target, read = target or builtin_tables.TARGETS[wanted], partial(from_frame, getattr(builtin_tables, wanted)())
    else:
        suffix_of(name)  # first, for a folder has no columns to choose from
    if target is None and schema is None and config.needs_target:
        raise ValueError(f"which column of {name!r} is the label? Name it: --target COLUMN.")
    tail = None if schema is None else schema.tail
    if config.rare is None and tail is None:
        label = schema.target if target is None and schema is not None else target
        return _grouped(_checked(read(label, schema), name), config)
    data = read(None, schema)
    if tail is None:
        tail = tail_of(*_number(data, str(target)), str(config.rare), config.tail)
    else:
        refuse_unused(config, ("target", "rare"), "the schema says of which column which values are rare")
    return _grouped(_checked(with_tail(data, tail), name), config)


def read_table_parts(source: str | Path, config: TableConfig) -> Parts:
    """Read a table and split it into training, validation and test part, as `Kind.parts`.

    Raises:
        FileNotFoundError: as `read_real_table`.
        ValueError: as `read_real_table`, `split` and `keep_only`.
    """
    return kinds()["table"].parts(str(source), config)


def read_like(source: str | Path, like: LabeledData, config: TableConfig) -> LabeledData:
    """Read a table with the columns of another one, as that one's schema describes them.

    Raises:
        FileNotFoundError: as `read_real_table`.
        ValueError: if the columns differ, or one holds what it cannot hold in the other table.
    """
    schema = rows_of(like).schema
    name, target = str(source), schema.target
    found = getattr(builtin_tables, name[8:])() if name.startswith("builtin:") else read_frame(name, schema)
    wanted = [*(c.name for c in schema.columns), *[target] * schema.files_hold_label]
    if unlike := sorted(map(str, set(found.columns) ^ set(wanted))):
        raise ValueError(f"{name!r} and the real table differ in the columns {some(unlike)}; they must agree.")
    label = target if schema.files_hold_label else None
    data = from_frame(found[[*like.x.frame.columns, *wanted[len(schema.columns) :]]], label, only_kinds(schema))
    data = data if schema.tail is None else with_tail(data, schema.tail)
    return _grouped(replace(data, x=data.x.of(like.x)), config)


def _grouped(data: LabeledData, config: TableConfig) -> LabeledData:
    return data if config.group is None else with_groups(data, config.group)


def with_groups(data: LabeledData, column: str) -> LabeledData:
    """Return the data with what each row belongs to; the column that says so is ignored from here on.

    Raises:
        ValueError: if there is no such column beside the label, or it has no value in some row.
    """
    rows = rows_of(data)
    names = {str(c.name): c for c in rows.schema.columns}
    if column not in names:
        raise ValueError(
            f"group {column!r} is not one of the columns beside the label; they are {some(names)}."
            f"{did_you_mean(column, names)}"
        )
    values = rows.frame[names[column].name]
    if missing := int(values.isna().sum()):
        raise ValueError(f"{counted(missing, 'row has', 'rows have')} no {column!r}; fill it in, or remove the rows.")
    columns = (Column(c.name, "ignore", c.dtype) if str(c.name) == column else c for c in rows.schema.columns)
    schema = replace(rows.schema, columns=tuple(columns))
    groups = tuple(values.astype(str))
    return replace(data, x=replace(rows, schema=schema), groups=groups, notes=_noted(data, data.y, schema))


def _noted(data: LabeledData, y: np.ndarray, schema: Schema) -> tuple[str, ...]:
    """Return the notes on data that get other labels or another schema."""
    rows = rows_of(data)
    before = set(table_notes(rows.frame, data.y, rows.schema))
    return (*(note for note in data.notes if note not in before), *table_notes(rows.frame, y, schema))


def _number(data: LabeledData, column: str) -> tuple[Hashable, np.ndarray]:
    """Return name and numbers of a column; ValueError if it holds something else, or misses one."""
    rows = rows_of(data)
    names = {str(c.name): c for c in rows.schema.columns}
    if column not in names:
        raise ValueError(f"there is no column {column!r}; the table has {some(names)}.{did_you_mean(column, names)}")
    c = names[column]
    if c.kind not in ("numeric", "integer"):
        raise ValueError(
            f"column {column!r} is {c.kind} ({KINDS[c.kind]}), and only a number has a tail; leave --rare out if it "
            "holds classes, or correct its kind in a schema."
        )
    if missing := int(is_absent(rows.frame[c.name], c).sum()):
        raise ValueError(f"{counted(missing, 'row has', 'rows have')} no {column!r}; remove such rows, or fill it in.")
    return c.name, as_numbers(rows.frame[c.name], c)


def tail_of(column: Hashable, x: np.ndarray, rare: str, share: float) -> Tail:
    """Return the tail of a column that holds a share of the rows, or a little more where values are equal.

    The cut is a quantile, an observed value. (The fences of the box plot, which Ribeiro and Moniz 2020, "Imbalanced
    regression and extreme value prediction", rest relevance on, leave many tables without a rare row.)

    Args:
        column: Its name.
        x: Its numbers, shape (n,).
        rare: As `TableConfig.rare`.
        share: Of the rows in each tail, in (0, `LARGEST_TAIL`).

    Raises:
        ValueError: if a tail would hold a single row, or `LARGEST_TAIL` of them or more.
    """
    low = float(np.quantile(x, share, method="lower")) if rare in ("low", "both") else None
    high = float(np.quantile(x, 1 - share, method="higher")) if rare in ("high", "both") else None
    inside = 0 if low is None else (x <= low).mean(), 0 if high is None else (x >= high).mean()
    if max(inside) >= LARGEST_TAIL:
        raise ValueError(
            f"the {share:.1%} of the rows with the rarest {column!r} cannot be told from others: {max(inside):.0%} of "
            f"the rows reach as far, and below {LARGEST_TAIL:.0%} are allowed; name another rare, or a smaller tail."
        )
    tail = Tail(column, low, high)
    counts = np.bincount(tail.labels(x), minlength=len(tail.classes))
    if few := [tail.classes[c] for c in tail.rare if counts[c] < 2]:
        raise ValueError(f"{few[0]} holds in a single one of {len(x)} rows; at least 2 are needed: raise tail.")
    return tail


def with_tail(data: LabeledData, tail: Tail) -> LabeledData:
    """Return a table without a label with the ranges of a number as its classes.

    Raises:
        ValueError: if that is no number, or missing in some row, or a column is called as the label is.
    """
    rows, (_, x) = rows_of(data), _number(data, str(tail.column))
    if TAIL in rows.frame.columns:
        raise ValueError(f"a column is called {TAIL!r}, which stands for the ranges of {tail.column!r}; rename it.")
    schema = replace(rows.schema, target=TAIL, tail=tail)
    y = tail.labels(x)
    made = replace(rows, schema=schema, label_values=pd.Series(tail.classes, name=TAIL))
    rare = " and ".join(repr(tail.classes[c]) for c in tail.rare)
    note = (
        f"Rare is {rare}, {int(np.isin(y, tail.rare).sum())} of {len(y)} rows. The split goes by it, so that the bound "
        "is of all rows, those of the test part too."
    )
    return replace(data, x=made, y=y, classes=tail.classes, notes=(note, *_noted(data, y, schema)))


def only_kinds(schema: Schema) -> Schema:
    """Return a schema that says what the columns are, but not what they may hold."""
    columns = tuple(
        Column(c.name, c.kind, c.dtype, high=c.high if c.kind == "id" else None, format=c.format, marks=c.marks)
        for c in schema.columns
    )
    return replace(schema, columns=columns, position=None)


def with_training_schema(parts: Parts, config: TableConfig) -> Parts:
    """Return the parts with the schema that the training rows alone tell; all that `config.schema` says stays as it is.

    Raises:
        ValueError: if a column is not understood.
    """
    rows = rows_of(parts.train)
    given = only_kinds(rows.schema) if config.schema is None else rows.schema
    schema = detect_schema(to_frame(parts.train, parts.train), rows.schema.target, given)
    return Parts(*(replace(part, x=replace(part.x, schema=schema)) for part in parts.by_name.values()))


def _checked(data: LabeledData, source: str) -> LabeledData:
    small = [f"{name!r}" for name, n in data.class_counts.items() if n < 2]
    if small:
        raise ValueError(
            f"classes of {source!r} have a single row: {', '.join(small[:5])}; every class needs at least 2, one to "
            "learn from and one to test on."
        )
    return data
