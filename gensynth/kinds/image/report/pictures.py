"""What the page shows of images: sheets chosen at random, and single images or pairs of them."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gensynth.fidelity.verdict import REASONS
from gensynth.report.markup import Html, clean, element, shorten, unfold
from gensynth.report.plain import SEED, some

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

OPEN_CLASSES = 12
LONGEST, TILE = 64, 56
"""Pixels of the longer side at which an image is drawn at most, and about how large it is shown."""
# Bytes of pixels that each section may carry: keeps the page small enough to send by mail.
GRID_BYTES, PAIR_BYTES, REJECTED_BYTES = 900_000, 350_000, 250_000


def _room(budget: int, contents: Contents, groups: int, least: int, most: int) -> int:
    """Return how many images each of `groups` groups may show, between `least` and `most`."""
    shape = contents.parts.train.x.layout
    h, w = thumbnail_shape(shape)
    return min(most, max(least, budget // (max(1, groups) * shape[0] * h * w)))


def look(contents: Contents) -> Html:
    """Return real and accepted synthetic images side by side, chosen at random."""
    train, synthetic = contents.parts.train, contents.samples
    most = _room(GRID_BYTES, contents, 2 * len(contents.drawn), 12, 40)
    blocks = []
    for name in contents.drawn:
        real = np.flatnonzero(train.y == train.label_of(name))
        mine = synthetic.y == synthetic.classes.index(name)
        accepted = np.flatnonzero(mine & contents.checked.samples.accepted)
        halves = []
        for kind, positions in (("real", real), ("synthetic", accepted)):
            chosen = some(positions, most)
            x = (train if kind == "real" else synthetic).x[chosen]
            of = f"{len(chosen)} of {len(positions):,} " + ("real" if kind == "real" else "accepted synthetic")
            picture = sheet(x, 8, f"{of} images of {clean(name)}") if len(x) else element("p", "none")
            caption = element("figcaption", element("span", of, class_=f"key {kind}"))
            halves.append(element("figure", caption, picture))
        blocks.append(Html(element("h3", clean(name)) + element("div", *halves, class_="side-by-side")))
    intro = element(
        "p",
        f"Images were chosen at random with the fixed seed {SEED}, not picked for their looks. Left: real training "
        "images. Right: synthetic images that passed the gate; those that did not are shown below.",
    )
    return Html(intro + unfold(blocks, OPEN_CLASSES, "classes"))


def pictures(contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None) -> Html:
    """As `gensynth.kind.Kind.pictures`: figures, the real image to the left of the sample."""
    train, samples = contents.parts.train, contents.samples
    most = _room(PAIR_BYTES, contents, 2 * len(contents.drawn), 4, 16)
    if real is None:
        most = _room(REJECTED_BYTES, contents, len(REASONS), 6, 12)
    figures = []
    for k, i in enumerate(at[:most].tolist()):
        label = clean(samples.classes[samples.y[i]])
        x, alt = samples.x[i : i + 1], f"Synthetic {label}, number {samples.index[i]}"
        names = [f"{shorten(label, 16)} #{samples.index[i]}"]
        if real is not None:
            name = train.ids[real[k]]
            x = torch.cat([train.x[real[k : k + 1]], x])
            alt = f"Left: real {clean(name)}. Right: synthetic {label}, number {samples.index[i]}."
            names = [shorten(name, 18), element("br"), f"synthetic #{samples.index[i]}"]
        caption = element("figcaption", texts[k], element("span", *names, class_="ids"), title=alt)
        figures.append(element("figure", sheet(x, len(x), alt), caption, class_="pair"))
    return element("div", *figures, class_="pairs")


def thumbnail_shape(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Height and width at which images of shape (c, h, w) are shown: at most LONGEST px on either side."""
    _, h, w = shape
    scale = min(1.0, LONGEST / max(h, w))
    return max(1, round(h * scale)), max(1, round(w * scale))


def sheet(x: Tensor, columns: int, alt: str) -> Html:
    """Return images as one PNG contact sheet, row by row.

    Args:
        x: Images, uint8, shape (n, c, h, w), n >= 1, c in {1, 3}.
        columns: Images per row.
        alt: What the sheet shows, for those who cannot see it.
    """
    c, h, w = x.shape[1:]
    size = thumbnail_shape((c, h, w))
    gap = max(1, round(max(size) / 14))
    columns = min(columns, len(x))
    rows = math.ceil(len(x) / columns)
    shape = (rows * (size[0] + gap) - gap, columns * (size[1] + gap) - gap)
    canvas = np.zeros((*shape, c + 1), dtype=np.uint8)  # the last channel is alpha: gaps show the page
    for i, image in enumerate(x.permute(0, 2, 3, 1).numpy()):
        if size != (h, w):
            small = Image.fromarray(image.squeeze(-1) if c == 1 else image).resize(size[::-1], Image.Resampling.BOX)
            image = np.asarray(small).reshape(*size, c)
        top, left = i // columns * (size[0] + gap), i % columns * (size[1] + gap)
        canvas[top : top + size[0], left : left + size[1], :c] = image
        canvas[top : top + size[0], left : left + size[1], c] = 255
    png = io.BytesIO()
    Image.fromarray(canvas).save(png, format="PNG", optimize=True)
    zoom = max(1, round(TILE / max(size)))  # whole pixels stay whole
    source = f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
    return element("img", src=source, alt=alt, width=str(shape[1] * zoom), height=str(shape[0] * zoom), class_="pixels")
