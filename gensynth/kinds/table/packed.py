"""What a sampler has learned, in one file of arrays and JSON: never pickle, so that a stranger's file runs no code."""

from __future__ import annotations

import io
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.files import write_bytes
from gensynth.data.npz import open_npz
from gensynth.kinds.table.codec import Encoded, Levels, TableCodec
from gensynth.kinds.table.modes import Modes
from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.schema import Column, Schema
from gensynth.kinds.table.tail import Tail

CLASSES = {cls.__name__: cls for cls in (Column, Schema, Rule, Tail, Levels, Encoded, TableCodec, Modes)}
"""The classes that a file may hold; of others, only plain values, lists, tuples, dicts, arrays and tables."""

SAVED = "a saved sampler"


def save_packed(path: str | Path, value: Any) -> None:
    """Write a value made of plain values, arrays, tables and `CLASSES`, nested as deep as you like.

    Raises:
        TypeError: if it holds anything else.
    """
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_pack(value, arrays))
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, json=np.array(text), **arrays)
    write_bytes(path, file.getvalue())


def load_packed(path: str | Path) -> Any:
    """Read what `save_packed` wrote.

    Raises:
        ValueError: if it is not such a file.
    """
    with open_npz(path, what=SAVED) as file:
        arrays = dict(file)  # each is unpacked once, however often it is named
        try:
            return _unpack(json.loads(str(arrays["json"])), arrays)
        except Exception as error:  # a changed file can raise almost anything, in numpy or pandas
            raise ValueError(f"it is not {SAVED}, or it is damaged") from error


def _pack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return JSON: plain values as they are, everything else as `[kind, content]`."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if value is pd.NA or value is pd.NaT:
        return ["missing", "NA" if value is pd.NA else "NaT"]
    if isinstance(value, np.ndarray) and value.dtype != np.dtype(object):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return ["array", name]
    if isinstance(value, list | tuple | dict):
        kind = next(t.__name__ for t in (list, tuple, dict) if isinstance(value, t))
        items = value.items() if isinstance(value, dict) else value
        return [kind, [_pack(item, arrays) for item in items]]
    if isinstance(value, pd.DataFrame):
        columns = [[_pack(name, arrays), _pack(column, arrays)] for name, column in value.items()]
        return ["table", [len(value), columns]]
    if isinstance(value, pd.Series):
        return ["column", _pack_column(value, arrays)]
    if type(value) in CLASSES.values():
        names = [f.name for f in fields(value)] if is_dataclass(value) else list(vars(value))
        return [type(value).__name__, {name: _pack(getattr(value, name), arrays) for name in names}]
    raise TypeError(f"a sampler with a {type(value).__name__} cannot be saved: {str(value)[:60]}.")


def _pack_column(values: pd.Series, arrays: dict[str, np.ndarray]) -> Any:
    dtype = values.dtype
    if isinstance(dtype, pd.SparseDtype):
        return {"sparse": _pack(dtype.fill_value, arrays), "of": _pack_column(values.sparse.to_dense(), arrays)}
    if isinstance(dtype, pd.CategoricalDtype):
        levels = _pack_column(pd.Series(dtype.categories), arrays)
        return {"categories": levels, "ordered": bool(dtype.ordered), "of": values.cat.codes.tolist()}
    if isinstance(dtype, pd.IntervalDtype):
        sides = [_pack_column(pd.Series(side), arrays) for side in (values.array.left, values.array.right)]
        return {"intervals": sides, "closed": dtype.closed}
    if pd.api.types.is_datetime64_any_dtype(dtype):
        texts = values.astype(object).map(lambda time: time.isoformat(), na_action="ignore")
        return {"dtype": str(dtype), "of": [None if pd.isna(text) else text for text in texts]}
    # This name means another dtype to pandas.
    name = "ArrowDtype(string)" if isinstance(dtype, pd.ArrowDtype) and str(dtype) == "string[pyarrow]" else str(dtype)
    return {"dtype": name, "of": [_pack(value, arrays) for value in values.astype(object)]}


def _unpack(plain: Any, file: Any) -> Any:
    if not isinstance(plain, list):
        return plain
    kind, content = plain
    if kind == "missing":
        return {"NA": pd.NA, "NaT": pd.NaT}[content]
    if kind == "array":
        return file[content]
    if kind in ("list", "tuple", "dict"):
        return {"list": list, "tuple": tuple, "dict": dict}[kind](_unpack(item, file) for item in content)
    if kind == "table":
        rows, columns = content
        named = {_unpack(name, file): _unpack(column, file) for name, column in columns}
        if any(len(column) != rows for column in named.values()):
            raise ValueError("a table with columns of other lengths")  # pandas would fill them up to any length
        return pd.DataFrame(named, index=pd.RangeIndex(rows))
    if kind == "column":
        return _unpack_column(content, file)
    values = {name: _unpack(value, file) for name, value in content.items()}
    if is_dataclass(CLASSES[kind]):
        return CLASSES[kind](**values)
    made = object.__new__(CLASSES[kind])
    vars(made).update(values)
    return made


def _unpack_column(plain: dict[str, Any], file: Any) -> pd.Series:
    if "sparse" in plain:
        dense = _unpack_column(plain["of"], file)
        return dense.astype(pd.SparseDtype(dense.dtype, _unpack(plain["sparse"], file)))
    if "categories" in plain:
        dtype = pd.CategoricalDtype(_unpack_column(plain["categories"], file), plain["ordered"])
        return pd.Series(pd.Categorical.from_codes(plain["of"], dtype=dtype))
    if "intervals" in plain:
        left, right = (_unpack_column(side, file) for side in plain["intervals"])
        return pd.Series(pd.arrays.IntervalArray.from_arrays(left, right, plain["closed"]))
    values = pd.Series([_unpack(value, file) for value in plain["of"]], dtype=object)
    if plain["dtype"] == "ArrowDtype(string)":
        import pyarrow

        return values.astype(pd.ArrowDtype(pyarrow.string()))
    return values.astype(plain["dtype"])
