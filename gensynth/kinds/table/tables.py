"""Tables in and out: files and frames to LabeledData, and back with every dtype as it was."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gensynth.data.frames import LINES, PACKED, SEPARATORS, check_header, read_arrow, suffix_of
from gensynth.data.labeled import LabeledData, label_of
from gensynth.data.words import some
from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.labels import NO_TARGET, class_names
from gensynth.kinds.table.notes import table_notes
from gensynth.kinds.table.numbers import MARKS
from gensynth.kinds.table.rows import Rows, rows_of
from gensynth.kinds.table.schema import Column, Schema

if TYPE_CHECKING:
    from gensynth.sampler.synthetic import Synthetic

EXACT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)
"""What makes `read_csv` return the nearest number to a text. Since pandas 3.1 it always does, and warns if told to."""

OTHER_SEPARATORS = ";\t|,"
"""What may stand between entries where the usual sign does not: a table has two columns at least."""
FEWEST_FALLING = 5
"""Falling numbers in the first line that are taken for names, at least: this many seldom fall by chance."""


def read_table(path: str | Path, target: Hashable | None, schema: Schema | None = None) -> LabeledData:
    """Read a table with a label column.

    Args:
        path: A file that ends in one of `gensynth.data.frames.SUFFIXES`, or a folder of Parquet files that ends in
            .parquet (`gensynth.data.parts`). In text files, what is empty, NA, None,
            null and the like (the list of `pandas.read_csv`) is missing; whole numbers stay whole where some are, and
            codes with leading zeros such as 0123 stay text.
        target: Name of the label column; None for a table without one.
        schema: What is known of the columns; its dtypes hold for text files.

    Raises:
        ValueError: if the file is no such table, or a column is not understood (`detect_schema`).
        FileNotFoundError: if it does not exist.
        ModuleNotFoundError: if pyarrow is needed and not installed.
    """
    data = from_frame(read_frame(path, schema), target, schema)
    suffix = suffix_of(path)
    if suffix in PACKED or (found := _separator(Path(path))) == (usual := _usual_separator(suffix)):
        return data
    note = f"The table is separated by {found!r}; {suffix} files are written with {usual!r}."
    return replace(data, notes=(note, *data.notes))


def read_frame(path: str | Path, schema: Schema | None = None) -> pd.DataFrame:
    """Read a table whatever its columns are; arguments and errors as of `read_table`."""
    path = Path(path)
    suffix = suffix_of(path)
    if not path.is_file() and not (path.is_dir() and suffix == ".parquet"):
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    if suffix == LINES:
        raise ValueError(f"{str(path)!r} holds lines of JSON, which are read as documents: give --text COLUMN.")
    try:
        if suffix in PACKED:
            return _read_packed(path, suffix)
        return _read_text(path, _separator(path), schema)
    except ImportError as error:
        raise ModuleNotFoundError(f"{suffix} files need pyarrow; run 'pip install pyarrow'.") from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{str(path)!r} cannot be read as a table: it is not in UTF-8, perhaps in Latin-1; save it as UTF-8 ('CSV "
            "UTF-8' in Excel, or 'iconv -f latin1 -t utf-8 FILE > NEW')."
        ) from error
    except (csv.Error, EOFError, MemoryError, OSError, RuntimeError, TypeError, ValueError, zlib.error) as error:
        raise ValueError(f"{str(path)!r} cannot be read as a table: {str(error).strip()}") from error


def from_frame(frame: Any, target: Hashable | None, schema: Schema | None = None) -> LabeledData:
    """Take a table that is in memory.

    Args:
        frame: pandas, Arrow, polars, or what else has `to_pandas`.
        target: Name of the label column; text also finds a column whose name is that whole number. None for a table
            without one: its rows are of one class.
        schema: What is known of the columns; the rest is detected.

    Raises:
        ValueError: if a column is not understood (`detect_schema`).
    """
    data = without_notes(frame, target, schema)
    rows = rows_of(data)
    return replace(data, notes=table_notes(rows.frame, data.y, rows.schema))


def without_notes(frame: Any, target: Hashable | None, schema: Schema | None = None) -> LabeledData:
    """Take a table as `from_frame` does, where nobody reads notes: to find them takes as long as all the rest."""
    frame = as_pandas(frame)
    if target is None:
        frame, target = unlabeled(frame), NO_TARGET
    if target not in frame.columns and isinstance(target, str):
        target = next((name for name in frame.columns if str(name) == target), target)
    schema = detect_schema(frame, target, schema)
    target = schema.target
    x = frame.drop(columns=[target]).reset_index(drop=True)
    classes, y = class_names(frame[target])
    first = np.zeros(len(classes), dtype=np.int64)
    first[y[::-1]] = np.arange(len(y))[::-1]
    values = frame[target].iloc[first].reset_index(drop=True)
    return LabeledData(
        x=Rows(x, schema, values),
        y=y,
        classes=classes,
        ids=tuple(map(str, range(len(y)))),
    )


def unlabeled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table without a label column with one that says nothing, which `RowFiles` leaves out again.

    Raises:
        ValueError: if it has a column of that name.
    """
    if NO_TARGET in frame.columns:
        raise ValueError(f"a column is called {NO_TARGET!r}, which stands for none; rename it.")
    return frame.assign(**{NO_TARGET: "all"})


def as_pandas(frame: Any) -> pd.DataFrame:
    """Return a pandas table of what pandas, Arrow or polars hold; TypeError for anything else."""
    if isinstance(frame, pd.DataFrame):
        return frame
    if not hasattr(frame, "to_pandas"):
        raise TypeError(f"a table must be of pandas, Arrow or polars, got {type(frame).__name__}.")
    try:
        frame = frame.to_arrow() if hasattr(frame, "to_arrow") else frame  # polars
        if not type(frame).__module__.startswith("pyarrow"):
            return frame.to_pandas()
        return _whole(frame.to_pandas(), lambda names: frame.select(names).to_pandas(types_mapper=_nullable))
    except ImportError as error:
        raise ModuleNotFoundError("this table needs pyarrow; run 'pip install pyarrow'.") from error


def to_frame(data: LabeledData | Synthetic, like: LabeledData | Synthetic) -> pd.DataFrame:
    """Return the rows as one table with the label column at its place, in its dtype.

    Args:
        data: Rows, real or synthetic, whose classes are those of `like`.
        like: Rows of the table they belong to, or they themselves.
    """
    of = rows_of(like)
    position = np.array([label_of(name, like.classes) for name in data.classes], dtype=np.int64)
    labels = of.label_values.take(position[data.y]).reset_index(drop=True)
    frame = rows_of(data).frame
    at = len(frame.columns) if of.schema.position is None else of.schema.position
    return pd.concat([frame.iloc[:, :at], labels.rename(of.schema.target), frame.iloc[:, at:]], axis=1)


def _read_packed(path: Path, suffix: str) -> pd.DataFrame:
    frame = as_pandas(read_arrow(path, suffix))
    # A named index was a column of the table.
    return frame if frame.index.names == [None] else frame.reset_index()


def _whole(frame: pd.DataFrame, nullable: Callable[[list[Any]], pd.DataFrame]) -> pd.DataFrame:
    """Return the table with the whole numbers that Arrow turned into real ones, because some are missing, as Int64."""
    gaps = [name for name, values in frame.items() if values.dtype == "float64" and values.isna().any()]
    for name, values in nullable(gaps).items() if gaps else ():
        if pd.api.types.is_integer_dtype(values.dtype):
            frame[name] = values.array
    return frame


def _nullable(arrow: Any) -> Any:
    """Return the nullable dtype of an Arrow type of whole numbers, None for others."""
    name = str(arrow).replace("uint", "UInt").replace("int", "Int")
    return pd.api.types.pandas_dtype(name) if re.fullmatch("U?Int(8|16|32|64)", name) else None


def _read_text(path: Path, separator: str, schema: Schema | None) -> pd.DataFrame:
    header, first = _first_rows(path, separator)
    _check_header(header, first)
    known = {} if schema is None else {str(c.name): c for c in schema.columns}
    texts = {name: c.dtype for name, c in known.items() if name in header and _is_text(c)}
    frame = _parse(path, separator, header, texts)
    _check_names_are_no_row(header, frame)
    unknown = [name for name in header if name not in known]
    for name, codes in _codes(path, separator, frame, [n for n in unknown if str(frame[n].dtype) == "Int64"]).items():
        frame[name] = codes
    columns = {}
    for name, values in frame.items():
        if name in unknown or (name not in texts and known[name].dtype == "object"):
            columns[name] = _ordinary(values)
        else:
            columns[name] = values if name in texts else as_dtype(values, known[name].dtype)
    return pd.DataFrame(columns)


def _first_rows(path: Path, separator: str) -> tuple[list[str], list[str]]:
    """Return the first two lines of a file of text that hold anything; empty lists where there are none."""
    with _open(path) as file:
        rows = (row for row in csv.reader(file, delimiter=separator) if len(row) > 1 or "".join(row).strip())
        return next(rows, []), next(rows, [])


def _usual_separator(suffix: str) -> str:
    return SEPARATORS[suffix.removesuffix(".gz")]


def _separator(path: Path) -> str:
    """Return what stands between the entries of a file of text: another sign than usual if that finds one name only."""
    usual = _usual_separator(suffix_of(path))
    header, _ = _first_rows(path, usual)
    found = max(OTHER_SEPARATORS, key=header[0].count) if len(header) == 1 else usual
    return found if found in "".join(header) else usual


def _check_header(header: list[str], first: list[str]) -> None:
    if not header:
        raise ValueError("it is empty.")
    check_header(header)
    if len(first) > len(header):
        raise ValueError(f"the header has {len(header)} names, and the first row {len(first)} entries.")


def _check_names_are_no_row(header: list[str], frame: pd.DataFrame) -> None:
    """Raise ValueError if the first line seems to be a row.

    It does where it has numbers over all columns of numbers and nowhere else, and one of its texts is in the column
    below, or its numbers are no series. 0, 1, 2, ... are names that pandas gives; 2018, 2020, ... are years; beside
    texts, 0.1, 0.5, ... may be shares, and many falling numbers wave lengths.
    """
    names = [name for name in header if name.strip().lower() not in MARKS]
    numbers = [name for name in names if re.fullmatch("[-+]?[0-9]*[.]?[0-9]+", name)]
    texts = [name for name in names if name not in numbers]
    numeric = {name: bool(pd.api.types.is_numeric_dtype(frame[name].dtype)) for name in names}
    if not numbers or not len(frame) or any(numeric[name] != (name in numbers) for name in names):
        return
    x = list(map(float, numbers))
    rising, falling = x == sorted(x), len(x) >= FEWEST_FALLING and x == sorted(x, reverse=True)
    series = rising or falling if texts else rising and all(map(str.isdigit, numbers))
    if not series or any(name in set(frame[name]) for name in texts):
        raise ValueError(
            f"its first line looks like a row ({some(header, 5)}), not like names; put the names of the columns first."
        )


def _open(path: Path) -> Any:
    """Open a file of text as `csv.reader` wants it."""
    opened: Any = gzip.open if path.suffix.lower() == ".gz" else open
    return opened(path, "rt", encoding=_encoding(path), newline="")


def _encoding(path: Path) -> str:
    """Return the encoding of a file of text: UTF-16 if it begins with its byte order mark, else UTF-8."""
    opened: Any = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rb") as file:
        return "utf-16" if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _parse(path: Path, separator: str, header: list[str], dtypes: dict[str, str]) -> pd.DataFrame:
    """Return the columns that `dtypes` names in these dtypes, the others in nullable ones."""
    return pd.read_csv(
        path,
        sep=separator,
        encoding=_encoding(path),
        compression="gzip" if path.suffix.lower() == ".gz" else None,
        names=header,  # pandas would invent names for empty ones
        header=0,
        index_col=False,
        dtype=dtypes,
        dtype_backend="numpy_nullable",
        low_memory=False,
        **EXACT,
    )


def _is_text(c: Column) -> bool:
    """Whether the entries of a column must be left as they are written, such as `0123`.

    All others are converted once they are read: of a nullable backend, `read_csv` makes 2**53 + 1 in an int64 column
    to 2**53.
    """
    text = c.kind not in ("numeric", "integer", "boolean") or c.format is not None
    return text and re.match("u?int|float|bool|date", c.dtype, re.I) is None


def _codes(path: Path, separator: str, frame: pd.DataFrame, names: list[str]) -> dict[str, pd.Series]:
    """Return, as text, those of the columns of whole numbers in which some are written with leading zeros."""
    zeros = re.compile(rf'(?:^|["{separator}])0[0-9]')
    with _open(path) as file:
        if not names or not any(map(zeros.search, file)):
            return {}
    text = _parse(path, separator, list(frame.columns), dict.fromkeys(names, "string"))
    return {name: text[name] for name in names if text[name].str.match("0[0-9]").any()}


def _ordinary(values: pd.Series) -> pd.Series:
    """Return a nullable column in its ordinary dtype, unless whole numbers or truth values are missing."""
    dtype = str(values.dtype)
    if dtype == "Float64":
        return values.astype("float64")
    if dtype in ("Int64", "boolean"):
        ordinary = "int64" if dtype == "Int64" else "bool"
        return values if values.isna().any() else values.astype(ordinary)
    # Not astype("str"): before pandas 3 it writes '<NA>'.
    return values.astype(object).where(values.notna(), np.nan).infer_objects() if dtype == "string" else values


def as_dtype(values: pd.Series, dtype: Any) -> pd.Series:
    """Return a column in a dtype, unless whole numbers or truth values are missing and it has no room.

    Raises:
        ValueError: if it holds what the dtype cannot.
    """
    if re.fullmatch("bool|u?int[0-9]+", str(dtype)) and values.isna().any():
        return values
    try:
        typed = values.astype(dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"column {values.name!r} is no {dtype}, as the schema says: {error}.") from error
    if pd.api.types.is_integer_dtype(dtype) and (unequal := (typed != values).fillna(False)).any():
        raise ValueError(f"column {values.name!r} holds {values[unequal].iloc[0]}, and the schema says {dtype}.")
    return typed
