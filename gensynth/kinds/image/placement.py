"""Where an image lies among the pixels that networks see: its proportions are kept, and nothing is blown up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FITS = PAD, CROP, STRETCH = ("pad", "crop", "stretch")
"""How images of other proportions are brought to one shape."""


@dataclass(frozen=True)
class Placement:
    """Where an image lies among the pixels that networks see.

    Attributes:
        own: Height and width of the image in its file.
        size: Height and width of what networks see.
        scaled: Height and width of the image there.
        corner: Row and column of its first pixel there; negative where it is cropped.
    """

    own: tuple[int, int]
    size: tuple[int, int]
    scaled: tuple[int, int]
    corner: tuple[int, int]

    @property
    def scale(self) -> tuple[float, float]:
        """Height and width there over those in the file."""
        return self.scaled[0] / self.own[0], self.scaled[1] / self.own[1]

    @property
    def crops(self) -> bool:
        """Whether a part of the image is not seen."""
        return self.scaled[0] > self.size[0] or self.scaled[1] > self.size[1]

    @property
    def pads(self) -> bool:
        """Whether something beside the image is seen."""
        return self.scaled[0] < self.size[0] or self.scaled[1] < self.size[1]

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns of `size` that show the image."""
        rows, columns = (
            slice(max(0, first), min(side, first + n))
            for first, side, n in zip(self.corner, self.size, self.scaled, strict=True)
        )
        return rows, columns

    def filled(self, x: np.ndarray) -> np.ndarray:
        """Bring an image, shape (c, *scaled), or what `inside` shows of it, to (c, *size).

        What lies beside it becomes its mirror image: it has the colours and textures of the image itself, so that no
        network, feature or check can tell by the margin what it is, and what a deformation moves in looks as it should.
        """
        for axis, (first, side) in enumerate(zip(self.corner, self.size, strict=True), 1):
            if x.shape[axis] > side:
                x = np.take(x, range(-first, side - first), axis)
        margins = [
            (max(0, f), side - n - max(0, f)) for f, side, n in zip(self.corner, self.size, x.shape[1:], strict=True)
        ]
        return np.pad(x, [(0, 0), *margins], mode="symmetric") if any(map(any, margins)) else x


def place(own: tuple[int, int], size: tuple[int, int], fit: str = PAD, most: float = 1.0) -> Placement:
    """Return where an image of height and width `own` lies in `size`.

    Args:
        own: Height and width in the file.
        size: Height and width of what networks see.
        fit: `"pad"`: all of it is seen, in its proportions, in the middle, scaled down where it is too large. `"crop"`:
            its middle is seen, as large as fills `size`. `"stretch"`: it fills `size`, enlarged where that takes it.
        most: The largest scale of the others.
    """
    if fit == STRETCH:
        return Placement(own, size, size, (0, 0))
    ratios = [side / n for side, n in zip(size, own, strict=True)]
    scale = min(most, min(ratios) if fit == PAD else max(ratios))
    h, w = (max(1, round(n * scale)) for n in own)
    return Placement(own, size, (h, w), ((size[0] - h) // 2, (size[1] - w) // 2))
