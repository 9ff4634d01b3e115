"""The section of the page that says what the table is: its columns and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.schema import _values
from gensynth.report.markup import NOTHING, Html, clean, element, fold, percent, section, table

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

MOST_COLUMNS = 60


def columns(contents: Contents) -> Html:
    """Return what the table is: its columns and rules."""
    schema = rows_of(contents.parts.train).schema
    rows = []
    for c in schema.columns:
        shares = c.missing or {}
        low, high = min(shares.values(), default=0.0), max(shares.values(), default=0.0)
        missing = NOTHING if high == 0 else percent(high) if high == low else f"{percent(low)} to {percent(high)}"
        rows.append((clean(str(c.name)), c.kind, element("code", clean(c.dtype)), missing, clean(_values(c))))
    head = ("column", "kind", "dtype", "missing", "values")
    rules = [element("li", element("code", clean(rule.as_text()))) for rule in schema.rules]
    words = (0, 1, 2, 4)
    label = (
        f"the label '{schema.target}'" if schema.tail is None else f"classes that are ranges of '{schema.tail.column}'"
    )
    return section(
        "schema",
        "The table",
        element(
            "p",
            f"{len(schema.columns)} columns and {clean(label)}. Missing values: the share in the classes with the "
            "fewest and with the most.",
        ),
        table(head, rows[:MOST_COLUMNS], words=words),
        fold(f"{len(rows) - MOST_COLUMNS} more columns", table(head, rows[MOST_COLUMNS:], words=words))
        if len(rows) > MOST_COLUMNS
        else Html(),
        Html(element("h3", "Rules") + element("ul", *rules)) if rules else Html(),
    )
