"""Finer: images as a network sees them that looks closer than checks and generators do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gensynth.data.each import for_each
from gensynth.kinds.image.decode import decode_image
from gensynth.kinds.image.images import Images
from gensynth.kinds.image.native import Native
from gensynth.kinds.image.placement import STRETCH, Placement, place

CHANGED_AT = 2
"""A change is carried out at so many times the size that is asked for, as far as the parent has it, so that what its
interpolation blurs is not seen, as it is not where the image's file is scaled down."""


@final
@dataclass(frozen=True, eq=False)
class Finer:
    """Images at another size, decoded from their files, and from their parents' where they are changed.

    Each lies where it lies at the size that checks see. An image without a file, and one whose parent is gone, is
    enlarged.

    Attributes:
        images: The images.
        size: Height and width; None to leave them as they are.
    """

    images: Images
    size: tuple[int, int] | None

    def __getitem__(self, at: Tensor) -> Tensor:
        """Return images, uint8, shape (len(at), c, *size), as many times as they are named; each is read once."""
        rows, back = np.unique(at.numpy(), return_inverse=True)
        if self.size in (None, self.images.layout[1:]) or not len(rows):
            return self.images[at]
        natives = [self.images.native(row) for row in rows.tolist()]
        from_files = [i for i, native in enumerate(natives) if native and native.path and native.path.is_file()]
        x = torch.empty((len(rows), self.images.layout[0], *self.size), dtype=torch.uint8)
        others = np.setdiff1d(np.arange(len(rows)), from_files)
        if len(others):
            x[others] = _scaled(self.images[torch.from_numpy(rows[others])], self.size)

        def read(i: int) -> None:
            native = natives[from_files[i]]
            assert native is not None
            x[from_files[i]] = torch.from_numpy(self._read(native))

        paths = [str(natives[i].path) for i in from_files]  # type: ignore[union-attr]  # as found above
        for_each(read, Path(), paths, "image")
        return x[torch.from_numpy(back)]

    def _read(self, native: Native) -> np.ndarray:
        """Return an image of a file, uint8, shape (c, *size)."""
        assert self.size is not None and native.path is not None
        c, h, w = self.images.layout
        most = max(self.size[0] / h, self.size[1] / w)
        at = place(native.own, self.size, native.fit, most)
        settings = (c, native.white, STRETCH)
        if native.change is None:
            return at.filled(decode_image(native.path, at.scaled, *settings).pixels)
        large = decode_image(native.path, _up_to(native.own, at), *settings).pixels
        changed = native.change(torch.from_numpy(np.ascontiguousarray(large)))
        return at.filled(_scaled(changed[None], at.scaled)[0].numpy())


def _up_to(own: tuple[int, int], at: Placement) -> tuple[int, int]:
    """Return height and width at which a change is carried out."""
    return min(own[0], CHANGED_AT * at.scaled[0]), min(own[1], CHANGED_AT * at.scaled[1])


def _scaled(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return images, uint8, shape (n, c, h, w), at another height and width."""
    found = F.interpolate(x.float(), size=size, mode="bicubic", antialias=True, align_corners=False)
    return found.round().clamp(0, 255).to(torch.uint8)
