"""A table that is a folder of Parquet files, as Spark, Dask and pandas write large ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gensynth.data.words import some


def read_parts(folder: Path) -> Any:
    """Read the Parquet files below a folder as one Arrow table, in the order of their names.

    The name of a sub-folder such as `year=2024` is a value of the column `year`. Files and folders whose names begin
    with `_` or `.` are no parts (Spark's `_temporary`).

    Raises:
        ValueError: if there are no parts, one cannot be read, or its columns are not those of the first one.
        ModuleNotFoundError: if pyarrow is not installed.
    """
    import pyarrow
    from pyarrow import dataset

    files = (file.relative_to(folder).as_posix() for file in folder.rglob("*.parquet") if file.is_file())
    names = sorted(name for name in files if not re.search("(^|/)[_.]", name))
    if not names:
        raise ValueError("the folder holds no file that ends in .parquet.")
    tables: list[Any] = []
    schemas: list[Any] = []
    for name in names:
        path, base = str(folder / name), str(folder)
        try:
            table = dataset.dataset(path, format="parquet", partitioning="hive", partition_base_dir=base).to_table()
            table.validate(full=True)  # a damaged file may point anywhere in memory
            schemas = [pyarrow.unify_schemas([*schemas, table.schema], promote_options="permissive")]
        except (MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"its part {name!r} does not fit or is damaged: {str(error).strip()}") from error
        tables.append(table)
        if unlike := sorted({*table.schema.names} ^ {*tables[0].schema.names}):
            raise ValueError(
                f"its parts {names[0]!r} and {name!r} differ in the columns {some(unlike)}; they must agree."
            )
    return pyarrow.concat_tables(tables, promote_options="permissive")
