"""Photographs for tests: parts of the two that come with scikit-learn, in the forms that files have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "a.jpg": ("RGB", {"quality": 60}),
    "b.jpg": ("RGB", {"quality": 93, "subsampling": 0, "progressive": True}),
    "c.jpg": ("L", {"quality": 80}),
    "d.jpg": ("CMYK", {"quality": 85}),
    "e.png": ("RGB", {}),
    "f.png": ("P", {}),
    "g.png": ("LA", {}),
    "h.png": ("RGBA", {}),
    "i.png": ("1", {}),
    "j.tif": ("RGB", {"compression": "tiff_lzw"}),
    "k.tif": ("L", {}),
    "l.webp": ("RGB", {"lossless": True}),
    "m.bmp": ("RGB", {}),
    "n.gif": ("P", {}),
}
"""Mode and options by file name."""


def photograph(which: int, height: int = 240, width: int = 320) -> Image.Image:
    """Return a part of a photograph, another one for each number."""
    x = load_sample_images().images[which % 2]
    rng = np.random.default_rng(which)
    top, left = rng.integers(x.shape[0] - height + 1), rng.integers(x.shape[1] - width + 1)
    return Image.fromarray(x[top : top + height, left : left + width])


def folder_of_photographs(root: Path, n: int, suffix: str = "jpg", **options: Any) -> Path:
    """Write n photographs of different sizes into each of the classes china and flower."""
    for at in range(2 * n):
        path = root / ("china", "flower")[at % 2] / f"photo {at}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(at, 200 + 10 * (at % 5), 240 + 10 * (at % 7)).save(path, **options)
    return root
