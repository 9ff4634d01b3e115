"""One self-contained HTML page that says whether the synthetic examples are sound and whether they help."""

from __future__ import annotations

import os
from pathlib import Path

from gensynth.kind import kinds
from gensynth.report import frame, sections, shown
from gensynth.report.choice import choice
from gensynth.report.contents import Contents
from gensynth.report.markup import Html, badge, clean
from gensynth.report.utility import gains, utility


def render(contents: Contents) -> str:
    """Return the page as HTML text; equal contents give equal text."""
    parts = [
        ("counts", "Counts", sections.counts(contents)),
        ("choice", "Choice", choice(contents.choice)),
        ("utility", "Did it help", utility(contents)),
        ("shortcut", "Shortcut", sections.shortcut(contents)),
        *(_of_samples(contents) if contents.drawn else ()),
        ("losses", "Losses", sections.losses(contents)),
        *kinds()[contents.parts.train.kind].sections(contents),
        ("provenance", "Provenance", sections.provenance(contents)),
    ]
    return frame.page(clean(contents.title), _header(contents), parts)


def _of_samples(contents: Contents) -> list[tuple[str, str, Html]]:
    return [
        ("look", "Look", shown.look(contents)),
        ("nearest", "Nearest real", shown.nearest(contents)),
        ("rejected", "Rejected", shown.rejected(contents)),
        ("review", "Worth a look", shown.review(contents)),
        ("fidelity", "Fidelity", sections.fidelity(contents)),
    ]


def _header(contents: Contents) -> Html:
    """Return title, plain answer and the three findings in short."""
    evaluation = contents.evaluation
    word = evaluation.verdict if evaluation else "NOT TESTED"
    tested = frame.UTILITY[word].format(noun=contents.noun)
    # Where nothing was drawn, what to do instead is the whole answer.
    answers = [tested, contents.advice] if contents.drawn or not contents.advice else [contents.advice]
    why = [of.why for of in (contents.choice, evaluation) if of is not None]
    helped = frame.tile("Did it help?", badge(word), gains(contents))
    return frame.header(contents, "report", answers, why, (helped, frame.sound(contents), frame.how_many(contents)))


def write_report(path: str | os.PathLike[str], contents: Contents) -> Path:
    """Write the page to `path`, at once and whole: a killed run leaves the old page or the new one.

    Args:
        path: File to write, such as `run/report.html`; its folder must exist.
        contents: What to show.

    Returns:
        The path written.

    Raises:
        FileNotFoundError: if the folder of `path` does not exist.
    """
    frame.check_folder(path)
    return frame.write_page(path, render(contents))
