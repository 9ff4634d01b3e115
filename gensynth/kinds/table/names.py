"""What the name of a table looks like; imports nothing that is slow, since every command asks."""

from __future__ import annotations

from gensynth.data.frames import SUFFIXES
from gensynth.kinds.table import builtin as builtin_tables


def is_table(source: str) -> bool:
    """Whether a source's name is that of a table: by its ending, or one of the builtin ones."""
    name = source.removeprefix("builtin:")
    ending = source.rstrip("/\\").lower()  # a folder of Parquet files may be named with a slash
    return ending.endswith(SUFFIXES) or (source != name and name in builtin_tables.TARGETS)
