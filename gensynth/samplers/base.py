"""Sampler: draws label-conditioned examples. Every source of synthetic data is one of these."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data
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


class Sampler(BaseOverSampler, ABC):
    """Draws label-conditioned examples, alone or as an imbalanced-learn sampler.

    A sampler writes `_fit` and `_sample`; sample i must be a function of (what was fitted, seed, label, i).
    Constructor arguments are stored unchanged, as scikit-learn asks; every sampler of images has these
    (`gensynth.samplers.table` is the base of those for tables):

    Args:
        sampling_strategy: Which classes `fit_resample` fills, and how far, as in imbalanced-learn.
        random_state: Seed of `fit_resample`, a whole number of at least 0.
        image_shape: (c, h, w) of images that come as flat rows. Without it a row is an image one pixel high, which
            suits samplers that look at no neighbouring pixels.
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

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:  # noqa: N803
        """Fit on (X, y) and add synthetic examples, with imbalanced-learn's meaning of `sampling_strategy`.

        Samplers work on bytes. Values of another dtype are rounded to 256 levels for them, evenly spaced from the
        smallest to the largest value of X (floats in [0, 1] as in a PNG file), and synthetic values are such levels,
        rounded once more where X holds whole numbers. One range serves all pixels: columns in different units need a
        sampler of tables.

        Args:
            X: Finite numbers: images of shape (n, c, h, w) with 1 or 3 channels, grey ones of shape (n, h, w), or flat
                rows, also as a list, DataFrame or sparse matrix.
            y: Class labels, shape (n,), or one column per class that is 1 for images of the class.

        Returns:
            X and y in the same form and dtypes: the real rows first and untouched, then the synthetic ones.

        Raises:
            ValueError: if X and y are not as above, there is one class only, or X does not fit `image_shape`.
        """
        check_seed(self.random_state)
        return super().fit_resample(X, y)

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, np.ndarray, bool]:  # noqa: N802, N803
        y, one_column_per_class = check_target_type(y, indicate_one_vs_all=True)
        X, y = validate_data(self, X, y, accept_sparse=True, allow_nd=True)  # noqa: N806
        return X, y, one_column_per_class

    def _fit_resample(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:  # noqa: N803
        if issparse(X):
            dense, labels = self._fit_resample(X.toarray(), y)
            return type(X)(dense), labels
        names, codes = np.unique(y, return_inverse=True)
        levels = _levels(X)
        images = torch.tensor(_to_bytes(X, levels).reshape(len(X), *self._shape_of(X)))  # a copy: X may be read-only
        classes, ids = tuple(str(name) for name in names), tuple(str(row) for row in range(len(X)))
        self.fit(LabeledData(images, codes.astype(np.int64), classes, ids))
        xs, ys = [X], [y]
        for name, n in self.sampling_strategy_.items():
            if n:
                drawn = self.sample(str(name), n, self.random_state).x.numpy()
                xs.append(levels[drawn].reshape(n, *X.shape[1:]))
                ys.append(np.full(n, name, dtype=y.dtype))
        return np.concatenate(xs), np.concatenate(ys)

    def _shape_of(self, X: np.ndarray) -> tuple[int, ...]:  # noqa: N803
        """Return (c, h, w) of the images in X."""
        own = (1,) * (4 - X.ndim) + X.shape[1:]
        shape = own if self.image_shape is None else tuple(self.image_shape)
        fits = math.prod(shape) == math.prod(own) if X.ndim == 2 else shape == own
        if len(shape) != 3 or shape[0] not in (1, 3) or not fits:
            raise ValueError(
                f"X has shape {X.shape} and image_shape is {self.image_shape}; images have shape (n, c, h, w) with 1 "
                "or 3 channels, (n, h, w) if grey, or are flat rows of c * h * w numbers with image_shape=(c, h, w)."
            )
        return shape

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def check_seed(random_state: Any) -> None:
    """Raise ValueError unless it is a whole number of at least 0: what is drawn can be made again."""
    if not isinstance(random_state, int | np.integer) or random_state < 0:
        raise ValueError(f"random_state must be a whole number of at least 0, got {random_state!r}.")


def _levels(x: np.ndarray) -> np.ndarray:
    """Return the values of x's dtype that 0..255 stand for, ascending, shape (256,)."""
    if x.dtype == np.uint8:
        return np.arange(256, dtype=np.uint8)
    levels = np.linspace(float(x.min()), float(x.max()), 256)
    return (levels if x.dtype.kind == "f" else levels.round()).astype(x.dtype)


def _to_bytes(x: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the number of the level that is nearest to each value, uint8, same shape."""
    if x.dtype == np.uint8:
        return x
    low, high = float(levels[0]), float(levels[-1])
    return (255 * ((x.astype(np.float64) - low) / (high - low or 1))).round().astype(np.uint8)
