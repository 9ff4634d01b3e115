"""Documents: texts, and the table that they are a column of."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, final

import numpy as np
import pandas as pd

from gensynth.data.examples import Examples
from gensynth.data.labeled import LabeledData


@final
@dataclass(frozen=True)
class Form:
    """What a table calls its columns.

    Attributes:
        text: The column of the texts.
        label: The column of the labels.
        columns: All columns, in their order.
    """

    text: str = "text"
    label: str = "label"
    columns: tuple[str, ...] = ("text", "label")


@final
@dataclass(frozen=True, eq=False)
class Documents(Examples):
    """n texts.

    Attributes:
        texts: str, an array of objects, shape (n,).
        form: The columns of their table.
        rows: Their rows, all columns as they were read; None of documents that no table holds.
    """

    kind, noun = "text", "document"

    texts: np.ndarray
    form: Form = field(default_factory=Form)
    rows: pd.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, at: Any) -> Any:
        found = self.texts[at]
        return found if isinstance(found, str) else list(found)

    def take(self, at: np.ndarray) -> Self:
        """As `Examples.take`."""
        rows = None if self.rows is None else self.rows.iloc[at].reset_index(drop=True)
        return replace(self, texts=self.texts[at], rows=rows)

    def join(self, others: Sequence[Self]) -> Self:
        """As `Examples.join`; rows are kept where all have them."""
        parts: list[Self] = [self, *others]
        frames = [part.rows for part in parts if part.rows is not None]
        rows = pd.concat(frames, ignore_index=True) if len(frames) == len(parts) else None
        return replace(self, texts=np.concatenate([part.texts for part in parts]), rows=rows)

    def hashes(self) -> tuple[bytes, ...]:
        """As `Examples.hashes`: of the text without its capitals, its white space and its ways to write a character."""
        return tuple(hashlib.blake2b(plain(text).encode(), digest_size=16).digest() for text in self.texts)

    @property
    def layout(self) -> Form:
        """Columns of the table."""
        return self.form

    def of(self, other: Self) -> Self:
        """As `Examples.of`."""
        return replace(self, form=other.form)


def plain(text: str) -> str:
    """Return a text as it is compared: characters composed (NFKC), small, with single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def array_of(texts: Sequence[str]) -> np.ndarray:
    """Return texts as an array of objects, shape (n,)."""
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found


def whole(text: str) -> str:
    """Return a text without halves of characters (lone surrogates), which no file can hold."""
    if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def from_documents(texts: Sequence[str], labels: Sequence[Any], groups: Sequence[str] | None = None) -> LabeledData:
    """Return documents with labels, such as a list or a Series of str and one of labels.

    Args:
        texts: n texts.
        labels: n labels, whose names are the classes.
        groups: What each document belongs to, such as its author, length n; None where each stands for itself.

    Raises:
        TypeError: if one of the texts is none.
        ValueError: if there are not as many labels.
    """
    texts, names = list(texts), [str(label) for label in labels]
    if wrong := next((t for t in texts if not isinstance(t, str)), None):
        raise TypeError(f"texts must be str, got {type(wrong).__name__}; fill in what is missing.")
    if len(names) != len(texts):
        raise ValueError(f"{len(texts)} texts have {len(names)} labels; give one for each.")
    classes, y = np.unique(np.array(names, dtype=object), return_inverse=True)
    ids = tuple(map(str, range(len(texts))))
    together = None if groups is None else tuple(map(str, groups))
    x = Documents(array_of([whole(text) for text in texts]))
    return LabeledData(x, y.astype(np.int64), tuple(classes), ids, groups=together)
