"""Arrays from an .npz file, whose sizes are known and allowed before any memory is taken."""

from __future__ import annotations

import lzma
import os
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

ALWAYS, TIMES = 1_000_000_000, 50
"""Bytes that a file may always unpack to; beyond it, at most this many times its own size."""
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError),
    *(EOFError, KeyError, RuntimeError, SyntaxError, MemoryError),
    SystemError,  # text of characters that do not exist, once it is looked at
)
"""What zipfile and numpy raise for a damaged file, besides ValueError, TypeError and OSError."""


@contextmanager
def open_npz(path: str | Path, most: float = float("inf"), what: str = "an .npz file") -> Iterator[Any]:
    """Open an .npz file as `numpy.load` does. No object is unpickled, so that a stranger's file runs no code.

    Args:
        path: The file.
        most: Bytes that it may unpack to.
        what: What the file should be, for the message.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, it is damaged, it unpacks to too much, or the block raises one.
    """
    if not Path(path).is_file():
        wrong = "is a folder, a pipe or a device, not a file" if Path(path).exists() else "does not exist"
        raise FileNotFoundError(f"file {str(path)!r} {wrong}; give {what}.")
    with open(path, "rb") as opened:  # numpy would leave a broken file open
        try:
            _check_sizes(opened, most)
            with np.load(opened, allow_pickle=False) as arrays:
                yield arrays
        except DAMAGED as error:
            raise ValueError(f"{str(path)!r} is not {what}, or it is damaged.") from error
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(f"{str(path)!r} cannot be read: {error}") from error


def _check_sizes(opened: IO[bytes], most: float) -> None:
    """Raise ValueError if the arrays are too large, or an array claims to be larger than what is there of it."""
    size = os.fstat(opened.fileno()).st_size
    with zipfile.ZipFile(opened) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > most:
            raise ValueError(f"it unpacks to {unpacked / 1e9:.1f} GB, allowed are {most / 1e9:g}; set --memory_gb.")
        if unpacked > max(ALWAYS, TIMES * size):
            raise ValueError(
                f"it unpacks from {size / 1e6:.1f} MB to {unpacked / 1e9:.1f} GB, as files made to fill memory do; "
                "write its arrays with numpy.savez, which does not compress them."
            )
        for member in archive.infolist():
            with archive.open(member) as file:
                shape, _, dtype = _header(file)
            if dtype.hasobject:
                raise ValueError(f"array {member.filename!r} holds objects of Python; write numbers or text.")
            if prod(shape) * max(dtype.itemsize, 1) > member.file_size or min(shape, default=0) < 0:
                raise ValueError(f"array {member.filename!r} of shape {shape} is longer than the data that are there.")
    opened.seek(0)


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = npy.read_magic(file)
    return (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
