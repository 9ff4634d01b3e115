"""ModuleFeatures: any torch network as an extractor."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gensynth.kinds.image.features.extractor import Extractor, weights_hash

AT_ONCE = 32
"""Images in one pass: what bounds the memory of large networks."""


@final
class ModuleFeatures(Extractor):
    """Features from a network, which is copied, put into evaluation mode and never trained.

    Images are resized in float as Pillow's antialiased bicubic filter does, without rounding to 8 bits between: a
    filter without antialiasing moves FID by more than generators differ (Parmar et al. 2022, arXiv 2104.11222).

    Args:
        module: Maps images, float, shape (n, channels, h, w), to features (n, p), or to maps (n, p, h', w') of
            which the mean over places is taken.
        name: Its name in stamps.
        size: Side in pixels, or (height, width), that images are brought to; None to leave them as they are.
        mean: What is taken from each channel, for pixels in [0, 1]; one value, or one per channel.
        std: What each channel is divided by afterwards.
        channels: Channels that the module reads; grey images are repeated to fill them.
        domain: What the weights were learned on, for the stamp.
    """

    def __init__(
        self,
        module: nn.Module,
        name: str,
        size: int | tuple[int, int] | None = None,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        channels: int = 3,
        domain: str = "not stated",
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.module = copy.deepcopy(module).eval().requires_grad_(False).to(self.device)
        self.size = (size, size) if isinstance(size, int) else size
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)
        self.channels = channels
        resize = "none" if self.size is None else f"bicubic, antialiased, to {self.size[0]}x{self.size[1]} px, in float"
        self.stamp = {
            "name": name,
            "weights_sha256": weights_hash(self.module.state_dict()),
            "resize": f"{resize}; mean {tuple(mean)}, std {tuple(std)}",
            "domain": domain,
        }

    def _features(self, images: Tensor) -> np.ndarray:
        return np.concatenate([self._pass(part) for part in images.split(AT_ONCE)])

    def prepared(self, images: Tensor) -> Tensor:
        """Return what the network sees of images, uint8, shape (n, c, h, w): resized, normalised, on its device."""
        if images.shape[1] not in (1, self.channels):
            raise ValueError(
                f"extractor {self.stamp['name']!r} reads {self.channels} channels or grey images, got "
                f"{images.shape[1]} channels."
            )
        x = images.float() / 255
        if self.size is not None:
            x = F.interpolate(x, size=self.size, mode="bicubic", antialias=True, align_corners=False)
        x = (x.expand(-1, self.channels, -1, -1) - self.mean) / self.std
        return x.to(self.device).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def _pass(self, images: Tensor) -> np.ndarray:
        x = self.prepared(images)
        y = self.module(x)
        if isinstance(y, Tensor) and y.ndim == 4:
            y = y.mean((2, 3))
        if not isinstance(y, Tensor) or y.shape[:1] != x.shape[:1] or y.ndim != 2:
            got = f"a tensor of shape {tuple(y.shape)}" if isinstance(y, Tensor) else type(y).__name__
            raise ValueError(
                f"extractor {self.stamp['name']!r} must return a tensor of shape (n, p) or (n, p, h, w) for {len(x)} "
                f"images, it returned {got}; wrap the network so that it returns one layer."
            )
        return y.double().cpu().numpy()
