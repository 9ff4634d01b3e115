"""Images: uint8 pixels behind one interface, in memory or read on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor

from gensynth.data.each import for_each
from gensynth.data.examples import Examples
from gensynth.kinds.image.cache import NO_CACHE, Cache
from gensynth.kinds.image.native import Native, Natives
from gensynth.kinds.image.pixels import content_hash
from gensynth.kinds.image.placement import PAD


class Images(Examples):
    """Images, uint8, of one shape: as networks and checks see them.

    Attributes:
        shape: (n, c, h, w), c in {1, 3}.
        natives: Each image at its own size, length n, with None where it has no other; None if none has.
        white: The value that was white in the files, for others that are read beside them
            (`gensynth.kinds.image.pixels.find_white`); None where nothing told.
    """

    kind: ClassVar[str] = "image"
    noun: ClassVar[str] = "image"
    shape: torch.Size
    natives: Natives | None
    white: int | None

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def layout(self) -> tuple[int, int, int]:
        """Shape (c, h, w) of one image."""
        _, c, h, w = self.shape
        return c, h, w

    @property
    def sizes(self) -> np.ndarray:
        """Height and width of each image at its own size, int64, shape (n, 2)."""
        own = [self.layout[1:] if native is None else native.own for native in self.natives or (None,) * len(self)]
        return np.array(own, dtype=np.int64).reshape(-1, 2)

    @property
    def fit(self) -> str:
        """How images of other sizes are brought to this one."""
        return next((native.fit for native in self.natives or () if native is not None), PAD)

    def native(self, at: int) -> Native | None:
        """Return an image at its own size; None if it has no other."""
        return None if self.natives is None else self.natives[at]

    def origins(self) -> tuple[bytes, ...]:
        """As `Examples.origins`: of the images at their own size."""
        natives = self.natives
        if natives is None or None in natives:
            return self.hashes()
        return tuple(native.digest for native in natives if native is not None)

    def _check(self) -> None:
        if self.natives is not None and len(self.natives) != len(self):
            raise ValueError(f"natives need one entry per image, got {len(self.natives)} for {len(self)}.")

    def _natives_at(self, at: np.ndarray) -> Natives | None:
        return None if self.natives is None else tuple(self.natives[i] for i in at)

    def _joined(self, others: Sequence[Images]) -> Natives | None:
        every = (self, *others)
        if all(images.natives is None for images in every):
            return None
        return tuple(images.native(i) for images in every for i in range(len(images)))


@final
@dataclass(frozen=True, eq=False)
class Pixels(Images):
    """Images in memory.

    Attributes:
        x: uint8, shape (n, c, h, w).
        natives: As `Images`.
        white: As `Images`.

    Raises:
        TypeError: if `x` has another dtype or shape.
    """

    x: Tensor
    natives: Natives | None = None
    white: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.x, Tensor) or self.x.dtype != torch.uint8 or self.x.ndim != 4:
            got = (
                f"{self.x.dtype} of shape {tuple(self.x.shape)}" if hasattr(self.x, "dtype") else type(self.x).__name__
            )
            raise TypeError(f"x must be a uint8 tensor of shape (n, c, h, w), got {got}.")
        self._check()

    @property
    def shape(self) -> torch.Size:  # type: ignore[override]  # read only
        """(n, c, h, w)."""
        return self.x.shape

    def __getitem__(self, at: Any) -> Tensor:
        return self.x[torch.from_numpy(at) if isinstance(at, np.ndarray) else at]

    def take(self, at: np.ndarray) -> Pixels:
        """As `Examples.take`."""
        return Pixels(self[at], self._natives_at(at), self.white)

    def join(self, others: Sequence[Images]) -> Pixels:
        """As `Examples.join`; what is on disk is read."""
        return Pixels(torch.cat([self.x, *(other[:] for other in others)]), self._joined(others), self.white)

    def hashes(self) -> tuple[bytes, ...]:
        """As `Examples.hashes`; see `content_hash`."""
        return tuple(map(content_hash, self.x.numpy()))


@final
@dataclass(frozen=True, eq=False)
class ImageFiles(Images):
    """Images on disk.

    Attributes:
        root: The folder the paths are relative to.
        paths: One path per image, length n.
        size: (height, width) every image is brought to.
        channels: 1 or 3.
        content: `content_hash` of every image, length n.
        natives: As `Images`.
        white: As `Images`.
        cache: Where decoded images are kept.
    """

    root: Path
    paths: Sequence[str]
    size: tuple[int, int]
    channels: int
    content: Sequence[bytes] = field(repr=False)
    natives: Natives | None = None
    white: int | None = None
    cache: Cache = NO_CACHE

    def __post_init__(self) -> None:
        self._check()

    @property
    def shape(self) -> torch.Size:  # type: ignore[override]  # read only
        """(n, c, h, w)."""
        return torch.Size((len(self.paths), self.channels, *self.size))

    def __getitem__(self, index: Any) -> Tensor:
        at = np.arange(len(self))[index.numpy() if isinstance(index, Tensor) else index]
        paths = [self.paths[i] for i in np.atleast_1d(at)]
        pixels = np.empty((len(paths), self.channels, *self.size), dtype=np.uint8)

        def decode(row: int) -> None:
            settings = (self.size, self.channels, self.white, self.fit)
            pixels[row] = self.cache.decode(self.root / paths[row], *settings).pixels

        for_each(decode, self.root, paths, self.noun)
        return torch.from_numpy(pixels if at.ndim else pixels[0])

    def take(self, at: np.ndarray) -> ImageFiles:
        """As `Examples.take`; nothing is read."""
        paths, content = [self.paths[i] for i in at], [self.content[i] for i in at]
        return replace(self, paths=paths, content=content, natives=self._natives_at(at))

    def join(self, others: Sequence[Images]) -> Pixels:  # type: ignore[override]  # of either form
        """As `Examples.join`; all are read."""
        return Pixels(self[:], self.natives, self.white).join(others)

    def hashes(self) -> tuple[bytes, ...]:
        """As `Examples.hashes`; see `content_hash`."""
        return tuple(self.content)
