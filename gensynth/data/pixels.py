"""From a Pillow image of any mode and size to the uint8 array all generators see."""

from __future__ import annotations

from collections import Counter

import numpy as np
from PIL import Image

SIDES = (8, 256)
"""Shortest and longest allowed side of the images that generators see, in pixels."""

LARGE, REDUCED = 128, 64
"""Images with a longer side than the first are scaled to the second where no size is asked for."""


def choose_size(sizes: np.ndarray, wanted: int | tuple[int, int] | None) -> tuple[int, int]:
    """Return the (height, width) all images are brought to.

    Args:
        sizes: Height and width of each image, shape (n, 2).
        wanted: A square's side, (height, width), or None for the most common size. If that is longer than
            128 pixels, it is scaled to a longest side of 64; no side is made shorter than 8.
    """
    if wanted is not None:
        return (wanted, wanted) if isinstance(wanted, int) else (wanted[0], wanted[1])
    counts = Counter((int(h), int(w)) for h, w in sizes)
    h, w = min(counts, key=lambda size: (-counts[size], size))
    scale = REDUCED / max(h, w) if max(h, w) > LARGE else 1.0
    return max(SIDES[0], round(h * scale)), max(SIDES[0], round(w * scale))


def size_notes(sizes: np.ndarray, size: tuple[int, int]) -> tuple[str, ...]:
    """Return sentences on what was resized to `size` and stretched by it; none if nothing was."""
    resized = int((sizes != size).any(axis=1).sum())
    if not resized:
        return ()
    proportions = (sizes[:, 0] / sizes[:, 1]) / (size[0] / size[1])
    stretched = int((np.abs(np.log(proportions)) > np.log(1.05)).sum())
    counts = Counter((int(h), int(w)) for h, w in sizes).most_common()
    seen = ", ".join(f"{h} x {w} ({n})" for (h, w), n in counts[:4])
    more = f" and {len(counts) - 4} more" if len(counts) > 4 else ""
    return (
        f"{resized} of {len(sizes)} images were resized to {size[0]} x {size[1]} pixels (height x width), "
        f"{stretched} of them with their proportions changed by more than 5 %; sizes before: {seen}{more}.",
    )


def is_grey(image: Image.Image) -> bool:
    """Whether the mode, or the palette, of an image allows no colour; decodes nothing."""
    if image.mode == "P" and image.palette is not None:
        layout, table = image.palette.getdata()
        return layout == "RGB" and len({table[0::3], table[1::3], table[2::3]}) == 1
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def to_pixels(image: Image.Image, size: tuple[int, int], channels: int) -> np.ndarray:
    """Return an image as uint8 of shape (channels, *size).

    Transparent parts become white, as on a page. 16 bits are scaled to 8 (65535 to 255), floats from [0, 1].
    Other sizes are stretched to `size` with Pillow's antialiased bicubic filter.

    Raises:
        ValueError: if values lie outside the range of their type, or the mode cannot be converted.
    """
    image = _eight_bit(image).convert("L" if channels == 1 else "RGB")
    if image.size != size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.array(image).reshape(*size, channels).transpose(2, 0, 1)


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image, dtype=np.float32)
        full = 1.0 if image.mode == "F" else 65535.0
        # Written so that NaN fails as well.
        if not (values.min() >= 0 and values.max() <= full):
            raise ValueError(f"values {values.min():g} to {values.max():g}, allowed 0 to {full:g}")
        return Image.fromarray((values * (255 / full)).round().astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image
