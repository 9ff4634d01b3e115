"""Warp: images that are moved and toned by fields on a few control points, at any size.

Velocities are integrated as in Arsigny et al. 2006, "A Log-Euclidean Framework for Statistics on Diffeomorphisms".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from gensynth.kinds.image.placement import Placement

SQUARINGS = 5
"""The velocity is integrated in 2^5 steps."""
GENTLER = 0.8
"""Factor by which a velocity that folds is weakened, again and again."""
STRIP = 2**20
"""Pixels of a large image that are moved at once."""
FINE = 4
"""Points for each pixel that networks see, down and across, at which `NativeDeformation` computes what moves."""


def positions(height: int, width: int, device: torch.device) -> Tensor:
    """Return where the pixels lie, float32 (1, 2, h, w), across then down, the corners at -1 and 1."""
    down, across = (torch.linspace(-1, 1, side, device=device) for side in (height, width))
    return torch.stack(torch.meshgrid(across, down, indexing="xy"))[None]


def flow(velocity: Tensor) -> Tensor:
    """Integrate velocities by scaling and squaring.

    Args:
        velocity: On the control points, shape (n, 2, rows, columns), in half sides of the image.

    Returns:
        Displacements on a grid that is twice as fine, shape (n, 2, 2 * rows, 2 * columns), in half sides.
    """
    _, _, rows, columns = velocity.shape
    finer = (2 * rows, 2 * columns)
    moved = F.interpolate(velocity, finer, mode="bicubic", align_corners=True) / 2**SQUARINGS
    home = positions(*finer, velocity.device)
    for _ in range(SQUARINGS):
        there = (home + moved).permute(0, 2, 3, 1)
        moved = moved + F.grid_sample(moved, there, padding_mode="border", align_corners=True)
    return moved


def displacement(velocity: Tensor, height: int, width: int) -> Tensor:
    """Return the displacements of `flow` of all pixels, shape (n, 2, height, width), in half sides."""
    return F.interpolate(flow(velocity), (height, width), mode="bicubic", align_corners=True)


def folds(u: Tensor) -> Tensor:
    """Return the share of pixels at which displacements (n, 2, h, w) turn the image over, float32, shape (n,).

    Four neighbouring pixels span a cell that is mapped bilinearly, so that its Jacobian determinant is smallest at one
    of its corners; a cell counts where that is not positive.
    """
    height, width = u.shape[2:]
    there = positions(height, width, u.device) + u
    across, down = there.diff(dim=3), there.diff(dim=2)
    corners = []
    for row in (0, 1):
        for column in (0, 1):
            a, d = across[:, :, row : height - 1 + row], down[..., column : width - 1 + column]
            corners.append(a[:, 0] * d[:, 1] - a[:, 1] * d[:, 0])
    return (torch.stack(corners).amin(0) <= 0).float().mean((1, 2))


def unfolded(fields: Tensor, height: int, width: int) -> Tensor:
    """Return fields (n, 2 + c, rows, columns) that fold no pixel: velocities that do are weakened, others unchanged."""
    velocity, tone = fields[:, :2], fields[:, 2:]
    while (folded := folds(displacement(velocity, height, width)) > 0).any():
        velocity = torch.where(folded[:, None, None, None], GENTLER * velocity, velocity)
    return torch.cat([velocity, tone], 1)


def deform(x: Tensor, fields: Tensor, mode: str = "bilinear") -> Tensor:
    """Move and tone images, in [-1, 1]: each pixel p is that at p + u(p), `toned`; outside is the mirror image."""
    height, width = x.shape[2:]
    u = displacement(fields[:, :2], height, width)
    there = (positions(height, width, x.device) + u).permute(0, 2, 3, 1)
    moved = F.grid_sample(x.float(), there, mode=mode, padding_mode="reflection", align_corners=True)
    return toned(moved, F.interpolate(fields[:, 2:], (height, width), mode="bicubic", align_corners=True))


def toned(x: Tensor, tone: Tensor) -> Tensor:
    """Return images, in [-1, 1], with the odds light / (1 - light) of each pixel times exp(tone).

    That keeps black, white and the order of all between, so that no background turns grey.
    """
    light = ((x + 1) / 2).clamp(0, 1)
    return 2 * light / (light + (1 - light) * (-tone.clamp(-3, 3)).exp()) - 1


@dataclass(frozen=True, eq=False)
class NativeDeformation:
    """What `deform` does to what networks see, done to the image at its own size.

    Attributes:
        fields: Velocity and tone on the control points, float32, shape (2 + c, rows, columns), on the CPU.
        canvas: Height and width of the canvas that they belong to.
        at: Where the image lies on it.
    """

    fields: Tensor
    canvas: tuple[int, int]
    at: Placement

    def __call__(self, x: Tensor) -> Tensor:
        """Change an image, uint8, shape (c, h, w), of `at.own` or of another size in its proportions."""
        channels, height, width = x.shape
        at = replace(self.at, own=(height, width))
        light = (x[None].float() / 127.5) - 1
        made = torch.empty_like(x)
        rows = max(1, STRIP // width)
        for start in range(0, height, rows):
            stop = min(start + rows, height)
            # What moves is smooth: it is computed on a lattice, and between its points it is taken for linear.
            lattice = _lattice(start, stop, at.scale[0]), _lattice(0, width, at.scale[1])
            there, tone = (
                F.interpolate(each, (stop - start, width), mode="bilinear", align_corners=True)
                for each in self._changes(at, lattice, channels)
            )
            moved = F.grid_sample(
                light, there.permute(0, 2, 3, 1), mode="bicubic", padding_mode="reflection", align_corners=True
            )
            made[:, start:stop] = ((toned(moved, tone)[0] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return made

    def _changes(self, at: Placement, lattice: tuple[Tensor, Tensor], channels: int) -> tuple[Tensor, Tensor]:
        """Return what becomes of points of the image, of rows and columns in pixels.

        Returns:
            From where they come, float32 (1, 2, rows, columns), across then down, the image's corners at -1 and 1, and
            their tone, (1, 1 or channels, rows, columns).
        """
        tones = self.fields[None, 2:]
        tones = tones if tones.shape[1] in (1, channels) else tones.mean(1, keepdim=True)
        # Where they lie on the canvas, whose corners are at -1 and 1, too.
        seen = [
            2 * ((points + 0.5) * scale + corner - 0.5) / (side - 1) - 1
            for points, scale, corner, side in zip(lattice, at.scale, at.corner, self.canvas, strict=True)
        ]
        where = torch.stack(torch.meshgrid(seen[1], seen[0], indexing="xy"), -1)[None]
        u, tone = (
            F.grid_sample(each, where, mode="bicubic", padding_mode="border", align_corners=True)
            for each in (flow(self.fields[None, :2]), tones)
        )
        # From half sides of the canvas to half sides of the image.
        sides = zip(self.canvas[::-1], at.scale[::-1], at.own[::-1], strict=True)
        ratio = torch.tensor([(side - 1) / scale / max(1, own - 1) for side, scale, own in sides])
        down, across = (2 * points / max(1, own - 1) - 1 for points, own in zip(lattice, at.own, strict=True))
        home = torch.stack(torch.meshgrid(across, down, indexing="xy"))[None]
        return home + u * ratio.view(1, 2, 1, 1), tone


def _lattice(start: int, stop: int, scale: float) -> Tensor:
    """Return points from the first of some pixels to the last, some for each pixel that networks see, float32."""
    n = min(stop - start, math.ceil((stop - start - 1) * scale * FINE) + 1)
    return torch.linspace(start, stop - 1, n)
