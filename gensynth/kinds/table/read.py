"""Real tables in: from a source's name to LabeledData, whole or in parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts, keep_only, split
from gensynth.data.words import counted, did_you_mean, some
from gensynth.kinds.table import builtin as builtin_tables
from gensynth.kinds.table.config import TableConfig
from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.notes import table_notes
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.schema import Column, Schema
from gensynth.kinds.table.tables import from_frame, read_frame, read_table, suffix_of, to_frame


def read_real_table(source: str | Path, config: TableConfig) -> LabeledData:
    """Read all rows of a table.

    Args:
        source: A file that ends in one of `table_suffixes`, `builtin:adult` or `builtin:breast_cancer`.
        config: How to read it.

    Raises:
        FileNotFoundError: if there is no such source.
        ValueError: if it cannot be read, `config.target` is missing or no class label, or a class has a single row.
    """
    name = str(source)
    schema = None if config.schema is None else Schema.load(config.schema)
    if name.startswith("builtin:"):
        wanted = name.removeprefix("builtin:")
        if wanted not in builtin_tables.TARGETS:
            known = [f"builtin:{table}" for table in builtin_tables.TARGETS]
            raise FileNotFoundError(f"there is no table {name!r}; known: {some(known)}.{did_you_mean(name, known)}")
        target = config.target or builtin_tables.TARGETS[wanted]
        return _checked(from_frame(getattr(builtin_tables, wanted)(), target, schema), name)
    suffix_of(name)  # first, for a folder has no columns to choose from
    if config.target is None and schema is None:
        raise ValueError(f"which column of {name!r} is the label? Name it: --target COLUMN.")
    label = schema.target if config.target is None and schema is not None else config.target
    return _checked(read_table(name, label, schema), name)


def read_table_parts(source: str | Path, config: TableConfig) -> Parts:
    """Read a table and split it into training, validation and test part.

    What the columns are is told from all rows; what they may hold (bounds, levels, decimals) from the training part
    alone, unless `config.schema` says it.

    Raises:
        FileNotFoundError: as `read_real_table`.
        ValueError: as `read_real_table`, `split` and `keep_only`.
    """
    data = read_real_table(source, config)
    test = None
    if config.test_data is not None:
        test = read_like(config.test_data, data)
        test = replace(test, ids=tuple(f"test_data/{i}" for i in test.ids))
    if config.group is not None:
        data = with_groups(data, config.group)
        test = None if test is None else with_groups(test, config.group)
    theirs = None if test is None else test.groups
    parts = split(data, config.test, config.validation, config.split_seed, test, data.groups, theirs)
    train = keep_only(parts.train, {str(k): n for k, n in (config.keep or {}).items()}, config.split_seed)
    schema = training_schema(train, None if config.schema is None else rows_of(data).schema)
    return Parts(*(replace(part, x=replace(part.x, schema=schema)) for part in (train, parts.validation, parts.test)))


def read_like(source: str | Path, like: LabeledData) -> LabeledData:
    """Read a table with the columns of another one, as that one's schema describes them.

    Raises:
        FileNotFoundError: as `read_real_table`.
        ValueError: if the columns differ, or one holds what it cannot hold in the other table.
    """
    schema = rows_of(like).schema
    name, target = str(source), schema.target
    found = getattr(builtin_tables, name[8:])() if name.startswith("builtin:") else read_frame(name, schema)
    wanted = [*(c.name for c in schema.columns), target]
    if unlike := sorted(map(str, set(found.columns) ^ set(wanted))):
        raise ValueError(f"{name!r} and the real table differ in the columns {some(unlike)}; they must agree.")
    data = from_frame(found[[*like.x.frame.columns, target]], target, only_kinds(schema))
    return replace(data, x=data.x.of(like.x))


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


def training_schema(train: LabeledData, given: Schema | None) -> Schema:
    """Return the schema with what the training rows alone tell; all that `given` says stays as it is."""
    schema = rows_of(train).schema
    return detect_schema(to_frame(train, train), schema.target, given or only_kinds(schema))


def _checked(data: LabeledData, source: str) -> LabeledData:
    small = [f"{name!r}" for name, n in data.class_counts.items() if n < 2]
    if small:
        raise ValueError(
            f"classes of {source!r} have a single row: {', '.join(small[:5])}; every class needs at least 2, one to "
            "learn from and one to test on."
        )
    return data
