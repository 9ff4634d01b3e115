"""Sampler: draws label-conditioned examples. Every source of synthetic data is one of these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from imblearn.utils import check_sampling_strategy
from sklearn.base import BaseEstimator
from torch import Tensor

from gensynth.data.labeled import LabeledData, label_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Synthetic:
    """Synthetic examples, and all that is needed to make each of them again.

    Attributes:
        x: Images, uint8, shape (n, c, h, w), or a table: a DataFrame without the label column, rows numbered from 0.
        y: Labels, int64, shape (n,), positions in `classes`.
        classes: Class names.
        index: Number of each example within its label, int64, shape (n,): sample i is a function of
            (checkpoint, seed, label, i).
        sampler: Name of the sampler, such as `"vae"` or `"smote"`.
        seed: The seed it was drawn with.
        how: How each example was drawn, such as `"borrow"`, length n.
        parents: Ids of the real examples each one was made from, length n; empty tuples where none.
        checkpoint_sha256: Hash of the checkpoint file of each example, length n; empty strings where none.
    """

    x: Tensor | pd.DataFrame
    y: np.ndarray
    classes: tuple[str, ...]
    index: np.ndarray
    sampler: str
    seed: int
    how: tuple[str, ...]
    parents: tuple[tuple[str, ...], ...]
    checkpoint_sha256: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.y)

    def subset(self, indices: Sequence[int] | np.ndarray) -> Synthetic:
        """Return the examples at `indices` (positions or a boolean mask), in that order."""
        given = np.asarray(indices)
        at = np.flatnonzero(given) if given.dtype == bool else given.astype(np.int64)
        return replace(
            self,
            x=self.x[torch.from_numpy(at)] if isinstance(self.x, Tensor) else self.x.iloc[at].reset_index(drop=True),
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
            x=_join([p.x for p in parts]),
            y=np.concatenate([p.y for p in parts]),
            index=np.concatenate([p.index for p in parts]),
            how=tuple(chain.from_iterable(p.how for p in parts)),
            parents=tuple(chain.from_iterable(p.parents for p in parts)),
            checkpoint_sha256=tuple(chain.from_iterable(p.checkpoint_sha256 for p in parts)),
        )


def _join(parts: list[Any]) -> Tensor | pd.DataFrame:
    if isinstance(parts[0], Tensor):
        return torch.cat(parts)
    import pandas as pd

    return pd.concat(parts, ignore_index=True)


class Sampler(BaseEstimator, ABC):
    """Draws label-conditioned examples, alone or as an imbalanced-learn sampler.

    A sampler writes `_fit` and `_sample`; sample i must be a function of (what was fitted, seed, label, i).
    Constructor arguments are stored unchanged, as scikit-learn asks; every sampler of images has these
    (`gensynth.samplers.table` is the base of those for tables):

    Args:
        sampling_strategy: Which classes `fit_resample` fills, and how far, as in imbalanced-learn.
        random_state: Seed of `fit_resample`.
        image_shape: (c, h, w) of images that come as flat rows; None where X has image axes.
    """

    kind: ClassVar[str] = "image"
    sampling_strategy: Any
    random_state: int
    image_shape: tuple[int, int, int] | None

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the sampler in the manifest."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """The classes it can draw."""

    @abstractmethod
    def _fit(self, data: LabeledData) -> None:
        """Learn from real training data."""

    @abstractmethod
    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        """Draw the samples numbered `index` (int64, ascending) of one label."""

    def fit(self, data: LabeledData) -> Sampler:
        """Learn from real training data; returns itself."""
        self._fit(data)
        return self

    def sample(self, label: str, n: int, seed: int, start: int = 0) -> Synthetic:
        """Draw samples number `start` to `start + n` of one label.

        Args:
            label: A class name out of `labels`.
            n: How many, at least 1.
            seed: Any non-negative int.
            start: Number of the first one: two halves are the same as one whole.

        Raises:
            ValueError: if the label is unknown, or a number is out of range.
        """
        label_of(label, self.labels)
        if n < 1 or seed < 0 or start < 0:
            raise ValueError(
                f"n must be at least 1, seed and start not negative; got n={n}, seed={seed}, start={start}."
            )
        return self._sample(label, np.arange(start, start + n), seed)

    def fit_resample(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:  # noqa: N803
        """Fit on (X, y) and add synthetic examples, with imbalanced-learn's meaning of `sampling_strategy`.

        Args:
            X: Images, uint8, shape (n, c, h, w) or (n, h, w), or flat rows with `image_shape` set.
            y: Labels, shape (n,).

        Returns:
            X and y with the same shape and dtype: the real rows first and untouched, then the synthetic ones.
        """
        x, y = np.asarray(X), np.asarray(y)
        if x.dtype != np.uint8:
            raise TypeError(f"images must be uint8 in 0..255, got {x.dtype}; convert them first.")
        names, codes = np.unique(y, return_inverse=True)
        images = x.reshape(len(x), *(self.image_shape or (x.shape[1:] if x.ndim == 4 else (1, *x.shape[1:]))))
        classes = tuple(str(name) for name in names)
        ids = tuple(str(row) for row in range(len(x)))
        data = LabeledData(torch.from_numpy(images), codes.astype(np.int64), classes, ids)
        self.sampling_strategy_ = check_sampling_strategy(self.sampling_strategy, y, "over-sampling")
        self.fit(data)
        xs, ys = [x], [y]
        for name, n in self.sampling_strategy_.items():
            if n:
                drawn = self.sample(str(name), n, self.random_state).x.numpy()
                xs.append(drawn.reshape(n, *x.shape[1:]))
                ys.append(np.full(n, name, dtype=y.dtype))
        return np.concatenate(xs), np.concatenate(ys)
