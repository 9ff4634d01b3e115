"""Synthetic: what a sampler draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from gensynth.data.examples import Examples
from gensynth.data.labeled import label_of


@dataclass(frozen=True, eq=False)
class Synthetic:
    """Synthetic examples, and all that is needed to make each of them again.

    Attributes:
        x: n `Examples`, as in `LabeledData`.
        y: Labels, int64, shape (n,), positions in `classes`.
        classes: Class names.
        index: Number of each example within its label, int64, shape (n,): sample i is a function of
            (checkpoint, seed, label, i).
        sampler: Name of the sampler, such as `"vae"` or `"smote"`.
        seed: The seed it was drawn with.
        how: How each example was drawn, such as `"borrow"`, length n.
        parents: Ids of the real examples each one was made from, length n; empty tuples where none.
        checkpoint_sha256: Hash of the checkpoint file of each example, length n; empty strings where none.
        notes: What the reader of their files changed, in sentences.
    """

    x: Any
    y: np.ndarray
    classes: tuple[str, ...]
    index: np.ndarray
    sampler: str
    seed: int
    how: tuple[str, ...]
    parents: tuple[tuple[str, ...], ...]
    checkpoint_sha256: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.x, Examples):
            raise TypeError(f"x must be examples, such as 'Pixels(x)' of images, got {type(self.x).__name__}.")

    def __len__(self) -> int:
        return len(self.y)

    def subset(self, indices: Sequence[int] | np.ndarray) -> Synthetic:
        """Return the examples at `indices` (positions or a boolean mask), in that order."""
        given = np.asarray(indices)
        at = np.flatnonzero(given) if given.dtype == bool else given.astype(np.int64)
        return replace(
            self,
            x=self.x.take(at),
            y=self.y[at],
            index=self.index[at],
            how=tuple(self.how[i] for i in at),
            parents=tuple(self.parents[i] for i in at),
            checkpoint_sha256=tuple(self.checkpoint_sha256[i] for i in at),
        )

    def relabel(self, classes: tuple[str, ...]) -> Synthetic:
        """Return the same examples with labels that are positions in `classes`; ValueError if one is missing."""
        position = np.array([label_of(name, classes) for name in self.classes], dtype=np.int64)
        return replace(self, y=position[self.y], classes=classes)

    @staticmethod
    def concat(parts: Sequence[Synthetic]) -> Synthetic:
        """Join draws of one sampler and seed."""
        first = parts[0]
        return replace(
            first,
            x=first.x.join([p.x for p in parts[1:]]),
            y=np.concatenate([p.y for p in parts]),
            index=np.concatenate([p.index for p in parts]),
            how=tuple(chain.from_iterable(p.how for p in parts)),
            parents=tuple(chain.from_iterable(p.parents for p in parts)),
            checkpoint_sha256=tuple(chain.from_iterable(p.checkpoint_sha256 for p in parts)),
        )
