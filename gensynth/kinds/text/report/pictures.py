"""What the page shows of single documents: what differs from the real one each is shown beside."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gensynth.report.markup import Html, clean, element, shorten
from gensynth.report.plain import LONGEST

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

PAIRS, WORDS = 12, 120
"""Pairs that are shown, and words that are compared."""


def pictures(contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None) -> Html:
    """As `gensynth.kind.Kind.pictures`: each below the real document it is shown beside, what differs marked."""
    samples, train, lines = contents.samples, contents.parts.train, []
    for k, i in enumerate(at[:PAIRS].tolist()):
        text = samples.x[i]
        name = f"{clean(samples.classes[samples.y[i]])} #{samples.index[i]}, {texts[k]}"
        if real is None:
            lines.append(
                element("li", element("span", name, class_="ids"), element("span", shorten(text, LONGEST), dir="auto"))
            )
            continue
        of = train.x[int(real[k])]
        lines.append(
            element(
                "li",
                element("span", f"real {shorten(train.ids[real[k]], 18)}", class_="ids"),
                element("span", shorten(of, LONGEST), dir="auto"),
                element("span", name, class_="ids"),
                element("span", *marked(of, text), dir="auto"),
            )
        )
    return element("ul", *lines)


def marked(real: str, text: str) -> list[str]:
    """Return the words of a text, those marked that do not stand so in the real one."""
    a, b = (re.findall(r"\S+\s*", each)[:WORDS] for each in (real, text))
    found: list[str] = []
    for what, _, _, start, end in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        part = clean(" ".join(b[start:end]))
        if part:
            found += [part if what == "equal" else element("mark", part), " "]
    return found
