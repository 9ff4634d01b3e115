"""Mixing: an image and the one before it in its batch become one, which has a share of either label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

MIXUP = 0.2
"""Both parameters of the beta distribution of the shares that mixup draws."""


@final
@dataclass(frozen=True)
class Mixing:
    """A way to mix.

    Attributes:
        draw: Draws what `mix` needs for images of shape (...) from a stream, shape (..., k).
        mix: Maps images (..., b, c, h, w), and what was drawn for them, (..., b, k), to mixed ones of that shape, and
            to the share of each label that is the image's own, (..., b); the rest is that of the one before it.
    """

    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
    mix: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def mixup(x: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
    """Blend two images. Zhang et al. 2018, "mixup: Beyond empirical risk minimization".

    Args:
        x: As `Mixing.mix`.
        drawn: The share of each image, shape (..., b, 1).
    """
    own = drawn[..., None, None]
    return own * x + (1 - own) * x.roll(1, -4), drawn[..., 0]


def cutmix(x: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
    """Paste a box of one image into another; labels are shared by area. Yun et al. 2019, "CutMix".

    The box has the image's proportions, and its middle lies anywhere, so that the border may cut it. It is drawn in
    shares of the sides, the same at any size; a pixel belongs to it if its middle does.

    Args:
        x: As `Mixing.mix`.
        drawn: Area of the box, and its middle across and down, in [0, 1], shape (..., b, 3).
    """
    area, across, down = drawn[..., None].unbind(-2)
    columns, rows = (
        (((torch.arange(n, device=x.device) + 0.5) / n - middle).abs() < area.sqrt() / 2)
        for n, middle in ((x.shape[-1], across), (x.shape[-2], down))
    )
    box = rows[..., :, None] & columns[..., None, :]
    return torch.where(box[..., None, :, :], x.roll(1, -4), x), 1 - box.float().mean((-2, -1))


BLENDED = Mixing(lambda rng, shape: rng.beta(MIXUP, MIXUP, (*shape, 1)), mixup)
PASTED = Mixing(lambda rng, shape: rng.random((*shape, 3)), cutmix)
"""An area of equal chance everywhere is the paper's Beta(1, 1)."""
