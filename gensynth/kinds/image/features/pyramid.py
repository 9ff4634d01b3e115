"""Pyramid: the built-in extractor, a random convolution pyramid; nothing is downloaded or learned.

Fixed-seed random filters at two scales, pooled onto a coarse grid so that position is kept, beside low-resolution
pixels. Random networks rank generators much as trained ones do and favour no kind of image (arXiv 2208.09218).
"""

from __future__ import annotations

from typing import final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gensynth.kinds.image.features.extractor import Extractor, weights_hash

SIDE = (16, 32)  # the longer side is brought into this range: 8 px images grow, photographs shrink
GRID, LOW_RES = 4, 8
CHANNELS = (16, 32)


@final
class Pyramid(Extractor):
    """Random filters in three blocks of equal weight: fine, coarse and pixels.

    Args:
        channels: Channels of the images, at least 1.
        seed: Seed of the filters.
    """

    def __init__(self, channels: int, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.filters = (
            _random_filters((CHANNELS[0], channels, 5, 5), generator),
            _random_filters((CHANNELS[1], 2 * CHANNELS[0], 3, 3), generator),
        )
        cells = GRID * GRID
        self.blocks = (2 * CHANNELS[0] * cells, CHANNELS[1] * cells, channels * LOW_RES**2)
        self.stamp = {
            "name": "random-conv-pyramid-v1",
            "weights_sha256": weights_hash({"fine": self.filters[0], "coarse": self.filters[1]}),
            "resize": f"bilinear, antialiased, longer side within {SIDE[0]}..{SIDE[1]} px",
            "domain": "none: random filters",
        }

    def _features(self, images: Tensor) -> np.ndarray:
        x = images.float() / 255
        h, w = x.shape[2:]
        side = min(max(h, w, SIDE[0]), SIDE[1])
        if side != max(h, w):
            size = [max(GRID, round(s * side / max(h, w))) for s in (h, w)]
            x = F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)
        fine = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), self.filters[0])
        fine = torch.cat([fine.relu(), (-fine).relu()], dim=1)
        coarse = F.conv2d(F.avg_pool2d(fine, 2), self.filters[1], padding=1).relu()
        parts = [F.adaptive_avg_pool2d(fine, GRID), F.adaptive_avg_pool2d(coarse, GRID)]
        parts.append(F.adaptive_avg_pool2d(x, LOW_RES))
        return torch.cat([p.flatten(1) for p in parts], dim=1).double().numpy()


def _random_filters(shape: tuple[int, int, int, int], generator: torch.Generator) -> Tensor:
    """Filters (out, in, k, k) of unit norm and zero mean, so that a flat patch gives no response."""
    w = torch.randn(shape, generator=generator)
    w = w - w.mean((2, 3), keepdim=True)
    return w / w.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
