"""Native: an image at its own size, of which networks and checks see a smaller one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from gensynth.kinds.image.placement import Placement, place


@dataclass(frozen=True, eq=False)
class Native:
    """An image at its own size.

    Attributes:
        digest: `gensynth.kinds.image.pixels.digest_of` it; of a changed one, of its parent.
        own: Height and width, upright.
        path: Its file, or its parent's; None where there is none, as of arrays.
        fit: How it is brought to the size that networks see, one of `FITS`.
        white: As `gensynth.kinds.image.pixels.to_pixels` takes it.
        change: What makes it of its parent, uint8 (c, h, w) of `own` or of another size in its proportions, to the same
            shape; None of what lies in a file as it is.
    """

    digest: bytes
    own: tuple[int, int]
    path: Path | None = None
    fit: str = "pad"
    white: int | None = None
    change: Callable[[Tensor], Tensor] | None = None

    def place(self, size: tuple[int, int]) -> Placement:
        """Return where it lies in what networks see, (height, width)."""
        return place(self.own, size, self.fit)


Natives = tuple[Native | None, ...]


@dataclass(frozen=True)
class NativeFiles:
    """The files of n images as plain values, for what is saved and draws from them again.

    Whoever has read them finds them where they lay; that they still hold the same pixels is checked by their digests.
    """

    paths: tuple[str, ...]
    digests: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    fit: str
    white: int | None

    @staticmethod
    def of(natives: Sequence[Native | None] | None) -> NativeFiles | None:
        """Return the files of images; None if one has none of its own."""
        found = [n for n in natives or () if n is not None and n.path is not None and n.change is None]
        if not found or len(found) < len(natives or ()):
            return None
        return NativeFiles(
            tuple(str(native.path) for native in found),
            tuple(native.digest.hex() for native in found),
            tuple(native.own for native in found),
            found[0].fit,
            found[0].white,
        )

    def __getitem__(self, at: int) -> Native:
        """Return one of them."""
        digest, path = bytes.fromhex(self.digests[at]), Path(self.paths[at])
        return Native(digest, self.sizes[at], path, self.fit, self.white)
