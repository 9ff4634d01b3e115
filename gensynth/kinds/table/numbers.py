"""Numbers as people write them, with marks for missing ones, to plain numbers and back."""

from __future__ import annotations

import re
from typing import Any, Protocol

import numpy as np
import pandas as pd

FORMATS = {
    "1234.5": r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?",
    "1234,5": r"[-+]?(?:0|[1-9][0-9]*)?(?:,[0-9]*)?",
    "1,234.5": r"[-+]?(?:0|[1-9][0-9]{0,2}(?:,[0-9]{3})*)(?:\.[0-9]+)?",
    "1.234,5": r"[-+]?(?:0|[1-9][0-9]{0,2}(?:\.[0-9]{3})*)(?:,[0-9]+)?",
    "1 234.5": r"[-+]?(?:0|[1-9][0-9]{0,2}(?: [0-9]{3})*)(?:\.[0-9]+)?",
    "1 234,5": r"[-+]?(?:0|[1-9][0-9]{0,2}(?: [0-9]{3})*)(?:,[0-9]+)?",
    "1'234.5": r"[-+]?(?:0|[1-9][0-9]{0,2}(?:'[0-9]{3})*)(?:\.[0-9]+)?",
}
"""How 1234.5 is written in text, and what such numbers look like. A format that ends in 0, such as `1234.50`, writes
all digits that the column has, zeros too. What begins with a zero, as 02139 does, is a code and no number."""
MARKS = frozenset(
    "? ?? - -- --- . .. * x unknown unk n/a na n.a. #n/a #na #div/0! #value! #num! none null nil nan missing n.d. nd "
    "k.a. k.a tbd undefined not_available unavailable".split()
) | {"", "not available", "not known", "no data", "not applicable"}
"""What people write where a number is not known, in small letters."""
GROUPED = "[-+]?[0-9]{1,3}(?:,[0-9]{3})+"
"""Whole numbers with commas between thousands, or numbers with a decimal comma and three digits after it."""
FEWEST = 3
"""Different numbers that a column of text must hold to be one of numbers."""


class Written(Protocol):
    """What of a `Column` says how its numbers are written."""

    @property
    def format(self) -> str | None:
        """As `Column.format`."""

    @property
    def marks(self) -> tuple[float | str, ...]:
        """As `Column.marks`."""


def dense(values: pd.Series) -> pd.Series:
    """Return a column, sparse or not, as one that is not."""
    return values.sparse.to_dense() if isinstance(values.dtype, pd.SparseDtype) else values


def different(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return where each entry of a column stands among the different ones, and these in the order they come in.

    Returns:
        int64, shape (n,), -1 where it is missing; and object, shape (k,).
    """
    codes, found = pd.factorize(dense(values))
    return codes, np.asarray(found, dtype=object)  # few: a million entries as objects would be slow


def different_texts(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return what `different` does, of the entries as text."""
    values = dense(values)
    if values.dtype == object:  # 1, 1.0 and True are one entry, and three texts
        values = values.map(str, na_action="ignore")
    codes, found = different(values)
    place, texts = pd.factorize(np.array([str(value) for value in found], dtype=object))
    return np.append(place, -1)[codes], texts


def as_numbers(values: pd.Series, c: Written) -> np.ndarray:
    """Return a column as float64, shape (n,): NaN where a number is missing, marked as missing, or no number."""
    values = dense(values)
    if pd.api.types.is_numeric_dtype(values.dtype):
        x = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        codes, distinct = different(values)
        plain = [_plain(value, c.format) if isinstance(value, str) and c.format else value for value in distinct]
        known = pd.to_numeric(pd.Series(plain, dtype=object), errors="coerce").to_numpy(dtype=np.float64)
        x = np.append(known, np.nan)[codes]
    numbers = [mark for mark in c.marks if not isinstance(mark, str)]
    return np.where(np.isin(x, numbers), np.nan, x) if numbers else x


def is_absent(values: pd.Series, c: Written) -> np.ndarray:
    """Return which entries of a column are missing, or marked as missing, bool, shape (n,)."""
    values = dense(values)
    absent = values.isna().to_numpy(dtype=bool)
    return absent | values.isin(list(c.marks)).to_numpy(dtype=bool) if c.marks else absent


def written(x: np.ndarray, form: str, decimals: int | None) -> np.ndarray:
    """Return numbers as text in one of `FORMATS`, object, shape (n,); those that are NaN come out as any text."""
    group, point = _signs(form)
    texts = []
    for value in x.tolist():
        text = f"{value:,.{decimals}f}" if decimals is not None else repr(value)
        if decimals and not form.endswith("0"):
            text = text.rstrip("0").rstrip(".")
        texts.append(text.translate({ord(","): group, ord("."): point}))
    return np.array(texts, dtype=object)


def marks_in(text: pd.Series) -> tuple[str, ...]:
    """Return those texts of a column that people write where a value is not known, the most frequent first."""
    distinct = pd.Series(text.value_counts().index, dtype=object)
    return tuple(distinct[distinct.str.strip().str.lower().isin(MARKS)])


def number_format(text: pd.Series) -> tuple[str, tuple[str, ...]] | None:
    """Return how the numbers in a column of text are written, and what marks missing ones, the most frequent first.

    None if it holds anything else, or whole numbers and nothing else: as text they are names.
    """
    marks = marks_in(text)
    numbers = pd.Series(text[~text.isin(marks)].unique(), dtype=object)
    if len(numbers) < FEWEST:
        return None
    all_digits = numbers.str.contains("[0-9]").all()
    form = next((f for f, look in FORMATS.items() if all_digits and numbers.str.fullmatch(look).all()), None)
    whole = not marks and numbers.str.fullmatch("[-+]?[0-9]+").all()
    if form is None or whole or (form == "1234,5" and numbers[numbers.str.contains(",")].str.fullmatch(GROUPED).all()):
        return None  # 1,234 is more than a thousand, or little more than one
    after = digits(numbers, form)
    fixed = after.max() == after.min() > 0 and not numbers.str.contains("[eE]").any()
    return form + ("0" if fixed else ""), marks


def digits(text: pd.Series, form: str) -> pd.Series:
    """Return how many digits stand after the point in each number of a column of text."""
    _, point = _signs(form)
    return text.str.rpartition(point)[2].str.len().where(text.str.contains(point, regex=False), 0)


def is_format(form: str) -> bool:
    """Whether this is one of `FORMATS`, perhaps with a last 0."""
    return form.removesuffix("0") in FORMATS


def _signs(form: str) -> tuple[str, str]:
    """Return the sign between thousands, and that before the decimals."""
    form = form.removesuffix("0")
    return ("" if form[1].isdigit() else form[1]), form[-2]


def _plain(text: str, form: str) -> Any:
    """Return a number without signs between thousands and with a decimal point, or what is no such number as None."""
    group, point = _signs(form)
    if re.fullmatch(FORMATS[form.removesuffix("0")], text) is None:
        return None
    return (text.replace(group, "") if group else text).replace(point, ".")
