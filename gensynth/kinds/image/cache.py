"""Cache: images as they were decoded, kept on disk, so that a second run need not decode photographs again.

One file an image, named by a hash of the bytes that were decoded and of what they were brought to: a picture that was
changed has another name, and so have two versions of gensynth that decode differently. Files appear whole (two runs
may write the same one), hold plain numbers, and are removed, those that were not used for longest first, where all of
them take more than the cache may.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from platformdirs import user_cache_path

from gensynth.kinds.image.decode import Decoded, decode_image
from gensynth.kinds.image.placement import PAD

VERSION = 1
"""Goes up when the same file is decoded to other pixels."""
HEADER = struct.Struct("<IIIIIBqH")
"""Channels, height and width of the pixels, height and width in the file, whether it is deep, its largest value, and
the length of its digest, which follows; then come the pixels, and the CRC-32 of all."""
CHECK = 4
"""Bytes of the checksum."""
FULL = 0.9
"""Share of its bound that is left where the cache was too large."""


@final
@dataclass(frozen=True)
class Cache:
    """Decoded images.

    Attributes:
        folder: Where they are kept; None for gensynth's folder among the user's caches.
        gigabytes: How large all of them may be; 0 to keep none.
    """

    folder: Path | None = None
    gigabytes: float = 10.0

    @property
    def root(self) -> Path:
        """The folder."""
        return user_cache_path("gensynth") / "images" if self.folder is None else self.folder

    def decode(
        self, path: Path, size: tuple[int, int], channels: int, white: int | None = None, fit: str = PAD
    ) -> Decoded:
        """Return what `decode_image` gives; found, or decoded and kept where that is smaller than the file.

        Raises:
            ValueError: if it cannot be read.
        """
        settings = (size, channels, white, fit)
        if not self.gigabytes or os.stat(path).st_size <= channels * size[0] * size[1]:
            return decode_image(path, *settings)
        content = path.read_bytes()
        name = hashlib.sha256(repr((VERSION, settings)).encode() + content).hexdigest()
        kept = self.root / name[:2] / name
        decoded = _read(kept, channels, size)
        if decoded is None:
            decoded = decode_image(content, *settings)
            with suppress(OSError):  # a full or a read-only disk: it goes on without
                _write(kept, decoded)
        return decoded

    def trim(self) -> None:
        """Remove what was not used for longest, where all of it is larger than it may be."""
        files: list[tuple[float, int, Path]] = []
        for path in self.root.glob("??/*"):
            with suppress(OSError):  # another run has removed it
                found = path.stat()
                files.append((found.st_mtime, found.st_size, path))
        spare = sum(size for _, size, _ in files) - self.gigabytes * 1e9
        if spare <= 0:
            return
        spare += (1 - FULL) * self.gigabytes * 1e9
        for _, size, path in sorted(files):
            if spare <= 0:
                break
            path.unlink(missing_ok=True)
            spare -= size


NO_CACHE = Cache(gigabytes=0)
"""Decodes whatever was decoded before."""


def _read(path: Path, channels: int, size: tuple[int, int]) -> Decoded | None:
    """Return what `_write` kept; None where there is nothing, or something else."""
    try:
        content = path.read_bytes()
        os.utime(path)
        c, h, w, height, width, deep, largest, n = HEADER.unpack_from(content)
    except (OSError, struct.error):
        return None
    start, end = HEADER.size + n, len(content) - CHECK
    if (c, h, w) != (channels, *size) or end - start != c * h * w:
        return None
    if zlib.crc32(content[:end]) != int.from_bytes(content[end:], "little"):
        return None
    pixels = np.frombuffer(content, np.uint8, c * h * w, start).reshape(c, h, w)
    return Decoded(pixels, height, width, bool(deep), largest, content[HEADER.size : start])


def _write(path: Path, decoded: Decoded) -> None:
    pixels, digest = np.ascontiguousarray(decoded.pixels), decoded.digest
    about = (decoded.height, decoded.width, decoded.deep, decoded.largest, len(digest))
    content = HEADER.pack(*pixels.shape, *about) + digest + pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    # No fsync, as files of data have: what a crash tears has another checksum.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_bytes(content + zlib.crc32(content).to_bytes(CHECK, "little"))
    os.replace(temporary, path)
