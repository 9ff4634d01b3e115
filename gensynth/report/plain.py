"""Examples as text: what the page shows of a kind of data that has no pictures of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gensynth.report.markup import Html, clean, element, shorten, unfold

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

SEED, MOST, LONGEST = 0, 12, 300
"""Seed of the examples that are chosen, how many of a class are shown, and characters of each."""


def some(positions: np.ndarray, most: int) -> np.ndarray:
    """Choose at most `most` of the positions at random: always the same ones, and none for its looks."""
    return np.random.default_rng(SEED).permutation(positions)[:most]


def look(contents: Contents) -> Html:
    """Return real and accepted examples of each class beside each other, chosen at random."""
    train, samples = contents.parts.train, contents.samples
    blocks = []
    for name in contents.drawn:
        accepted = (samples.y == samples.classes.index(name)) & contents.checked.samples.accepted
        halves = []
        for kind, x, mine in (("real", train.x, train.y == train.label_of(name)), ("synthetic", samples.x, accepted)):
            shown = (element("li", _text(x[i])) for i in some(np.flatnonzero(mine), MOST).tolist())
            halves.append(element("div", element("span", kind, class_=f"key {kind}"), element("ul", *shown)))
        blocks.append(Html(element("h3", clean(name)) + element("div", *halves, class_="side-by-side")))
    return unfold(blocks, MOST, "classes")


def pictures(contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None) -> Html:
    """As `gensynth.kind.Kind.pictures`."""
    samples, train, lines = contents.samples, contents.parts.train, []
    for k, (i, text) in enumerate(zip(at.tolist(), texts, strict=True)):
        beside = "" if real is None else f"real {shorten(train.ids[real[k]], 18)}: {_text(train.x[int(real[k])])}"
        label = clean(samples.classes[samples.y[i]])
        mine = f"synthetic {label} #{samples.index[i]}: {_text(samples.x[i])} ({text})"
        lines.append(element("li", *((beside, element("br")) if beside else ()), mine))
    return element("ul", *lines)


def _text(example: Any) -> str:
    return shorten(str(example), LONGEST)
