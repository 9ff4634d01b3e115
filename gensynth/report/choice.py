"""The section of the page that says how the way to treat the rare classes was chosen."""

from __future__ import annotations

from collections.abc import Sequence

from gensynth.choose.results import Choice, Tried
from gensynth.evaluate.intervals import Estimate
from gensynth.evaluate.outcome import WORDS
from gensynth.report import figures
from gensynth.report.markup import (
    NOTHING,
    Html,
    badge,
    clean,
    element,
    fold,
    listed,
    percent,
    points,
    section,
    table,
)

MOST_CANDIDATES = 20
"""Ways that stand in the chart and in the open table."""


def choice(c: Choice | None) -> Html:
    """Return how all ways to treat the rare classes did, and which one won; nothing where none was to be chosen."""
    if c is None:
        return Html()
    tried = (*(_race(c) if c.candidates else ()), listed("Notes", c.notes))
    return section("choice", "How the choice was made", element("p", clean(c.why)), *tried)


def _race(c: Choice) -> Sequence[Html]:
    """Return what is known of the candidates."""
    front, rest = c.candidates[:MOST_CANDIDATES], c.candidates[MOST_CANDIDATES:]
    gains = {
        clean(t.called): Estimate(t.gain, t.gain - t.standard_error, t.gain + t.standard_error)
        for t in front
        if t.called != c.base.called
    }
    caption = f"Gain in {WORDS[c.metric]} over '{c.base.called}', points, \u00b1 one standard error"
    head = ("way", "", WORDS[c.metric], "gain, points", "standard error", "seconds")
    tables = [table(head, [_row(t, c) for t in of], words=(0, 1)) for of in (front, rest)]
    return (
        element("p", clean(c.basis), class_="small"),
        element("figure", element("figcaption", clean(caption)), figures.forest(caption, gains)) if gains else Html(),
        tables[0],
        fold(f"The other {len(rest)} ways", tables[1]) if rest else Html(),
    )


def _row(t: Tried, c: Choice) -> tuple[str, ...]:
    is_base = t.called == c.base.called
    return (
        clean(t.called),
        badge("CHOSEN") if t.called == c.chosen else "",
        percent(t.score),
        NOTHING if is_base else points(t.gain),
        NOTHING if is_base else f"\u00b1 {100 * t.standard_error:.1f}",
        f"{t.seconds:.2f}",
    )
