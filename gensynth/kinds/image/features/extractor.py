"""Extractor: from images to raw features. Scores are comparable only where its stamp is the same."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from gensynth.kinds.image.images import Images

BATCH = 128


class Extractor(ABC):
    """Turns images into rows of numbers; write `_features` and set `stamp` to make one.

    Attributes:
        stamp: What the features depend on besides the image: `name`, `weights_sha256`, `resize` (how images are
            brought to the size the network sees) and `domain` (what the weights were learned on).
        blocks: Widths of consecutive groups of features, each of which gets the same weight in an `Embedding`;
            empty for one group.
    """

    stamp: dict[str, str]
    blocks: tuple[int, ...] = ()

    def __call__(self, images: Tensor | Images) -> np.ndarray:
        """Return raw features, float64, shape (n, p).

        Args:
            images: uint8, shape (n, c, h, w), n >= 1, read in batches.

        Raises:
            TypeError: if the images are not uint8.
            ValueError: if there are none, or they are not of shape (n, c, h, w).
        """
        if len(images.shape) != 4 or not len(images):
            raise ValueError(
                f"extractor {self.stamp['name']!r} needs at least one image, shape (n, c, h, w); got shape "
                f"{tuple(images.shape)}."
            )
        return np.concatenate([self._features(batch) for batch in batches(images)])

    @abstractmethod
    def _features(self, images: Tensor) -> np.ndarray:
        """Return features, float64, shape (n, p), of at most `BATCH` images, uint8, shape (n, c, h, w)."""


def batches(images: Tensor | Images) -> Iterator[Tensor]:
    """Yield the images, uint8, in order, at most BATCH at a time; TypeError if they are not uint8."""
    for start in range(0, len(images), BATCH):
        batch = images[torch.arange(start, min(start + BATCH, len(images)))]
        if batch.dtype != torch.uint8:
            raise TypeError(f"images must be uint8 with values 0..255, got {batch.dtype}; convert them first.")
        yield batch


class Moments:
    """Mean and covariance of rows that come in batches."""

    def __init__(self) -> None:
        self.n = 0
        self._sum, self._products = np.zeros(1), np.zeros((1, 1))

    def add(self, rows: np.ndarray) -> None:
        """Take in rows, float64, shape (b, p)."""
        self.n += len(rows)
        self._sum, self._products = self._sum + rows.sum(0), self._products + rows.T @ rows

    @property
    def mean(self) -> np.ndarray:
        """Shape (p,)."""
        return self._sum / max(self.n, 1)

    @property
    def covariance(self) -> np.ndarray:
        """Shape (p, p)."""
        return self._products / max(self.n, 1) - np.outer(self.mean, self.mean)


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over names, types, shapes and values of weights, whatever their order."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        value = value.detach().cpu().contiguous()
        digest.update(repr((name, str(value.dtype), tuple(value.shape))).encode())
        digest.update(value.flatten().view(torch.uint8).numpy().tobytes())  # bytes, so that bfloat16 works too
    return digest.hexdigest()
