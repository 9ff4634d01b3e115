"""The section of the page about images that says how sampler and target were chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gensynth.report.markup import NOTHING, Html, badge, clean, element, percent, points, section, table

if TYPE_CHECKING:
    from gensynth.choose.results import ImageChoice, Tried


def choice_section(c: ImageChoice) -> Html:
    """Return how all ways did on validation images, and which was chosen."""
    head = ("sampler", "filled to", "trained as", "", "balanced accuracy", "gain, points", "standard error", "seconds")
    notes = [element("li", clean(note)) for note in c.notes]
    return section(
        "choice",
        "How the choice was made",
        element("p", clean(c.why)),
        element(
            "p",
            f"Networks were trained in each way and predicted {c.n_validation:,} real validation images; test images "
            "played no part. The best of many looks better than it is: whether it helps is for the test images to say. "
            f"Gains are over '{c.baseline}', the best without synthetic images.",
            class_="small",
        ),
        table(head, [_row(t, c) for t in c.candidates], words=(0, 1, 2, 3)),
        Html(element("h3", "Notes") + element("ul", *notes)) if notes else Html(),
    )


def _row(t: Tried, c: ImageChoice) -> tuple[str, ...]:
    is_base = t.arm == c.baseline
    mark = badge("CHOSEN") if t.sampler and (t.sampler, t.to, t.arm) == (c.sampler, c.to, c.arm) else ""
    return (
        t.sampler or NOTHING,
        t.to or NOTHING,
        t.arm,
        mark or ("best without" if is_base else ""),
        percent(t.score),
        NOTHING if is_base else points(t.gain),
        NOTHING if is_base else f"\u00b1 {100 * t.standard_error:.1f}",
        f"{t.seconds:.1f}",
    )
