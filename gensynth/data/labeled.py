"""LabeledData: the one form in which real data travel through the toolkit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gensynth.data.examples import Examples
from gensynth.data.words import did_you_mean, some


@dataclass(frozen=True, eq=False)
class LabeledData:
    """Real examples with their labels.

    Attributes:
        x: n `Examples`, such as images or the rows of a table; `x[at]` gives them in their own form, a uint8 tensor or
            a DataFrame.
        y: Labels, int64, shape (n,), values in [0, len(classes)).
        classes: Class names; the label is the position in this tuple.
        ids: One name per example (a path relative to `root`, or a row number), unique.
        root: The folder that `ids` are relative to, or None where examples are not files.
        notes: What the reader changed (resizing, skipped files), in sentences for the report.
        domains: Where each example is from (a scanner, say), length n, or None if not asked for.
        groups: What each example belongs to (a patient, say), length n, or None where each stands for itself.
    """

    x: Any
    y: np.ndarray
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    root: Path | None = None
    notes: tuple[str, ...] = ()
    domains: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.x, Examples):
            raise TypeError(f"x must be examples, made by 'from_arrays' or 'from_frame', got {type(self.x).__name__}.")
        if self.y.dtype != np.int64 or self.y.ndim != 1:
            raise TypeError(f"y must be int64 of shape (n,), got {self.y.dtype} of shape {self.y.shape}.")
        n = len(self.y)
        if not len(self.x) == n == len(self.ids):
            raise ValueError(f"x, y and ids need one entry per example, got {len(self.x)}, {n} and {len(self.ids)}.")
        if len(self.y) and not (0 <= self.y.min() and self.y.max() < len(self.classes)):
            raise ValueError(f"labels must lie in 0..{len(self.classes) - 1}, got {self.y.min()}..{self.y.max()}.")

    def __len__(self) -> int:
        return len(self.y)

    @property
    def kind(self) -> str:
        """Name of the kind of data, such as `image`."""
        return self.x.kind

    @property
    def noun(self) -> str:
        """What one example is called in messages, such as `row`."""
        return self.x.noun

    @property
    def class_counts(self) -> dict[str, int]:
        """Number of examples by class name, in label order."""
        counts = np.bincount(self.y, minlength=len(self.classes))
        return {name: int(n) for name, n in zip(self.classes, counts, strict=True)}

    def label_of(self, name: str) -> int:
        """Return the integer label of a class name; ValueError lists the allowed names."""
        return label_of(name, self.classes)

    def noting(self, notes: Sequence[str], name: str) -> LabeledData:
        """Return the same data with the notes of what was read beside them, each after its name."""
        return replace(self, notes=(*self.notes, *(f"{name}: {note}" for note in notes)))

    def labels_of(self, y: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Return labels, positions in `classes`, as positions in this data's classes; ValueError for other names."""
        position = np.zeros(len(classes), dtype=np.int64)
        for c in np.unique(y):
            position[c] = self.label_of(classes[c])
        return position[y]

    def subset(self, indices: Sequence[int] | np.ndarray) -> LabeledData:
        """Return the examples at `indices` (positions or a boolean mask), in that order, same classes."""
        given = np.asarray(indices)
        index = np.arange(len(self))[given] if given.size else np.arange(0)
        at = index.tolist()  # tuples find plain numbers several times faster
        return replace(
            self,
            x=self.x.take(index),
            y=self.y[index],
            ids=tuple(map(self.ids.__getitem__, at)),
            domains=None if self.domains is None else tuple(map(self.domains.__getitem__, at)),
            groups=None if self.groups is None else tuple(map(self.groups.__getitem__, at)),
        )

    def join(self, others: Sequence[LabeledData]) -> LabeledData:
        """Return these examples and then those of further parts of the same data set, with the same classes."""
        parts = (self, *others)
        return replace(
            self,
            x=self.x.join([part.x for part in others]),
            y=np.concatenate([part.y for part in parts]),
            ids=tuple(i for part in parts for i in part.ids),
            domains=None if self.domains is None else tuple(d for part in parts for d in part.domains or ()),
            groups=None if self.groups is None else tuple(g for part in parts for g in part.groups or ()),
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over contents, labels, class names, ids and domains: equal data, equal fingerprint."""
        digest = hashlib.sha256(repr((self.x.stamp, self.classes, self.ids, self.domains)).encode())
        digest.update(self.y.tobytes())
        digest.update(b"".join(self.x.hashes()))
        return digest.hexdigest()


def label_of(name: str, classes: Sequence[str]) -> int:
    """Return the position of `name` in `classes`.

    Raises:
        ValueError: if the class does not exist; the message lists the classes and the nearest name.
    """
    if name in classes:
        return list(classes).index(name)
    raise ValueError(
        f"label {name!r} is not one of the classes {some(map(repr, classes))}.{did_you_mean(name, classes)}"
    )


def numbers_within(y: np.ndarray) -> np.ndarray:
    """Return the number of each example among those of its label, from 0, int64, shape (n,)."""
    order, found = np.argsort(y, kind="stable"), np.empty(len(y), dtype=np.int64)
    found[order] = np.arange(len(y)) - np.searchsorted(y[order], y[order])
    return found
