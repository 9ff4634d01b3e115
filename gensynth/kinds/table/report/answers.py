"""Sections of the page about rows that are told in figures: the choice, the comparison, the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gensynth.evaluate.intervals import Estimate
from gensynth.evaluate.outcome import WORDS
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.table.schema import _values
from gensynth.report import figures
from gensynth.report.markup import (
    NOTHING,
    Html,
    badge,
    clean,
    element,
    fold,
    percent,
    points,
    section,
    table,
)

if TYPE_CHECKING:
    from gensynth.kinds.table.choose import Choice, Scored
    from gensynth.kinds.table.report.page import TableReportContents

MOST_CANDIDATES, MOST_COLUMNS = 20, 60
WAYS = {REAL: "doing nothing", THRESHOLD: "moving the threshold", WEIGHTS: "class weights"}


def way(name: str, to: str | None) -> str:
    """Return what a way to treat the rare classes is called."""
    return WAYS.get(name, clean(name)) if to is None else f"{clean(name)} to {clean(to)}"


def choice(contents: TableReportContents) -> Html:
    """Return how all ways to treat the rare classes did, and which one won."""
    title, c = "How the choice was made", contents.choice
    if c is None:
        return section("choice", title, element("p", "Nothing was compared: the sampler was named."))
    notes = [element("li", clean(note)) for note in c.notes]
    told = Html(element("h3", "Notes") + element("ul", *notes)) if notes else Html()
    if not c.candidates:
        return section("choice", title, element("p", c.why), told)
    gains = {
        way(s.name, s.to): Estimate(s.gain, s.gain - s.standard_error, s.gain + s.standard_error)
        for s in c.candidates[:MOST_CANDIDATES]
        if s.name != REAL
    }
    caption = f"Gain in {WORDS[c.metric]} over doing nothing, points, \u00b1 one standard error"
    rows = [
        (
            way(s.name, s.to),
            _mark(s, c),
            percent(s.score),
            points(s.gain) if s.name != REAL else NOTHING,
            f"\u00b1 {100 * s.standard_error:.1f}" if s.name != REAL else NOTHING,
            f"{s.seconds:.2f}",
        )
        for s in c.candidates
    ]
    head = ("way", "", WORDS[c.metric], "gain, points", "standard error", "seconds by split")
    adds = ", ".join(f"{n:,} rows of {clean(name)}" for name, n in c.adds.items())
    return section(
        "choice",
        title,
        element("p", c.why),
        element("p", f"It adds {adds}.") if adds else Html(),
        element(
            "p",
            f"Each way was tried in {c.splits} splits of {c.rows:,} training rows by cross-validation; its sampler was "
            "fitted on the training side of each split alone, and test rows played no part. The best of many looks "
            "better than it is, so a simpler way wins unless another one is clearly ahead of it. Behind a "
            "sampler stands how far it fills, as --to takes it: 0.1 is a tenth of the largest class.",
            class_="small",
        ),
        element("figure", element("figcaption", caption), figures.forest(caption, gains)) if gains else Html(),
        table(head, rows[:MOST_CANDIDATES], words=(0, 1)),
        fold("The other ways", table(head, rows[MOST_CANDIDATES:], words=(0, 1)))
        if len(rows) > MOST_CANDIDATES
        else Html(),
        told,
    )


def _mark(s: Scored, c: Choice) -> str:
    if (s.name, s.to) == (c.name, c.to):
        return badge("CHOSEN")
    # A threshold changes no rank: where ranks count, it is no candidate of its own.
    if s.name == REAL and c.name == THRESHOLD and all(other.name != THRESHOLD for other in c.candidates):
        return Html(badge("CHOSEN") + element("span", " with a tuned threshold", class_="small"))
    return ""


def columns(contents: TableReportContents) -> Html:
    """Return what the table is: its columns and rules."""
    schema = contents.parts.train.x.schema
    assert schema is not None
    rows = []
    for c in schema.columns:
        shares = c.missing or {}
        low, high = min(shares.values(), default=0.0), max(shares.values(), default=0.0)
        missing = NOTHING if high == 0 else percent(high) if high == low else f"{percent(low)} to {percent(high)}"
        rows.append((clean(str(c.name)), c.kind, element("code", clean(c.dtype)), missing, clean(_values(c))))
    head = ("column", "kind", "dtype", "missing", "values")
    rules = [element("li", element("code", clean(rule.as_text()))) for rule in schema.rules]
    words = (0, 1, 2, 4)
    return section(
        "schema",
        "The table",
        element(
            "p",
            f"{len(schema.columns)} columns and the label '{clean(str(schema.target))}'. Missing values: the "
            "share in the classes with the fewest and with the most.",
        ),
        table(head, rows[:MOST_COLUMNS], words=words),
        fold(f"{len(rows) - MOST_COLUMNS} more columns", table(head, rows[MOST_COLUMNS:], words=words))
        if len(rows) > MOST_COLUMNS
        else Html(),
        Html(element("h3", "Rules") + element("ul", *rules)) if rules else Html(),
    )
