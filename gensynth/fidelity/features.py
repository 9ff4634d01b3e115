"""Embedding: the built-in image features, fitted on the training images; nothing is downloaded.

A fixed-seed random convolution pyramid, pooled onto a coarse grid so that position is kept, beside
low-resolution pixels, then principal components. Random networks rank generators much as trained ones do
and favour no kind of image (arXiv 2208.09218).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
import torch.nn.functional as F
from threadpoolctl import threadpool_limits
from torch import Tensor

if TYPE_CHECKING:
    from gensynth.data.images import ImageFiles

SIDE = (16, 32)  # the longer side is brought into this range: 8 px images grow, photographs shrink
GRID, LOW_RES, POOLED = 4, 8, 16
CHANNELS = (16, 32)
WIDE, NARROW, COPY = 256, 64, 24
BATCH = 128


@final
@dataclass(frozen=True, eq=False)
class Embedding:
    """Features of images of one shape; build it with `Embedding.fit`.

    Class-balanced weights in the principal components were tried and left out: with classes cut to 20 of
    1,200 (digits) and of 1,900 images (MNIST) they moved neither the judge nor the nearest neighbours.

    Attributes:
        shape: Shape (c, h, w) of the images it was fitted on and accepts.
        filters: Random filters of the two convolutions.
        mean: Mean of the raw features, float64, shape (p,).
        components: From raw features to components of unit variance, float64, shape (p, at most 256).
        spread: Standard deviation of the leading components, float64, shape (d,), d <= 64, mean square 1.
        stamp: Name, resize, domain and hash of all the numbers: scores are comparable if stamps are equal.
    """

    shape: tuple[int, int, int]
    filters: tuple[Tensor, Tensor]
    mean: np.ndarray
    components: np.ndarray
    spread: np.ndarray
    stamp: dict[str, str]

    @staticmethod
    def fit(images: Tensor | ImageFiles, seed: int = 0) -> Embedding:
        """Fit the projection on training images.

        Args:
            images: uint8, shape (n, c, h, w), read in batches.
            seed: Seed of the random filters.

        Raises:
            ValueError: if there are not two different images to fit on.
        """
        c, h, w = (int(s) for s in images.shape[1:])
        generator = torch.Generator().manual_seed(seed)
        filters = (
            _random_filters((CHANNELS[0], c, 5, 5), generator),
            _random_filters((CHANNELS[1], 2 * CHANNELS[0], 3, 3), generator),
        )
        n, total, second = len(images), np.zeros(1), np.zeros((1, 1))
        for batch in batches(images):
            raw = _pyramid(batch, filters)
            total, second = total + raw.sum(0), second + raw.T @ raw
        mean = total / max(n, 1)
        covariance = second / max(n, 1) - np.outer(mean, mean)
        if n < 2 or np.trace(covariance) < 1e-12:
            raise ValueError(f"an embedding needs at least 2 different training images, got {n}; add images.")

        # The blocks (fine, coarse, pixels) weigh the same; within one, features keep their own variance:
        # standardising each would blow up the noise of borders that are empty in nearly all images.
        cells = GRID * GRID
        blocks = np.repeat(np.arange(3), [2 * CHANNELS[0] * cells, CHANNELS[1] * cells, c * LOW_RES**2])
        variance = np.bincount(blocks, np.maximum(covariance.diagonal(), 0))
        scale = 1 / np.sqrt(np.where(variance > 1e-12, variance, 1.0))[blocks]
        with threadpool_limits(1, "blas"):  # several threads gain little here and lose much on a busy machine
            values, vectors = np.linalg.eigh(covariance * np.outer(scale, scale))
        keep = np.flatnonzero(values > 1e-8 * values[-1])[::-1][: min(WIDE, max(2, n // 2))]
        values, vectors = values[keep], vectors[:, keep]
        # An eigenvector's sign is arbitrary: its largest entry is made positive.
        vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(len(keep))])
        # With fewer images than this the last components would describe single training images.
        d = min(NARROW, max(2, n // 4), len(keep))
        components = scale[:, None] * vectors / np.sqrt(values)
        spread = np.sqrt(values[:d] / values[:d].mean())

        digest = hashlib.sha256()
        for part in (filters[0].numpy(), filters[1].numpy(), mean, components, spread):
            digest.update(part.tobytes())
        stamp = {
            "name": "random-conv-pyramid-v1",
            "hash": digest.hexdigest(),
            "resize": f"bilinear, antialiased, longer side within {SIDE[0]}..{SIDE[1]} px",
            "domain": f"fitted on {n} training images of shape {c}x{h}x{w}",
        }
        return Embedding((c, h, w), filters, mean, components, spread, stamp)

    def wide(self, images: Tensor | ImageFiles) -> np.ndarray:
        """Return components of unit variance, float64, shape (n, at most 256): what the judge reads.

        Args:
            images: uint8, shape (n, c, h, w) with the (c, h, w) it was fitted on.

        Raises:
            TypeError: if the images are not uint8.
            ValueError: if their shape differs from the training images'.
        """
        if len(images.shape) != 4 or tuple(images.shape[1:]) != self.shape:
            raise ValueError(
                f"images must have the shape (n, c, h, w) with (c, h, w) = {self.shape} like the training "
                f"images, got {tuple(images.shape)}; resize them first."
            )
        parts = [(_pyramid(batch, self.filters) - self.mean) @ self.components for batch in batches(images)]
        return np.concatenate(parts) if parts else np.zeros((0, self.components.shape[1]))

    def narrow(self, wide: np.ndarray) -> np.ndarray:
        """Return the features in which distances are measured, float64, shape (n, d), from `wide`."""
        return wide[:, : len(self.spread)] * self.spread

    def __call__(self, images: Tensor | ImageFiles) -> np.ndarray:
        """Return features, float64, shape (n, d), d <= 64, of mean square about 1; Raises as `wide`."""
        return self.narrow(self.wide(images))


@final
@dataclass(frozen=True, eq=False)
class CopySpace:
    """Leading components of pooled pixels, in which a copy under noise stays beside its original.

    Pooling to at most 16 x 16 and keeping 24 components drops most of what pixel noise adds, which the
    features above partly take for texture; distances between different images lose little.

    Attributes:
        mean: float64, shape (p,).
        components: Orthonormal columns, float64, shape (p, at most 24).
    """

    mean: np.ndarray
    components: np.ndarray

    @staticmethod
    def fit(images: Tensor | ImageFiles) -> CopySpace:
        """Fit on training images, uint8, shape (n, c, h, w)."""
        n, total, second = len(images), np.zeros(1), np.zeros((1, 1))
        for batch in batches(images):
            raw = _pooled(batch)
            total, second = total + raw.sum(0), second + raw.T @ raw
        mean = total / n
        vectors = np.linalg.eigh(second / n - np.outer(mean, mean))[1]
        return CopySpace(mean, vectors[:, ::-1][:, :COPY])

    def __call__(self, images: Tensor | ImageFiles) -> np.ndarray:
        """Return coordinates, float64, shape (n, at most 24), of uint8 images (n, c, h, w)."""
        parts = [(_pooled(batch) - self.mean) @ self.components for batch in batches(images)]
        return np.concatenate(parts) if parts else np.zeros((0, self.components.shape[1]))


def _pooled(images: Tensor) -> np.ndarray:
    h, w = images.shape[2:]
    pooled = F.adaptive_avg_pool2d(images.float() / 255, (min(h, POOLED), min(w, POOLED)))
    return pooled.flatten(1).double().numpy()


def _random_filters(shape: tuple[int, int, int, int], generator: torch.Generator) -> Tensor:
    """Filters (out, in, k, k) of unit norm and zero mean, so that a flat patch gives no response."""
    w = torch.randn(shape, generator=generator)
    w = w - w.mean((2, 3), keepdim=True)
    return w / w.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def batches(images: Tensor | ImageFiles) -> Iterator[Tensor]:
    """Yield the images, uint8, in order, at most BATCH at a time; TypeError if they are not uint8."""
    for start in range(0, len(images), BATCH):
        batch = images[torch.arange(start, min(start + BATCH, len(images)))]
        if batch.dtype != torch.uint8:
            raise TypeError(f"images must be uint8 with values 0..255, got {batch.dtype}; convert them first.")
        yield batch


def _pyramid(images: Tensor, filters: tuple[Tensor, Tensor]) -> np.ndarray:
    """Raw features, float64, shape (n, p), of uint8 images (n, c, h, w)."""
    x = images.float() / 255
    h, w = x.shape[2:]
    side = min(max(h, w, SIDE[0]), SIDE[1])
    if side != max(h, w):
        size = [max(GRID, round(s * side / max(h, w))) for s in (h, w)]
        x = F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)
    fine = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), filters[0])
    fine = torch.cat([fine.relu(), (-fine).relu()], dim=1)
    coarse = F.conv2d(F.avg_pool2d(fine, 2), filters[1], padding=1).relu()
    parts = [F.adaptive_avg_pool2d(fine, GRID), F.adaptive_avg_pool2d(coarse, GRID)]
    parts.append(F.adaptive_avg_pool2d(x, LOW_RES))
    return torch.cat([p.flatten(1) for p in parts], dim=1).double().numpy()
