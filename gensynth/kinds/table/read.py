"""Real tables in: from a source's name to LabeledData, whole or in parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gensynth.data.frames import suffix_of
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.data.words import counted, did_you_mean, some
from gensynth.kind import kinds
from gensynth.kinds.table import builtin as builtin_tables
from gensynth.kinds.table.config import TableConfig
from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.labels import NO_TARGET
from gensynth.kinds.table.notes import table_notes
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.schema import Column, Schema
from gensynth.kinds.table.tables import from_frame, read_frame, read_table, to_frame, unlabeled


def read_real_table(source: str | Path, config: TableConfig) -> LabeledData:
    """Read all rows of a table.

    Args:
        source: As of `gensynth.kinds.table.tables.read_table`, or `builtin:adult` or `builtin:breast_cancer`.
        config: How to read it.

    Raises:
        FileNotFoundError: if there is no such source.
        ValueError: if it cannot be read, `config.target` is missing though it is needed, or no class label,
            or a class has a single row.
    """
    name = str(source)
    schema = None if config.schema is None else Schema.load(config.schema)
    if name.startswith("builtin:"):
        wanted = name.removeprefix("builtin:")
        if wanted not in builtin_tables.TARGETS:
            known = [f"builtin:{table}" for table in builtin_tables.TARGETS]
            raise FileNotFoundError(f"there is no table {name!r}; known: {some(known)}.{did_you_mean(name, known)}")
        target = config.target or builtin_tables.TARGETS[wanted]
        return _grouped(_checked(from_frame(getattr(builtin_tables, wanted)(), target, schema), name), config)
    suffix_of(name)  # first, for a folder has no columns to choose from
    if config.target is None and schema is None and config.needs_target:
        raise ValueError(f"which column of {name!r} is the label? Name it: --target COLUMN.")
    label = schema.target if config.target is None and schema is not None else config.target
    return _grouped(_checked(read_table(name, label, schema), name), config)


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
    found = unlabeled(found) if target == NO_TARGET else found
    wanted = [*(c.name for c in schema.columns), target]
    if unlike := sorted(map(str, set(found.columns) ^ set(wanted))):
        raise ValueError(f"{name!r} and the real table differ in the columns {some(unlike)}; they must agree.")
    data = from_frame(found[[*like.x.frame.columns, target]], target, only_kinds(schema))
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
    before = set(table_notes(rows.frame, data.y, rows.schema))
    notes = [note for note in data.notes if note not in before] + list(table_notes(rows.frame, data.y, schema))
    groups = tuple(values.astype(str))
    return replace(data, x=replace(rows, schema=schema), groups=groups, notes=tuple(notes))


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
