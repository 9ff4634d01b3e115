"""One image file -> uint8 pixels, upright, with what its file says of size, colour and values."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gensynth.kinds.image.pixels import digest_of, is_deep, is_grey, largest_value, to_pixels
from gensynth.kinds.image.placement import PAD

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff"),
    *(".webp", ".gif", ".pgm", ".ppm", ".pbm"),
)
# Only these decoders are tried, whatever the suffix says: others may run programs (EPS runs Ghostscript).
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
MAX_PIXELS = 50_000_000
ORIENTATION = 0x0112  # the EXIF tag; values 5 to 8 swap height and width
DRAFT = 512  # the least side to which the JPEG decoder may shrink: twice the largest that networks see

with suppress(OSError, AttributeError):  # a Pillow that hides its libtiff keeps its messages
    # libtiff would write about broken files to standard error by itself; we say ourselves that they are broken.
    for setter in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        ctypes.CDLL(Image.core.__file__)[setter](None)


class Header(NamedTuple):
    """What stands in front of the pixels: a guess, since an orientation may follow them.

    Attributes:
        height: Of the upright image.
        width: Of the upright image.
        grey: Whether it is surely grey.
    """

    height: int
    width: int
    grey: bool


class Decoded(NamedTuple):
    """A decoded file.

    Attributes:
        pixels: uint8, shape (channels, h, w), upright.
        height: Of the upright image in the file.
        width: Of the upright image in the file.
        deep: Whether it has more than 8 bits per value.
        largest: The largest value in the file; -1 where values have a scale of their own, as floats have.
        digest: `digest_of` the image, a JPEG as far as it was decoded: always as far, however it is read.
    """

    pixels: np.ndarray
    height: int
    width: int
    deep: bool
    largest: int
    digest: bytes


def header(path: Path) -> Header:
    """Read what stands in front of the pixels; decodes nothing."""
    with opened(path) as image:
        return Header(*_upright(image), is_grey(image))


def decode_image(
    path: Path | bytes, size: tuple[int, int], channels: int, white: int | None = None, fit: str = PAD
) -> Decoded:
    """Decode a file.

    Args:
        path: The file, or what it holds.
        size: (height, width) it is brought to.
        channels: 1 or 3.
        white: As `to_pixels` takes it.
        fit: As `to_pixels` takes it.

    Raises:
        ValueError: if it cannot be read, or values lie outside the range of their type.
    """
    with opened(path) as image:
        before = _upright(image)
        # The JPEG decoder can shrink by 2, 4 or 8 while it reads; where each image stands is in its header.
        drafted = image.draft(None, (DRAFT, DRAFT))
        ImageOps.exif_transpose(image, in_place=True)
        height, width = before if drafted else image.size[::-1]
        pixels = to_pixels(image, size, channels, white, fit)
        return Decoded(pixels, height, width, is_deep(image), largest_value(image), digest_of(image))


@contextmanager
def opened(path: Path | bytes) -> Iterator[Image.Image]:
    """Open a file and check its declared size; decodes nothing."""
    # By its name, Pillow from 11 on would map a grey TIFF that lies on its side into memory with sides exchanged.
    with io.BytesIO(path) if isinstance(path, bytes) else open(path, "rb") as file:
        try:
            image = Image.open(file, formats=FORMATS)
        except UnidentifiedImageError:
            raise ValueError("not an image that can be read") from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise ValueError(f"more than {MAX_PIXELS // 10**6} megapixels") from None
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"more than {MAX_PIXELS // 10**6} megapixels")
            yield image


def _upright(image: Image.Image) -> tuple[int, int]:
    """Return height and width by what was read so far: for a JPEG the truth, for others a guess."""
    w, h = image.size
    # Asking a PNG without EXIF in front of its pixels would decode all of it; Pillow turns a TIFF's size by itself.
    asked = image.format in ("JPEG", "MPO", "WEBP") or (image.format == "PNG" and "exif" in image.info)
    return (w, h) if asked and image.getexif().get(ORIENTATION, 1) >= 5 else (h, w)
