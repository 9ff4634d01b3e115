"""The pages, each one self-contained file: of a run (is it sound, and does it help?) and of a check."""

from __future__ import annotations

import os
from pathlib import Path

from gensynth.kind import kinds
from gensynth.report import frame, sections, shown
from gensynth.report.choice import choice
from gensynth.report.contents import Contents
from gensynth.report.markup import badge
from gensynth.report.utility import gains, utility

UTILITY = {
    "HELPS": "Yes: a classifier trained with these synthetic {noun}s does better on real test {noun}s.",
    "NO MEASURABLE EFFECT": "No: these synthetic {noun}s make no measurable difference on real test {noun}s.",
    "NO GAIN OVER THE BEST MODEL": "No: only a worse classifier gains; a better one needs no synthetic {noun}s.",
    "HURTS": "No: a classifier trained with these synthetic {noun}s does worse on real test {noun}s.",
    "CANNOT TELL": "This test cannot tell whether these synthetic {noun}s help.",
    "NOT TESTED": "Whether these synthetic {noun}s help has not been tested.",
}
CHECK = {
    "PASS": "Sound, as far as these numbers of {noun}s can tell.",
    "REVIEW": "A person should look before these {noun}s are used.",
    "FAIL": "Not sound: do not mix these {noun}s with real ones.",
}


def render(contents: Contents) -> str:
    """Return the page of a run as HTML text; equal contents give equal text."""
    evaluation = contents.evaluation
    word = evaluation.verdict if evaluation else "NOT TESTED"
    tested = UTILITY[word].format(noun=contents.noun)
    # Where nothing was drawn, what to do instead is the whole answer.
    answers = [tested, contents.advice] if contents.drawn or not contents.advice else [contents.advice]
    why = [of.why for of in (contents.choice, evaluation) if of is not None]
    tiles = (frame.tile("Did it help?", badge(word), gains(contents)), frame.sound(contents), frame.how_many(contents))
    parts = [
        ("counts", "Counts", sections.counts(contents)),
        ("choice", "Choice", choice(contents.choice)),
        ("utility", "Did it help", utility(contents)),
        ("shortcut", "Shortcut", sections.shortcut(contents)),
    ]
    if contents.drawn:
        parts += [
            ("look", "Look", shown.look(contents)),
            ("nearest", "Nearest real", shown.nearest(contents)),
            ("rejected", "Rejected", shown.rejected(contents)),
            ("review", "Worth a look", shown.review(contents)),
            ("fidelity", "Fidelity", sections.fidelity(contents)),
        ]
    parts += [
        ("losses", "Losses", sections.losses(contents)),
        *kinds()[contents.parts.train.kind].sections(contents),
        ("provenance", "Provenance", sections.provenance(contents)),
    ]
    return frame.page(contents, frame.header(contents, "report", answers, why, tiles), parts)


def render_check(contents: Contents) -> str:
    """Return the page of a check as HTML text; equal contents give equal text."""
    answer = CHECK[contents.checked.status].format(noun=contents.noun)
    tiles = (frame.sound(contents), frame.how_many_passed(contents), frame.cost(contents))
    parts = [
        ("fidelity", "Class by class", sections.fidelity(contents)),
        ("rejected", "Rejected", shown.rejected(contents)),
        ("review", "Worth a look", shown.review(contents)),
        ("nearest", "Nearest real", shown.nearest(contents)),
        ("look", "Look", shown.look(contents)),
        ("shortcut", "Shortcut", sections.shortcut(contents)),
        ("privacy", "Privacy", sections.privacy(contents)),
        *kinds()[contents.parts.train.kind].sections(contents),
        ("provenance", "Provenance", sections.provenance(contents)),
    ]
    return frame.page(contents, frame.header(contents, "check", [answer], (), tiles), parts)


def write_report(path: str | os.PathLike[str], contents: Contents) -> Path:
    """Write the page of a run to `path`, whole or not at all; FileNotFoundError if its folder does not exist."""
    return frame.write_page(path, render(contents))


def write_check(path: str | os.PathLike[str], contents: Contents) -> Path:
    """Write the page of a check, likewise."""
    return frame.write_page(path, render_check(contents))
