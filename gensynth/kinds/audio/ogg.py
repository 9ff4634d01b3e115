"""Ogg streams with a number of our own: the encoder draws one at random, and equal sounds should be equal files."""

from __future__ import annotations

import os
import struct
from functools import cache
from pathlib import Path

SERIAL = 1
"""The number that a stream gets."""
POLYNOMIAL = 0x04C11DB7
"""Of the checksum of a page (RFC 3533, section 6): CRC-32, not reflected, beginning and ending with 0."""
NAME = b"OggS"
"""How a page begins."""
LARGEST = 65307
"""Bytes of a page at most."""
PAGE = struct.Struct("<4sBBqIIIB")
"""Capture pattern, version, type, position, serial number, sequence number, checksum, number of segments."""


def with_serial(file: bytes) -> bytes:
    """Return an Ogg file whose pages have the serial number `SERIAL`; ValueError if it is none."""
    pages, at = [], 0
    while at < len(file):
        if file[at : at + 4] != NAME:
            raise ValueError("no page of an Ogg file begins where one should.")
        name, version, kind, position, _, number, _, segments = PAGE.unpack_from(file, at)
        begin = at + PAGE.size + segments
        end = begin + sum(file[at + PAGE.size : begin])
        body = file[at + PAGE.size : end]
        fields = (name, version, kind, position, SERIAL, number)
        checksum = crc(PAGE.pack(*fields, 0, segments) + body)
        pages.append(PAGE.pack(*fields, checksum, segments) + body)
        at = end
    return b"".join(pages)


def is_cut(path: Path) -> bool:
    """Return whether a file is an Ogg file whose last page is not all there; the library takes it for a shorter one."""
    with open(path, "rb") as file:
        if file.read(len(NAME)) != NAME:
            return False
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LARGEST))
        tail = file.read()
    page = tail[tail.rfind(NAME) :]
    segments = page[PAGE.size - 1] if len(page) >= PAGE.size else 0
    return len(page) < PAGE.size + segments + sum(page[PAGE.size : PAGE.size + segments])


def crc(page: bytes) -> int:
    """Return the checksum of a page whose field for it holds 0."""
    found, table = 0, _table()
    for byte in page:
        found = (found << 8 & 0xFFFFFFFF) ^ table[found >> 24 ^ byte]
    return found


@cache
def _table() -> tuple[int, ...]:
    """Return the checksum of each byte."""
    found = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (POLYNOMIAL if value >> 31 else 0)
            value &= 0xFFFFFFFF
        found.append(value)
    return tuple(found)
