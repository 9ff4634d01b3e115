"""CopySpace: coordinates in which a copy under noise stays beside its original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from gensynth.kinds.image.features.extractor import Moments, batches

if TYPE_CHECKING:
    from gensynth.kinds.image.images import Images

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
    def fit(moments: Moments) -> CopySpace:
        """Fit to the moments of the `pooled` pixels of training images."""
        return CopySpace(moments.mean, np.linalg.eigh(moments.covariance)[1][:, ::-1][:, :COPY])

    def __call__(self, images: Tensor | Images) -> np.ndarray:
        """Return coordinates, float64, shape (n, at most 24), of uint8 images (n, c, h, w)."""
        parts = [(pooled(batch) - self.mean) @ self.components for batch in batches(images)]
        return np.concatenate(parts) if parts else np.zeros((0, self.components.shape[1]))


def pooled(images: Tensor) -> np.ndarray:
    """Return the pixels of uint8 images (n, c, h, w), averaged to at most 16 x 16, float64, shape (n, p)."""
    h, w = images.shape[2:]
    small = F.adaptive_avg_pool2d(images.float() / 255, (min(h, POOLED), min(w, POOLED)))
    return small.flatten(1).double().numpy()
