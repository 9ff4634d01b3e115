"""ImageSampler: what makes a sampler of images one of imbalanced-learn's, on arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.images import Pixels
from gensynth.sampler.base import Sampler, check_seed


class ImageSampler(Sampler, BaseOverSampler):
    """Draws images, alone or as an imbalanced-learn sampler.

    A concrete sampler repeats the constructor if it adds arguments, and stores them unchanged, as scikit-learn asks.

    Args:
        sampling_strategy: Which classes `fit_resample` fills, and how far, as in imbalanced-learn.
        random_state: Seed of `fit_resample`, a whole number of at least 0.
        image_shape: (c, h, w) of images that come as flat rows. Without it a row is an image one pixel high, which
            suits samplers that look at no neighbouring pixels.
    """

    def __init__(
        self,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
        image_shape: tuple[int, int, int] | None = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state
        self.image_shape = image_shape

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
        self.fit(LabeledData(Pixels(images), codes.astype(np.int64), classes, ids))
        xs, ys = [X], [y]
        for name, n in self.sampling_strategy_.items():
            if n:
                drawn = self.sample(str(name), n, self.random_state).x[:].numpy()
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
