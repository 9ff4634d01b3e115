"""What the page shows of documents: some of each class, and what was changed in those that have a parent."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gensynth.report.markup import Html, clean, element, shorten, unfold
from gensynth.report.plain import MOST, SEED, some

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

LONGEST, PAIRS, WORDS = 400, 12, 120
"""Characters that are shown of a document, pairs that are shown, and words that are compared."""


def look(contents: Contents) -> Html:
    """Return real and accepted documents of each class beside each other, chosen at random."""
    train, samples = contents.parts.train, contents.samples
    blocks = []
    for name in contents.drawn:
        accepted = (samples.y == samples.classes.index(name)) & contents.checked.samples.accepted
        halves = []
        for kind, data, mine in (("real", train, train.y == train.label_of(name)), ("synthetic", samples, accepted)):
            at = some(np.flatnonzero(mine), MOST)
            lines = (element("li", shorten(data.x[int(i)], LONGEST), dir="auto") for i in at)
            of = f"{len(at)} of {int(mine.sum()):,} {'real' if kind == 'real' else 'accepted synthetic'}"
            halves.append(element("div", element("span", of, class_=f"key {kind}"), element("ul", *lines)))
        blocks.append(Html(element("h3", clean(name)) + element("div", *halves, class_="side-by-side")))
    intro = element(
        "p",
        f"Documents were chosen at random with the fixed seed {SEED}, not picked for how they read; of long ones the "
        "beginning and the end are shown.",
    )
    return Html(intro + unfold(blocks, MOST, "classes"))


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
