"""Building blocks of the page: elements that escape what they are given, tables, badges, numbers."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gensynth.data.terminal import visible

if TYPE_CHECKING:
    from gensynth.evaluate.intervals import Estimate

NOTHING = "\u2013"
VOID = {"br", "img", "meta"}

# Tone and sign of each verdict word. The sign carries the meaning where colours are not seen.
BADGES = {
    "HELPS": ("good", "\u2713"),
    "NO MEASURABLE EFFECT": ("neutral", "\u2248"),
    "NO GAIN OVER THE BEST MODEL": ("neutral", "\u2248"),
    "HURTS": ("bad", "\u2717"),
    "CANNOT TELL": ("neutral", "?"),
    "NOT TESTED": ("neutral", "?"),
    "PASS": ("good", "\u2713"),
    "REVIEW": ("warn", "!"),
    "FAIL": ("bad", "\u2717"),
    "INSUFFICIENT": ("neutral", "?"),
}


class Html(str):
    """Text that is HTML already; every other string is escaped when it enters an element."""


def clean(text: str) -> str:
    """Put text on one line and spell out what UTF-8 cannot hold, such as undecodable bytes of a file name."""
    return " ".join(text.split()).encode("utf-8", "backslashreplace").decode()


def shorten(text: str, length: int) -> str:
    """Cut text to `length` characters, keeping both ends: file names differ at the end."""
    text = clean(text)
    if len(text) <= length:
        return text
    tail = length // 2
    return text[: length - tail - 1] + "\u2026" + text[-tail:]


def element(tag: str, *children: str, **attributes: str) -> Html:
    """Return one element; children that are not Html are escaped, and so is every attribute.

    Marks that turn the direction of text around are spelled out: they would reach beyond their element.
    Attribute names are written as Python allows them: `class_` is class, `aria_label` is aria-label.
    """
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(visible(value))}"' for name, value in attributes.items()
    )
    if tag in VOID:
        return Html(f"<{tag}{named}>")
    inner = "".join(c if isinstance(c, Html) else html.escape(visible(c)) for c in children)
    return Html(f"<{tag}{named}>{inner}</{tag}>")


def section(anchor: str, title: str, *children: str) -> Html:
    """Return one part of the page under its heading."""
    return element("section", element("h2", title), *children, id=anchor)


def fold(summary: str, *children: str) -> Html:
    """Return a part that is closed until the reader opens it."""
    return element("details", element("summary", summary), *children)


def listed(title: str, lines: Sequence[str]) -> Html:
    """Return sentences as a list under a small heading; nothing where there are none."""
    return Html(element("h3", title) + element("ul", *(element("li", clean(line)) for line in lines)) if lines else "")


def unfold(blocks: Sequence[Html], most: int, what: str) -> Html:
    """Show the first `most` blocks, and the rest on request."""
    rest = blocks[most:]
    return Html("".join(blocks[:most]) + (fold(f"{len(rest)} more {what}", *rest) if rest else ""))


def badge(word: str) -> Html:
    """Return a verdict word as a coloured label with its sign."""
    tone, sign = BADGES.get(word, ("neutral", ""))
    return element("span", element("span", sign, aria_hidden="true"), word, class_=f"badge {tone}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = (0,)) -> Html:
    """Return a table that scrolls sideways on small screens; the columns `words` are set as text."""
    kinds = ["word" if i in words else "number" for i in range(len(head))]
    top = element("tr", *(element("th", h, class_=k, scope="col") for h, k in zip(head, kinds, strict=True)))
    body = (element("tr", *(element("td", cell, class_=k) for cell, k in zip(row, kinds, strict=True))) for row in rows)
    inner = element("table", element("thead", top), element("tbody", *body))
    return element("div", inner, class_="scroll", tabindex="0")


def number(value: float | None) -> str:
    """Write a number with three digits; a dash for None and for what is not finite."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def score(value: float) -> str:
    """Write a score of one sample with two decimals, so that a column of them compares at a glance."""
    return f"{value:.2f}" if math.isfinite(value) else NOTHING


def percent(share: float) -> str:
    """Write a share in [0, 1] as a percentage."""
    return f"{100 * float(share):.1f}\u202f%" if math.isfinite(share) else NOTHING


def points(difference: float) -> str:
    """Write a difference of two shares as signed percentage points, without the unit."""
    if not math.isfinite(difference):
        return NOTHING
    rounded = round(100 * float(difference), 1)  # numpy's numbers would warn where they overflow
    return f"{rounded:+.1f}".replace("-", "\u2212") if rounded else "0.0"


def estimate(e: Estimate) -> Html:
    """Write a share with its 95 % interval in small type."""
    interval = element("span", f"{100 * e.low:.1f} to {100 * e.high:.1f}", class_="interval")
    return Html(html.escape(percent(e.value)) + (f" {interval}" if math.isfinite(e.low + e.high) else ""))


def gain(e: Estimate) -> str:
    """Write a difference with its 95 % interval, in percentage points."""
    return f"{points(e.value)} points (95 % interval {points(e.low)} to {points(e.high)})"
