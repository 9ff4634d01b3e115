"""From a Pillow image of any mode and size to the uint8 array all generators see."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gensynth.data.words import counted
from gensynth.generator.config import SIDES
from gensynth.kinds.image.placement import PAD, place

LARGE, REDUCED, SMALL = 128, 64, 32
"""Images with a longer side than the first are seen at the second where no size is asked for; if they differ, those
shorter than the third only where most are."""

WHITE = 65535
"""The largest value that can be white in files with more than 8 bits per value; with 8 bits, 255 is."""

WHITES = (255, 1023, 4095, 16383, WHITE)
"""What is white to cameras of 8, 10, 12, 14 and 16 bits."""

MASK = 1
"""White in a data set of masks, which hold nothing but 0 and 1."""

DARK = 31
"""A data set without a brighter value than this, of 255, is nearly black."""


def choose_size(sizes: np.ndarray, wanted: int | tuple[int, int] | None) -> tuple[int, int]:
    """Return the (height, width) at which networks see all images.

    Args:
        sizes: Height and width of each image, shape (n, 2).
        wanted: A square's side, (height, width), or None for the images' own size. If they differ, it has the median of
            their proportions, and a longer side that nine in ten of them reach, so that hardly one is smaller; at least
            32 where half of them do. If it is longer than 128 pixels, it is scaled to 64; no side is made shorter
            than 8.
    """
    if wanted is not None:
        return (wanted, wanted) if isinstance(wanted, int) else (wanted[0], wanted[1])
    longer = np.sort(sizes.max(axis=1))
    side = max(longer[len(longer) // 10], min(SMALL, longer[len(longer) // 2]))
    if side > LARGE:
        side = REDUCED
    proportions = np.sort(sizes[:, 0] / sizes[:, 1])[len(sizes) // 2]
    h, w = (side, side / proportions) if proportions > 1 else (side * proportions, side)
    return max(SIDES[0], round(h)), max(SIDES[0], round(w))


def size_notes(sizes: np.ndarray, size: tuple[int, int], fit: str) -> tuple[str, ...]:
    """Return sentences on what was brought to `size` and how; none if nothing was."""
    other = sizes[(sizes != size).any(axis=1)]
    if not len(other):
        return ()
    counts = Counter((int(h), int(w)) for h, w in sizes).most_common()
    seen = ", ".join(f"{h} x {w} ({n})" for (h, w), n in counts[:4])
    more = f" and {len(counts) - 4} more" if len(counts) > 4 else ""
    placed = [place((h, w), size, fit) for h, w in other.tolist()]
    scales = np.array([p.scale for p in placed])
    done = {
        "scaled down": (scales.min(axis=1) < 1).sum(),
        "enlarged": (scales.max(axis=1) > 1).sum(),
        "stretched by more than 5 %": (np.abs(np.log(scales[:, 0] / scales[:, 1])) > np.log(1.05)).sum(),
        "cropped": sum(p.crops for p in placed),
        "padded with their mirror image": sum(p.pads for p in placed),
    }
    told = ", ".join(f"{n} {what}" for what, n in done.items() if n)
    return (
        f"Networks and checks see all images at {size[0]} x {size[1]} pixels (height x width): "
        f"of {len(sizes)} images {told}; sizes: {seen}{more}.",
    )


def find_white(deep: Sequence[int], shallow: Sequence[int], known: int | None, source: str) -> int | None:
    """Return which value is white in a data set, so that as many of the 256 levels as possible are used.

    Args:
        deep: The largest value of each file with more than 8 bits per value; -1 where it has a scale of its own.
        shallow: The same of the other files.
        known: What is white, if that was said, or found in the data that these are read beside. A `MASK` says nothing
            of other files, which may be of 0 and 255.
        source: The name of the data set, in messages.

    Returns:
        `known`; else `MASK` if no value is more than 1; else the smallest of `WHITES` that no value of the deep files
        exceeds; None where there are none to tell.

    Raises:
        ValueError: if deep files hold larger values than can be white.
    """
    largest = max(deep, default=-1)
    known = None if known == MASK else known
    if largest > (limit := known or WHITE):
        above = sum(value > limit for value in deep)
        way_out = ", or read the real data with a larger --white" if largest <= WHITE else ""
        raise ValueError(
            f"{above} images of {source} hold values above {limit}, up to {largest}; scale them down{way_out}."
        )
    if known is None and max(largest, *shallow, -1) == MASK:
        return MASK
    return known or next((white for white in WHITES if 0 <= largest <= white), None)


def white_notes(deep: Sequence[int], shallow: Sequence[int], white: int | None) -> tuple[str, ...]:
    """Return sentences on how values were scaled, and on images that are suspiciously dark."""
    notes = []
    if white == MASK:
        notes.append("No value is more than 1, as in masks: 1 was taken for white.")
    elif deep:
        scale = f"{white} to 255; if another value is white, name it: --white" if max(deep) >= 0 else "1 to 255"
        notes.append(f"{counted(len(deep), 'image')} with more than 8 bits per value scaled to 8 bits, {scale}.")
    if not deep and white != MASK and MASK <= max(shallow, default=WHITE) <= DARK:
        notes.append(
            f"No value is more than {max(shallow)} of 255, so all images are nearly black, as files of 16-bit colours "
            "from a 12-bit camera are: scale them before."
        )
    return tuple(notes)


def is_deep(image: Image.Image) -> bool:
    """Whether an image has more than 8 bits per value, whole numbers or floats, that Pillow keeps."""
    return image.mode == "F" or image.mode.startswith("I")


def largest_value(image: Image.Image) -> int:
    """Return the largest value of an image, of its channels or of grey; -1 if it is of floats or of single bits."""
    if image.mode in ("F", "1"):
        return -1
    if is_deep(image):
        return int(image.getextrema()[1])  # type: ignore[arg-type]  # one channel: a pair of numbers
    plain = image if image.mode in ("L", "RGB") else image.convert("RGB")
    return max(high for _, high in np.reshape(plain.getextrema(), (-1, 2)).tolist())


def is_grey(image: Image.Image) -> bool:
    """Whether the mode, or the palette, of an image allows no colour; decodes nothing."""
    if image.mode == "P" and image.palette is not None:
        layout, table = image.palette.getdata()
        return layout == "RGB" and len({table[0::3], table[1::3], table[2::3]}) == 1
    return image.mode in ("1", "L", "LA", "La") or is_deep(image)


def content_hash(pixels: np.ndarray) -> bytes:
    """Return 16 bytes that stand for the pixels of one image, uint8 of shape (c, h, w).

    A grey image has the same hash with one channel and with three equal ones.
    """
    grey = bool((pixels[1:] == pixels[:1]).all())
    return hashlib.blake2b((pixels[:1] if grey else pixels).tobytes(), digest_size=16).digest()


def digest_of(image: Image.Image) -> bytes:
    """Return the `content_hash` of an image at its own size, whatever its mode; of all bits where it has more than 8.

    Equal images have equal ones in whatever files they are, and no setting of how they are read changes it.
    """
    if is_deep(image):
        return hashlib.blake2b(np.asarray(image).tobytes(), digest_size=16).digest()
    return content_hash(to_pixels(image, image.size[::-1], 1 if is_grey(image) else 3))


def to_pixels(
    image: Image.Image, size: tuple[int, int], channels: int, white: int | None = None, fit: str = PAD
) -> np.ndarray:
    """Return an image as uint8 of shape (channels, *size).

    Transparent parts become white, as on a page. Other sizes are scaled with Pillow's antialiased bicubic filter, and
    padded or cropped as `gensynth.kinds.image.placement.place` says.

    Args:
        image: Any image.
        size: (height, width).
        channels: 1 or 3.
        white: The value that becomes 255, as larger ones do, in images with more than 8 bits per value; None for
            `WHITE`. Floats have theirs at 1. An image with 8 bits keeps its values, unless it is a `MASK`.
        fit: One of `FITS`.

    Raises:
        ValueError: if values lie outside the range of their type, or the mode cannot be converted.
    """
    image = _eight_bit(image, white).convert("L" if channels == 1 else "RGB")
    at = place(image.size[::-1], size, fit)
    if image.size != at.scaled[::-1]:
        image = image.resize(at.scaled[::-1], Image.Resampling.BICUBIC, reducing_gap=3.0)
    return at.filled(np.array(image).reshape(*at.scaled, channels).transpose(2, 0, 1))


def image_of(pixels: np.ndarray) -> Image.Image:
    """Return uint8 pixels of shape (c, h, w), c in {1, 3}, as a grey or RGB image."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _eight_bit(image: Image.Image, white: int | None) -> Image.Image:
    if is_deep(image):
        return _scaled(image, white or WHITE)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if white == MASK:
        image = image.convert("RGB").point([0, *[255] * 255] * 3)
    return image


def _scaled(image: Image.Image, white: int) -> Image.Image:
    values, is_float = np.asarray(image, dtype=np.float32), image.mode == "F"
    low, high, full = values.min(), values.max(), 1 if is_float else white
    # Written so that NaN fails as well. That whole numbers are too large is said of all files at once: `find_white`.
    if not (low >= 0 and (high <= full or not is_float)):
        way_out = "; divide by 255" if is_float and 0 <= low and high <= 255 else ""
        raise ValueError(f"values {low:g} to {high:g}, allowed 0 to {full}{way_out}")
    return Image.fromarray((values.clip(max=full) * (255 / full)).round().astype(np.uint8))
