"""Frames as files: tables by their endings, whatever they hold. Light: every command asks for the endings."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.data.files import write_bytes
from gensynth.data.parts import read_parts

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {".csv": ",", ".tsv": "\t"}
PACKED, LINES = (".parquet", ".feather"), ".jsonl"
SUFFIXES = (*SEPARATORS, *(f"{suffix}.gz" for suffix in SEPARATORS), *PACKED)
"""Ends of the names of table files."""
FRAMES = (*SUFFIXES, LINES)
"""The same, and of files with an object of JSON in each line."""


def read_plain(path: str | Path, as_text: bool = False) -> pd.DataFrame:
    """Read a table as pandas does.

    Args:
        path: A file that ends in one of `FRAMES`, or a folder as of `gensynth.data.parts`.
        as_text: Whether the cells of a text file stay the text that they are; then nothing in it is missing.

    Raises:
        FileNotFoundError: if it does not exist.
        ValueError: if it is no such table.
    """
    import pandas as pd

    path, suffix = Path(path), suffix_of(path)
    in_parts = suffix == ".parquet" and path.is_dir()
    if not in_parts and not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    try:
        if in_parts or suffix in PACKED:
            return read_arrow(path, suffix).to_pandas()
        if suffix == LINES:
            return pd.DataFrame(_objects(path), dtype=object)
        separator, how = SEPARATORS[suffix.removesuffix(".gz")], {"dtype": str, "na_filter": False}
        check_header(pd.read_csv(path, sep=separator, header=None, nrows=1, **how).iloc[0].tolist())
        return pd.read_csv(path, sep=separator, **(how if as_text else {}))
    except UnicodeDecodeError as error:
        raise ValueError(f"{str(path)!r} is not text in UTF-8 ({error}); save it so.") from error
    except (EOFError, MemoryError, OSError, RuntimeError, TypeError, ValueError, zlib.error) as error:
        raise ValueError(f"{str(path)!r} cannot be read as a table: {str(error).strip()}") from error


def read_arrow(path: Path, suffix: str) -> Any:
    """Return what one of `PACKED` holds, or a folder of Parquet files, as a table of Arrow, checked as a whole."""
    if path.is_dir():
        return read_parts(path)
    if suffix == ".parquet":
        from pyarrow.parquet import read_table as read
    else:
        from pyarrow.feather import read_table as read
    table = read(path, memory_map=False)
    table.validate(full=True)  # a damaged file may point anywhere in memory
    return table


def check_header(names: Sequence[str]) -> None:
    """Raise ValueError if two columns of a file of text have one name."""
    if twice := [name for at, name in enumerate(names) if name in names[:at]]:
        raise ValueError(
            f"two columns are called {twice[0]!r}; rename one of them, or put a line of names first if there is none."
        )


def _objects(path: Path) -> list[dict[str, Any]]:
    """Return the object of JSON in each line of a file; ValueError names a line that has none."""
    found = []
    with open(path, encoding="utf-8-sig") as file:
        for at, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                found.append(json.loads(line))
            except (RecursionError, ValueError) as error:
                raise ValueError(f"line {at} is no JSON ({error}); correct or remove it.") from error
            if not isinstance(found[-1], dict):
                raise ValueError(f'line {at} is no object of JSON, such as {{"text": "...", "label": "a"}}.')
    return found


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table, whole or not at all; equal tables make equal files.

    Args:
        frame: The table; its index is left out.
        path: A file that ends in one of `FRAMES`.

    Raises:
        ValueError: if the file has another ending, or cannot hold this table.
        ModuleNotFoundError: if pyarrow is needed and not installed.
    """
    path = Path(path)
    suffix, content = suffix_of(path), io.BytesIO()
    if suffix in SEPARATORS:
        write_bytes(path, _as_text(frame, SEPARATORS[suffix]))
        return
    if suffix == LINES:
        cells = (frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in frame.columns)
        rows = (dict(zip(map(str, frame.columns), row, strict=True)) for row in zip(*cells, strict=True))
        lines = (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
        write_bytes(path, "".join(lines).encode(errors="backslashreplace"))  # half characters as JSON writes them
        return
    if suffix not in PACKED:
        with gzip.GzipFile(fileobj=content, mode="wb", mtime=0) as packed:
            packed.write(_as_text(frame, SEPARATORS[suffix.removesuffix(".gz")]))
        write_bytes(path, content.getvalue())
        return
    if not all(isinstance(name, str) for name in frame.columns):
        raise ValueError(f"{suffix} files need text as column names; rename the columns, or write a .csv file.")
    try:
        (frame.to_parquet if suffix == ".parquet" else frame.to_feather)(content)
    except ImportError as error:
        raise ModuleNotFoundError(f"{suffix} files need pyarrow; run 'pip install pyarrow'.") from error
    except (NotImplementedError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"{suffix} files cannot hold this table: {error}; write a .csv file.") from error
    write_bytes(path, content.getvalue())


def _as_text(frame: pd.DataFrame, separator: str) -> bytes:
    """Return a table as rows of text."""
    how: dict[str, Any] = {"sep": separator, "index": False, "lineterminator": "\n", "errors": "backslashreplace"}
    file = io.BytesIO()
    frame.to_csv(file, **how)
    if b"\r" in (content := file.getvalue()) and _has_bare_return(frame, separator):
        file = io.BytesIO()
        frame.to_csv(file, quoting=csv.QUOTE_NONNUMERIC, **how)
        return file.getvalue()
    return content


def _has_bare_return(frame: pd.DataFrame, separator: str) -> bool:
    """Whether a carriage return, which is not quoted for its own sake, would be read as the end of its row."""
    import pandas as pd

    is_text, quoted = pd.api.types.is_string_dtype, {"\n", '"', separator}
    texts = (v for _, v in frame.items() if is_text(v.dtype) or isinstance(v.dtype, pd.CategoricalDtype))
    cells = (cell for values in texts for cell in values.tolist() if isinstance(cell, str))
    return any("\r" in cell and quoted.isdisjoint(cell) for cell in cells)


def check_format(path: str | Path) -> None:
    """Raise ValueError if no table can be written under this name, ModuleNotFoundError if pyarrow is missing."""
    if (suffix := suffix_of(path)) in PACKED and find_spec("pyarrow") is None:
        raise ModuleNotFoundError(f"{suffix} files need pyarrow; run 'pip install pyarrow'.")


def suffix_of(path: str | Path) -> str:
    """Return which of `FRAMES` a file name ends in; ValueError if none."""
    path = Path(path)
    suffix = next((s for s in FRAMES if path.name.lower().endswith(s)), None)
    if suffix is None:
        raise ValueError(f"{str(path)!r} is not a table; its name must end in {', '.join(FRAMES)}.")
    return suffix
