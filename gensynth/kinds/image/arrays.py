"""Images and labels from arrays, in memory or in an .npz file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gensynth.data.labeled import LabeledData
from gensynth.data.names import check_class_names, natural_key
from gensynth.data.npz import open_npz
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.native import Native
from gensynth.kinds.image.pixels import (
    MASK,
    choose_size,
    content_hash,
    find_white,
    size_notes,
    to_pixels,
    white_notes,
)
from gensynth.kinds.image.placement import PAD


def from_arrays(
    x: np.ndarray,
    y: np.ndarray,
    classes: Sequence[str] | None = None,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    white: int | None = None,
    fit: str = PAD,
) -> LabeledData:
    """Make LabeledData from arrays.

    Args:
        x: Images, uint8, uint16 or float in [0, 1], shape (n, h, w), (n, h, w, c) or (n, c, h, w), c in {1, 3}.
        y: Labels, shape (n,): class names, or integers. With `classes`, integers are positions in it.
        classes: Class names; None for the values of `y`, sorted.
        size: Side, (height, width), or None for the images' own (see `choose_size`).
        channels: 1, 3, or None for 1 if every image is grey, else 3.
        white: The value that is white, if it is known, as `find_white` takes it.
        fit: How images of other proportions are brought to the size (`gensynth.kinds.image.placement.place`).

    Raises:
        TypeError: if a dtype is not allowed.
        ValueError: if a shape or a value is not allowed, or a label is not in `classes`.
    """
    images = _channels_last(x)
    labels, names = _labels(y, classes)
    check_class_names(names)
    if len(images) != len(labels):
        raise ValueError(f"x and y must have one entry per image, got {len(images)} and {len(labels)}.")
    n, h, w, c = images.shape
    images, white, scaled = _eight_bit(images, white)
    own = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    natives = tuple(Native(content_hash(image), (h, w), fit=fit) for image in own)
    if channels is None and c == 3 and (own[:, 1:] == own[:, :1]).all():
        images, own = images[..., :1], np.ascontiguousarray(own[:, :1])
    c = images.shape[3]
    wanted = channels or c
    sizes = np.tile(np.array([[h, w]], dtype=np.int64), (n, 1))
    target = choose_size(sizes, size)
    if (target, wanted) == ((h, w), c):
        pixels = own
    else:
        rows = (Image.fromarray(i[..., 0] if c == 1 else i) for i in np.ascontiguousarray(images))
        pixels = np.stack([to_pixels(row, target, wanted, fit=fit) for row in rows])
    return LabeledData(
        # A copy, so that the data do not change when the caller's array does.
        x=Pixels(torch.tensor(pixels), natives, white),
        y=labels,
        classes=names,
        ids=tuple(map(str, range(n))),
        notes=(*size_notes(sizes, target, fit), *scaled),
    )


def read_npz(
    path: str | Path,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    memory_gb: float = 4.0,
    white: int | None = None,
    fit: str = PAD,
) -> LabeledData:
    """Read an .npz file with arrays `x`, `y` and optionally `classes`, as `from_arrays` takes them.

    Pickled objects are never loaded, so that a stranger's file runs no code.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such a file, or its arrays are larger than `memory_gb` once unpacked.
    """
    with open_npz(path, memory_gb * 1e9) as arrays:
        if not {"x", "y"} <= set(arrays):
            raise ValueError(f"arrays x and y are needed, found {', '.join(arrays) or 'none'}.")
        classes = [str(name) for name in np.atleast_1d(arrays["classes"])] if "classes" in arrays else None
        return from_arrays(arrays["x"], arrays["y"], classes, size, channels, white, fit)


def _channels_last(x: np.ndarray) -> np.ndarray:
    """Check `x` and return it as (n, h, w, c)."""
    if x.dtype not in (np.uint8, np.uint16) and x.dtype.kind != "f":
        raise TypeError(
            f"x must be uint8, uint16, or float in [0, 1], got {x.dtype}; convert it, as with x.astype('uint8')."
        )
    if x.ndim == 3 and x.size:
        x = x[..., None]
    elif x.ndim == 4 and x.size and (x.shape[1] in (1, 3)) != (x.shape[3] in (1, 3)):
        x = x.transpose(0, 2, 3, 1) if x.shape[1] in (1, 3) else x
    else:
        raise ValueError(
            f"x must have shape (n, h, w), (n, h, w, c) or (n, c, h, w) with n > 0 and c 1 or 3, got {x.shape}."
        )
    # Written so that NaN fails as well.
    if x.dtype.kind == "f" and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"x as float must lie in [0, 1], got {x.min():g} to {x.max():g}; use uint8 for 0 to 255.")
    return x


def _eight_bit(x: np.ndarray, known: int | None) -> tuple[np.ndarray, int | None, tuple[str, ...]]:
    """Return images as uint8, the value that was white, and notes on it."""
    if x.dtype.kind == "f":
        return (x * 255).round().astype(np.uint8), known, ()
    largest: list[int] = x.reshape(len(x), -1).max(axis=1).tolist()
    deep, shallow = ([], largest) if x.dtype == np.uint8 else (largest, [])
    white = find_white(deep, shallow, known, "x")
    if white is not None and (deep or white == MASK):
        x = (x * np.float32(255 / white)).round().astype(np.uint8)
    return x, white, white_notes(deep, shallow, white)


def _labels(y: np.ndarray, classes: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return int64 labels and class names."""
    if y.ndim != 1 or y.dtype.kind not in "iuU":
        raise TypeError(f"y must hold integers or class names in shape (n,), got {y.dtype} of shape {y.shape}.")
    if classes is not None and y.dtype.kind in "iu":
        if len(y) and not (0 <= y.min() and y.max() < len(classes)):
            raise ValueError(f"y must lie in 0..{len(classes) - 1}, got {y.min()}..{y.max()}.")
        return y.astype(np.int64), tuple(classes)
    values = [str(value) for value in y]
    names = tuple(classes) if classes is not None else tuple(sorted(set(values), key=natural_key))
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise ValueError(f"y holds {', '.join(map(repr, unknown[:5]))}, not among the classes {names[:20]}.")
    position = {name: label for label, name in enumerate(names)}
    return np.array([position[value] for value in values], dtype=np.int64), names
