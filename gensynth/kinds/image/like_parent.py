"""A changed image as a file like its parent's: of its size, format, colours and compression."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, JpegImagePlugin

from gensynth.kinds.image.decode import decode_image, opened
from gensynth.kinds.image.native import Native
from gensynth.kinds.image.pixels import MASK, WHITE, image_of, is_deep, is_grey, to_pixels

KEPT = ("icc_profile", "dpi")
"""What is taken over from any file beside its pixels: what their colours and sizes mean."""
WEBP_QUALITY = 90
"""A WebP file that loses something does not say how much."""


def file_of(native: Native) -> bytes | None:
    """Return a changed image as a file like its parent's; None if that is gone, or holds other pixels by now.

    Its values have 8 bits, whatever its parent's have; it is opaque, and what was transparent is white, as networks see
    it.
    """
    path = native.path
    if path is None or native.change is None or not path.is_file():
        return None
    try:
        if decode_image(path, (8, 8), 1, native.white).digest != native.digest:
            return None
        with opened(path) as image:
            form, mode = image.format, image.mode
            options = _options(image, path)
            deep, channels = is_deep(image), 1 if is_grey(image) else 3
            ImageOps.exif_transpose(image, in_place=True)
            x = to_pixels(image, image.size[::-1], channels, native.white)
    except (OSError, ValueError):
        return None
    changed = native.change(torch.from_numpy(np.ascontiguousarray(x))).numpy()
    made = _deep(changed, mode, native.white) if deep else _in_mode(image_of(changed), mode, native.white)
    file = io.BytesIO()
    made.save(file, "JPEG" if form == "MPO" else form, **options)
    return file.getvalue()


def _options(image: Image.Image, path: Path) -> dict[str, Any]:
    """Return how to write a file as this one is written."""
    options = {name: image.info[name] for name in KEPT if image.info.get(name)}
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        sampling = JpegImagePlugin.get_sampling(image)
        options |= {"qtables": image.quantization, "progressive": bool(image.info.get("progressive"))}
        options |= {"subsampling": sampling} if sampling >= 0 else {}
    elif image.format == "TIFF":
        options |= {"compression": image.info.get("compression")}
    elif image.format == "WEBP":
        with open(path, "rb") as file:
            options |= {"lossless": b"VP8L" in file.read(1024), "quality": WEBP_QUALITY}
    return options


def _in_mode(image: Image.Image, mode: str, white: int | None) -> Image.Image:
    """Return a grey or RGB image in the mode of its parent."""
    if white == MASK:
        image = image.point([value // 128 for value in range(256)] * len(image.getbands()))
    if mode == "P":
        return image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    return image.convert(mode, dither=Image.Dither.NONE)


def _deep(x: np.ndarray, mode: str, white: int | None) -> Image.Image:
    """Return grey pixels, uint8 (1, h, w), as an image with more than 8 bits per value."""
    if mode == "F":
        return Image.fromarray(x[0] / np.float32(255))
    values = (x[0] * ((white or WHITE) / 255)).round()
    return Image.fromarray(values.astype(np.int32 if mode == "I" else np.uint16))
