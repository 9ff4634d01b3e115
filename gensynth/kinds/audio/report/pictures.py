"""What the page shows of clips, and lets one hear: some chosen at random, and single ones or pairs of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

import numpy as np

from gensynth.fidelity.verdict import REASONS
from gensynth.kinds.audio.clips import Clip, View
from gensynth.kinds.audio.report.player import LOUDEST, QUIETEST, player, spectrogram
from gensynth.report.markup import Html, clean, element, shorten, unfold
from gensynth.report.plain import SEED, some

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

OPEN_CLASSES = 12
LOOK_BYTES, PAIR_BYTES, REJECTED_BYTES = 1_500_000, 900_000, 450_000
"""Of pictures and sounds, for each part of the page: keeps it small enough to send by mail."""
PICTURE, SECOND = 7_000, 7_500
"""Bytes of the page that a picture takes, and a second of sound, about."""
SHORTEST, LONGEST = 0.5, 5.0
"""Seconds that are heard of a clip, the least and the most."""


@final
@dataclass(frozen=True)
class Share:
    """What there is room for.

    Attributes:
        each: Clips of a group.
        view: What is seen and heard of one.
    """

    each: int
    view: View

    @classmethod
    def of(cls, budget: int, view: View, groups: int, least: int, most: int) -> Self:
        """Divide bytes among groups of at least so many clips, which are heard the shorter the more there are."""
        own = budget / max(groups, 1)
        seconds = min(view.seconds, max(SHORTEST, min(LONGEST, (own / least - PICTURE) / SECOND)))
        each = int(own / (PICTURE + SECOND * seconds))
        return cls(min(most, max(least, each)), View(view.rate, seconds))


def look(contents: Contents) -> Html:
    """Return real and accepted synthetic clips side by side, chosen at random."""
    train, synthetic = contents.parts.train, contents.samples
    share = Share.of(LOOK_BYTES, train.x.view, 2 * len(contents.drawn), 1, 8)
    blocks = []
    for name in contents.drawn:
        accepted = (synthetic.y == synthetic.classes.index(name)) & contents.checked.samples.accepted
        real, mine = np.flatnonzero(train.y == train.label_of(name)), np.flatnonzero(accepted)
        first, second = some(real, share.each), some(mine, share.each)
        halves = (
            ("real", len(real), [_card(train.x[i], share.view, *_real(train.ids[i])) for i in first.tolist()]),
            ("synthetic", len(mine), [_drawn(contents, i, share.view) for i in second.tolist()]),
        )
        shown = []
        for kind, n, cards in halves:
            of = f"{len(cards)} of {n:,} {'real' if kind == 'real' else 'accepted synthetic'} clips"
            caption = element("p", element("span", of, class_=f"key {kind}"))
            shown.append(element("div", caption, element("div", *cards, class_="cards") if cards else "none"))
        blocks.append(Html(element("h3", clean(name)) + element("div", *shown, class_="side-by-side")))
    hertz, seconds = train.x.view.rate / 2, share.view.seconds
    intro = (
        f"Clips were chosen at random with the fixed seed {SEED}, not picked for their sound. Left: real training "
        "clips. Right: synthetic ones that passed the gate; those that did not are below. Pictures show time from left "
        f"to right, up to {seconds:.2g} s, frequency from 20 to {hertz:,.0f} Hz on the mel scale from bottom to top, "
        f"and power as brightness, from {QUIETEST:.0f} to {LOUDEST:.0f} dB of full scale. Players have one channel, "
        f"compressed, of the first {seconds:.2g} s: only the files have the whole sound."
    )
    return Html(element("p", intro) + unfold(blocks, OPEN_CLASSES, "classes"))


def pictures(contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None) -> Html:
    """As `gensynth.kind.Kind.pictures`: the real clip to the left of the sample."""
    train = contents.parts.train
    if real is None:
        share = Share.of(REJECTED_BYTES, train.x.view, len(REASONS), 4, 8)
        return element(
            "div", *(_drawn(contents, i, share.view, texts[k]) for k, i in _first(at, share)), class_="cards"
        )
    share = Share.of(PAIR_BYTES, train.x.view, 2 * len(contents.drawn), 1, 6)
    pairs = []
    for k, i in _first(at, share):
        of = int(real[k])
        beside = _card(train.x[of], share.view, *_real(train.ids[of]))
        pairs.append(element("div", beside, _drawn(contents, i, share.view, texts[k]), class_="card-pair"))
    return element("div", *pairs, class_="card-pairs")


def _first(at: np.ndarray, share: Share) -> list[tuple[int, int]]:
    """Return place and position of the samples that there is room for."""
    return list(enumerate(at[: share.each].tolist()))


def _drawn(contents: Contents, i: int, view: View, text: str = "") -> Html:
    """Return a sample with how it was made."""
    samples = contents.samples
    name = f"synthetic {clean(samples.classes[samples.y[i]])} #{samples.index[i]}"
    told = [text, element("span", f"{shorten(name, 30)}: {shorten(samples.how[i], 120)}", class_="ids")]
    return _card(samples.x[i], view, name, told)


def _real(name: str) -> tuple[str, Sequence[str]]:
    """Return what is said of a real clip: in words, and below its picture."""
    return f"real {clean(name)}", [element("span", f"real {shorten(name, 30)}", class_="ids")]


def _card(clip: Clip, view: View, name: str, told: Sequence[str]) -> Html:
    """Return a clip as picture and player, above its caption."""
    alt = f"Spectrogram of {name}, {clip.seconds:.2f} s"
    caption = element("figcaption", *told, title=name)
    return element("figure", spectrogram(clip, view, alt), player(clip, view.seconds, name), caption, class_="card")
