"""The label column of a table: what may stand in it, and what its classes are called."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gensynth.data.names import natural_key
from gensynth.data.words import counted
from gensynth.kinds.table.numbers import different

NO_TARGET = "(no label)"
"""Name of the label column of a table without one: all rows are of one class, and no file holds it."""
ALLOWED = ("string", "integer", "boolean", "floating", "mixed-integer-float", "interval")
"""What labels may be, in the words of pandas; intervals, since `pandas.cut` makes classes of a quantity."""


def check_labels(y: pd.Series) -> None:
    """Raise ValueError unless `y` holds labels of two classes or more and no missing values, or is `NO_TARGET`."""
    if not len(y):
        raise ValueError("the table has no rows.")
    if y.name == NO_TARGET:
        return
    if y.isna().any():
        raise ValueError(
            f"{counted(int(y.isna().sum()), 'row has', 'rows have')} no {y.name!r}; remove such rows, or fill it in."
        )
    y = y.astype(object).infer_objects()
    holds = pd.api.types.infer_dtype(y)
    if holds not in ALLOWED:
        raise ValueError(f"column {y.name!r} holds {holds} values; use text, whole numbers or truth values as labels.")
    distinct = y.nunique()
    if distinct < 2:
        raise ValueError(f"column {y.name!r} holds one class only ({y.iloc[0]!r}); at least two are needed.")
    broken = pd.api.types.is_float_dtype(y.dtype) and bool((y % 1 != 0).any())
    if broken or distinct > max(20, len(y) / 2) or distinct > max(100, len(y) / 10):
        raise ValueError(
            f"column {y.name!r} has {distinct} different values in {len(y)} rows, which looks like a quantity: only "
            "classes can be rebalanced; cut it into classes first, or have its tail filled (--rare high, low or both)."
        )


def class_names(y: pd.Series) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the class names of labels, and each row's position in them (int64).

    Numbers are sorted by size; text naturally, so that `a2` stands before `a10`.

    Raises:
        ValueError: if two different labels are the same as text.
    """
    codes, distinct = different(y)
    names = [str(value) for value in distinct]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"column {y.name!r} holds {twice} as text and as something else; make them the same.")
    numbers = pd.api.types.is_numeric_dtype(y.astype(object).infer_objects().dtype)
    order = np.array(sorted(range(len(names)), key=lambda at: distinct[at] if numbers else natural_key(names[at])))
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return tuple(names[at] for at in order), place[codes]
