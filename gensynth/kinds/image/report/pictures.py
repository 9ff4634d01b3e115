"""What the page shows of images: sheets chosen at random, and single images or pairs of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from gensynth.fidelity.verdict import REASONS
from gensynth.report.as_text import SEED, some
from gensynth.report.figures import sheet, thumbnail_shape
from gensynth.report.markup import Html, clean, element, shorten, unfold

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

OPEN_CLASSES = 12
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
