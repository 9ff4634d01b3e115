"""The verb for tables that is not the same for all kinds of data; see `gensynth.cli.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from gensynth.data.words import counted, some_counts
from gensynth.report.printed import say


def explore(
    data: str,
    *,
    target: str | None = None,
    rare: Literal["high", "low", "both"] | None = None,
    tail: float = 0.1,
    schema: str | None = None,
    out: Path | None = None,
) -> int:
    """Show what the columns of a table are, before anything is made.

    Args:
        data: A .csv, .tsv, .parquet or .feather file, builtin:adult or builtin:breast_cancer.
        target: Name of the label column; only builtin tables know theirs.
        rare: Takes the target for a number, whose highest or lowest values or both are the rare class.
        tail: With rare: the share of the rows that are such values, on each side.
        schema: A schema.json that says what is known already.
        out: Write what was found to this new schema.json, to be edited and given with --schema.
    """
    from gensynth.kinds.table.config import TableConfig
    from gensynth.kinds.table.read import read_real_table

    if out is not None and out.exists():
        raise ValueError(f"{out} exists; choose another --out, or remove it.")
    found = read_real_table(data, TableConfig(target=target, rare=rare, tail=tail, schema=schema))
    print(f"{counted(len(found), 'row')}; {found.x.schema.target}: {some_counts(found.class_counts)}\n")
    print(found.x.schema.as_text())
    for note in found.notes:
        print(f"note: {note}")
    if out is not None:
        found.x.schema.save(out)
        say(f"schema: {out}")
    return 0
