"""Examples as text: what the page shows of a kind of data that has no pictures of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gensynth.report.markup import Html, clean, element, shorten, unfold

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

SEED, MOST, LONGEST = 0, 12, 400
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
        for kind, data, mine in (("real", train, train.y == train.label_of(name)), ("synthetic", samples, accepted)):
            at = some(np.flatnonzero(mine), MOST)
            lines = (element("li", _text(data.x[int(i)]), dir="auto") for i in at)
            of = f"{len(at)} of {int(mine.sum()):,} {'real' if kind == 'real' else 'accepted synthetic'}"
            halves.append(element("div", element("span", of, class_=f"key {kind}"), element("ul", *lines)))
        blocks.append(Html(element("h3", clean(name)) + element("div", *halves, class_="side-by-side")))
    intro = f"Shown are {contents.noun}s chosen at random with the fixed seed {SEED}, not picked for their looks."
    return Html(element("p", intro) + unfold(blocks, MOST, "classes"))


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
