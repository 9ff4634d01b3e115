"""The section of the page that says how the way to treat the rare classes was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from gensynth.choose.results import Choice, Tried

MOST_CANDIDATES = 20
"""Ways that were tried and are shown at once; the others are folded away."""


def choice(c: Choice | None) -> Html:
    """Return how all ways to train did, and which was chosen; None where a sampler was named."""
    title = "How the choice was made"
    if c is None:
        return Html()
    told = listed("Notes", c.notes)
    if not c.candidates:
        return section("choice", title, element("p", clean(c.why)), told)
    head = ("sampler", "filled to", "trained as", "", WORDS[c.metric], "gain, points", "standard error", "seconds")
    gains = {
        f"{t.sampler} to {t.to}, {t.arm}" if t.sampler else t.arm: Estimate(
            t.gain, t.gain - t.standard_error, t.gain + t.standard_error
        )
        for t in c.candidates[:MOST_CANDIDATES]
        if t.arm != c.baseline
    }
    caption = f"Gain in {WORDS[c.metric]} over '{c.baseline}', points, \u00b1 one standard error"
    rows = [_way(t, c) for t in c.candidates]
    adds = ", ".join(f"{n:,} {c.noun}s of {clean(name)}" for name, n in c.adds.items())
    where = (
        f"in {c.splits} splits of {c.examples:,} training {c.noun}s by cross-validation; samplers were fitted on the "
        "training side of each split alone"
        if c.splits > 1
        else f"with {c.examples:,} real validation {c.noun}s"
    )
    return section(
        "choice",
        title,
        element("p", clean(c.why)),
        element("p", f"It adds {adds}.") if adds else Html(),
        element(
            "p",
            f"Each way to train was tried {where}. Test {c.noun}s played no part: whether it helps is for them to say. "
            "The best of many looks better than it is. The simplest way is chosen unless another one is far enough "
            f"ahead. Gains are over '{c.baseline}', the choice among the ways without synthetic {c.noun}s.",
            class_="small",
        ),
        element("figure", element("figcaption", caption), figures.forest(caption, gains)) if gains else Html(),
        table(head, rows[:MOST_CANDIDATES], words=(0, 1, 2, 3)),
        fold("The other ways", table(head, rows[MOST_CANDIDATES:], words=(0, 1, 2, 3)))
        if len(rows) > MOST_CANDIDATES
        else Html(),
        told,
    )


def _way(t: Tried, c: Choice) -> tuple[str, ...]:
    is_base = t.arm == c.baseline
    mark = badge("CHOSEN") if c.is_chosen(t) else ""
    if mark and t.arm != c.arm:
        mark = Html(mark + element("span", " with a tuned threshold", class_="small"))
    return (
        clean(t.sampler) or NOTHING,
        clean(t.to) or NOTHING,
        t.arm,
        mark or ("best without" if is_base else ""),
        percent(t.score),
        NOTHING if is_base else points(t.gain),
        NOTHING if is_base else f"\u00b1 {100 * t.standard_error:.1f}",
        f"{t.seconds:.2f}",
    )
