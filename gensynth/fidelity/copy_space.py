"""CopySpace: coordinates in which a copy under noise stays beside its original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from gensynth.fidelity.extractor import batches

if TYPE_CHECKING:
    from gensynth.data.images import ImageFiles

POOLED, COPY = 16, 24


@final
@dataclass(frozen=True, eq=False)
class CopySpace:
    """Leading components of pooled pixels, in which a copy under noise stays beside its original.

    Pooling to at most 16 x 16 and keeping 24 components drops most of what pixel noise adds, which an
    `Embedding` partly takes for texture; distances between different images lose little.

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
