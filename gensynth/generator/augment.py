"""Differentiable augmentation: what keeps a discriminator from learning a few hundred images by heart.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training": the same random family is
applied to real and generated images in both updates, and gradients flow through it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

AUGMENTATIONS = ("color", "translation", "cutout")
"""In the order of the paper's policy: colour first, so that the hole of cutout stays mid grey."""


def differentiable_augmentation(x: Tensor, names: Sequence[str], rng: torch.Generator) -> Tensor:
    """Apply the named augmentations with fresh random numbers for every image.

    Args:
        x: Images in [-1, 1], shape (b, c, h, w).
        names: Some of `AUGMENTATIONS`, applied in the order given.
        rng: Random stream on the device of `x`.

    Returns:
        Augmented images, shape (b, c, h, w).
    """
    steps = {"color": _color, "translation": _translation, "cutout": _cutout}
    for name in names:
        x = steps[name](x, rng)
    return x


def _translation(x: Tensor, rng: torch.Generator) -> Tensor:
    """Shift by up to 1/8 of the side; the edge is repeated, whatever the background is."""
    b, c, h, w = x.shape
    reach_y, reach_x = max(h // 8, 1), max(w // 8, 1)
    shift_y = torch.randint(-reach_y, reach_y + 1, (b, 1), device=x.device, generator=rng)
    shift_x = torch.randint(-reach_x, reach_x + 1, (b, 1), device=x.device, generator=rng)
    rows = torch.arange(h, device=x.device) + shift_y
    cols = torch.arange(w, device=x.device) + shift_x
    at = torch.arange(b, device=x.device)[:, None, None]
    moved = x.permute(0, 2, 3, 1)[at, rows.clamp(0, h - 1)[:, :, None], cols.clamp(0, w - 1)[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def _cutout(x: Tensor, rng: torch.Generator) -> Tensor:
    """Set a rectangle of half the height and width, anywhere and possibly cut by the border, to mid grey."""
    b, _, h, w = x.shape
    top = torch.randint(0, h + 1, (b, 1), device=x.device, generator=rng) - h // 4
    left = torch.randint(0, w + 1, (b, 1), device=x.device, generator=rng) - w // 4
    rows, cols = torch.arange(h, device=x.device), torch.arange(w, device=x.device)
    hole = ((rows >= top) & (rows < top + h // 2))[:, None, :, None]
    hole = hole & ((cols >= left) & (cols < left + w // 2))[:, None, None, :]
    return x.masked_fill(hole, 0.0)


def _color(x: Tensor, rng: torch.Generator) -> Tensor:
    """Brightness and contrast, and saturation for colour images, each drawn per image."""
    draws = torch.rand((3, len(x), 1, 1, 1), device=x.device, generator=rng)
    x = x + (draws[0] - 0.5)
    if x.shape[1] == 3:
        grey = x.mean(1, keepdim=True)
        x = grey + (x - grey) * (draws[1] * 2)
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (x - mean) * (draws[2] + 0.5)


def small_affine(x: Tensor, move: Tensor, size: float) -> Tensor:
    """Shift, turn and scale images a little; the edge is repeated.

    Args:
        x: Images, float32, shape (b, c, h, w).
        move: In [-1, 1], shape (b, 4): shift across and down, turn, scale, each as a share of the largest.
        size: Largest shift (share of the side), turn (share of a quarter turn) and relative change of scale; 0: none.
    """
    if not size:
        return x
    across, down, turn, scale = (move.float() * size).unbind(1)
    angle, zoom = turn * math.pi / 2, 1 + scale
    _, _, h, w = x.shape
    rows = (
        torch.stack([zoom * angle.cos(), -zoom * angle.sin() * h / w, 2 * across], 1),
        torch.stack([zoom * angle.sin() * w / h, zoom * angle.cos(), 2 * down], 1),
    )
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
