"""KeptImages: draws from the real images that it was fitted to, and keeps them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.samplers.base import ImageSampler
from gensynth.sampler.catalog import Catalog
from gensynth.sampler.kept import KeptSampler


class KeptImages(ImageSampler, KeptSampler):
    """Draws from real images, which stand in its file, too, as pixels."""

    kind: ClassVar[str] = "image"

    @staticmethod
    def packed(x: Pixels) -> np.ndarray:
        """As `KeptSampler.packed`, uint8, shape (n, c, h, w)."""
        return x[:].numpy()

    @staticmethod
    def unpacked(array: np.ndarray) -> Pixels:
        """As `KeptSampler.unpacked`."""
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[1] not in (1, 3):
            raise ValueError("it holds no images")
        return Pixels(torch.from_numpy(array))


CATALOG = Catalog("gensynth.kinds.image.samplers", KeptImages, "image")
"""The samplers that keep real images, by name."""
