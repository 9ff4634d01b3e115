"""Embedding: the features in which images are judged, an extractor's raw ones turned into principal components.

Everything is fitted on the training images. The extractor is the built-in `Pyramid` unless another one is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from threadpoolctl import threadpool_limits
from torch import Tensor

from gensynth.kinds.image.features.extractor import Extractor, Moments, batches
from gensynth.kinds.image.features.pyramid import Pyramid

if TYPE_CHECKING:
    from gensynth.kinds.image.images import Images

WIDE, NARROW = 256, 64


@final
@dataclass(frozen=True, eq=False)
class Embedding:
    """Features of images of one shape; build it with `Embedding.fit`.

    Class-balanced weights in the principal components were tried and left out: with classes cut to 20 of
    1,200 (digits) and of 1,900 images (MNIST) they moved neither the judge nor the nearest neighbours.

    Attributes:
        shape: Shape (c, h, w) of the images it was fitted on and accepts.
        extractor: Where the p raw features come from.
        mean: Mean of the raw features, float64, shape (p,).
        components: From raw features to components of unit variance, float64, shape (p, at most 256).
        spread: Standard deviation of the leading components, float64, shape (d,), d <= 64, mean square 1.
        stamp: The extractor's stamp, the training images' hash and number: see `check_comparable`.
    """

    shape: tuple[int, int, int]
    extractor: Extractor
    mean: np.ndarray
    components: np.ndarray
    spread: np.ndarray
    stamp: dict[str, str]

    @staticmethod
    def fit(
        images: Tensor | Images,
        seed: int = 0,
        extractor: Extractor | None = None,
        also: Callable[[Tensor], None] = lambda batch: None,
    ) -> Embedding:
        """Fit the projection on training images.

        Args:
            images: uint8, shape (n, c, h, w), read in batches.
            seed: Seed of the built-in extractor's random filters.
            extractor: Where the raw features come from; None for the built-in `Pyramid`.
            also: Called with every batch of images: what else is to be learnt from one reading of the files.

        Raises:
            ValueError: if there are not two different images to fit on.
        """
        c, h, w = (int(s) for s in images.shape[1:])
        extractor = extractor or Pyramid(c, seed)
        n, moments, digest = len(images), Moments(), hashlib.sha256()
        for batch in batches(images):
            moments.add(extractor(batch))
            digest.update(batch.numpy().tobytes())
            also(batch)
        mean, covariance = moments.mean, moments.covariance
        if n < 2 or np.trace(covariance) < 1e-12:
            raise ValueError(f"an embedding needs at least 2 different training images, got {n}; add images.")

        scale = _scale(covariance.diagonal(), extractor.blocks)
        with threadpool_limits(1, "blas"):  # several threads gain little here and lose much on a busy machine
            values, vectors = np.linalg.eigh(covariance * np.outer(scale, scale))
        values, vectors = _leading(values[::-1], vectors[:, ::-1], n)
        # An eigenvector's sign is arbitrary: its largest entry is made positive.
        vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(len(values))])
        # With fewer images than this the last components would describe single training images.
        d = min(NARROW, max(2, n // 4), len(values))
        components = scale[:, None] * vectors / np.sqrt(values)
        spread = np.sqrt(values[:d] / values[:d].mean())
        # The hash is of what goes in: the components differ in their last digits from machine to machine.
        fitted = {"hash": digest.hexdigest(), "fitted_on": f"{n} training images of shape {c}x{h}x{w}"}
        return Embedding((c, h, w), extractor, mean, components, spread, extractor.stamp | fitted)

    def refitted(self, raw: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """Return what `wide` would be for all rows had it been fitted on some only: for the others it is then unbiased.

        Args:
            raw: The extractor's features of the training images, float64, shape (n, p).
            kept: Which rows are fitted on, at least 2 of them different, bool, shape (n,).
        """
        x = raw[kept]
        mean, scale = x.mean(axis=0), _scale(x.var(axis=0), self.extractor.blocks)
        centred = (x - mean) * scale / np.sqrt(len(x))
        with threadpool_limits(1, "blas"):
            # Of the two products with these eigenvalues, the smaller one: three times faster than decomposing x itself.
            few = len(x) < x.shape[1]
            values, vectors = np.linalg.eigh(centred @ centred.T if few else centred.T @ centred)
            values, vectors = _leading(values[::-1], vectors[:, ::-1], len(x))
            if few:
                vectors = centred.T @ vectors / np.sqrt(values)
            return (raw - mean) @ (scale[:, None] * vectors / np.sqrt(values))

    def raw(self, images: Tensor | Images) -> np.ndarray:
        """Return the extractor's features, float64, shape (n, p).

        Args:
            images: uint8, shape (n, c, h, w), n >= 1, with the (c, h, w) it was fitted on.

        Raises:
            TypeError: if the images are not uint8.
            ValueError: if their shape differs from the training images'.
        """
        if len(images.shape) != 4 or tuple(images.shape[1:]) != self.shape:
            raise ValueError(
                f"images must have the shape (n, c, h, w) with (c, h, w) = {self.shape} like the training "
                f"images, got {tuple(images.shape)}; resize them first."
            )
        return self.extractor(images)

    def wide(self, images: Tensor | Images) -> np.ndarray:
        """Return components of unit variance, float64, shape (n, at most 256): what the judge reads; Raises as `raw`.

        Args:
            images: uint8, shape (n, c, h, w), read in batches, n may be 0.
        """
        parts = [self.wide_of(self.raw(batch)) for batch in batches(images)]
        return np.concatenate([np.zeros((0, self.components.shape[1])), *parts])

    def wide_of(self, raw: np.ndarray) -> np.ndarray:
        """Return what `wide` does, from the extractor's features, float64, shape (n, p)."""
        return (raw - self.mean) @ self.components

    def narrow(self, wide: np.ndarray) -> np.ndarray:
        """Return the features in which distances are measured, float64, shape (n, d), from `wide`."""
        return wide[:, : len(self.spread)] * self.spread

    def __call__(self, images: Tensor | Images) -> np.ndarray:
        """Return features, float64, shape (n, d), d <= 64, of mean square about 1; Raises as `raw`."""
        return self.narrow(self.wide(images))


def _scale(variance: np.ndarray, widths: tuple[int, ...]) -> np.ndarray:
    """Factors that make groups of features weigh the same, from the variance of each feature, shape (p,).

    Within a group features keep their own variance: standardising each would blow up the noise of borders that are
    empty in nearly all images.
    """
    widths = widths or (len(variance),)
    groups = np.repeat(np.arange(len(widths)), widths)
    of_group = np.bincount(groups, np.maximum(variance, 0))
    return 1 / np.sqrt(np.where(of_group > 1e-12, of_group, 1.0))[groups]


def _leading(values: np.ndarray, vectors: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading eigenvalues and vectors, largest first, of those that n images can tell from nothing."""
    keep = np.flatnonzero(values > 1e-8 * values[0])[: min(WIDE, max(2, n // 2))]
    return values[keep], vectors[:, keep]
