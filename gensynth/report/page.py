"""One self-contained HTML page that says whether the synthetic examples are sound and whether they help."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.kinds.image.report import pictures
from gensynth.report import frame
from gensynth.report import sections as tables
from gensynth.report.contents import Contents
from gensynth.report.markup import Html, badge, clean, element
from gensynth.report.utility import gains, utility
from gensynth.sampler.synthetic import Synthetic

if TYPE_CHECKING:
    from gensynth.choose.results import Choice
    from gensynth.evaluate.leak import Leak
    from gensynth.evaluate.results import Evaluation
    from gensynth.fidelity.verdict import Verdict
    from gensynth.kinds.image.read import Parts


@dataclass(frozen=True, eq=False)
class ReportContents(Contents):
    """All that the page shows.

    Attributes:
        title: Heading of the page.
        parts: The real data: train, validation and test.
        synthetic: All samples drawn, accepted and rejected.
        verdict: The fidelity checker's answer; its samples are in the order of `synthetic`.
        evaluation: The answer to whether it helped, or None where that was not tested.
        after: Number of training examples by class after mixing.
        history: Losses by checkpoint: `"step"` and one list of the same length per loss name.
        provenance: Command, versions, seeds and times, as rows of a table.
        notes: Further sentences for the reader.
        leak: Does a classifier take changed images of other classes for rare ones; None where not measured.
        leak_spread: The same with changed images in every class, where they were spread.
        choice: Which sampler and target were chosen; None where a sampler was named.
        advice: What to do instead, where nothing was mixed.

    Raises:
        ValueError: if verdict and synthetic differ in length, or `after` or `history` is incomplete.
    """

    title: str
    parts: Parts
    synthetic: Synthetic
    verdict: Verdict
    evaluation: Evaluation | None
    after: dict[str, int]
    history: dict[str, dict[str, list[float]]]
    provenance: dict[str, str]
    notes: tuple[str, ...] = ()
    leak: Leak | None = None
    leak_spread: Leak | None = None
    choice: Choice | None = None
    advice: str = ""

    def __post_init__(self) -> None:
        self.check()


@dataclass(frozen=True, eq=False)
class UndrawnContents(Contents):
    """All that the page shows where no sampler could be tried: why, and what to do instead.

    Attributes:
        title: Heading of the page.
        parts: The real data: train, validation and test.
        choice: What was tried, and why nothing was chosen.
        advice: What to do instead.
        after: Number of training examples by class, as before.
        history: Losses by checkpoint, as in `ReportContents`.
        provenance: Command, versions, seeds and times, as rows of a table.
        notes: Further sentences for the reader.
    """

    title: str
    parts: Parts
    choice: Choice
    advice: str
    after: dict[str, int]
    history: dict[str, dict[str, list[float]]]
    provenance: dict[str, str]
    notes: tuple[str, ...] = ()
    synthetic: None = None
    verdict: None = None
    evaluation: None = None

    def __post_init__(self) -> None:
        self.check()


def _header(contents: ReportContents | UndrawnContents) -> Html:
    """Return title, plain answer and the three findings in short."""
    evaluation = contents.evaluation
    word = evaluation.verdict if evaluation else "NOT TESTED"
    if isinstance(contents, UndrawnContents):
        answers, why, numbers = [contents.advice], contents.choice.why, element("p", "There was nothing to test.")
    else:
        answers = [frame.UTILITY[word].format(noun=contents.noun), contents.advice]
        why, numbers = evaluation.why if evaluation else "", gains(contents)
    return element(
        "header",
        element("p", "gensynth report", class_="eyebrow"),
        element("h1", clean(contents.title)),
        *(element("p", clean(answer), class_="answer") for answer in answers if answer),
        element("p", clean(why), class_="why") if why else Html(),
        frame.alarm(contents),
        element(
            "div",
            frame.tile("Did it help?", badge(word), numbers),
            frame.sound(contents),
            frame.how_many(contents),
            class_="tiles",
        ),
    )


def _of_samples(contents: ReportContents) -> list[tuple[str, str, Html]]:
    return [
        ("utility", "Did it help", utility(contents)),
        ("shortcut", "Shortcut", tables.shortcut(contents)),
        ("look", "Look", pictures.look(contents)),
        ("nearest", "Nearest real", pictures.nearest(contents)),
        ("rejected", "Rejected", pictures.rejected(contents)),
        ("review", "Worth a look", pictures.review(contents)),
        ("fidelity", "Fidelity", tables.fidelity(contents)),
    ]


def render(contents: ReportContents | UndrawnContents) -> str:
    """Return the page as HTML text; equal contents give equal text."""
    sections = [
        ("counts", "Counts", tables.counts(contents)),
        ("choice", "Choice", tables.choice(contents.choice) if contents.choice else Html()),
        *(_of_samples(contents) if isinstance(contents, ReportContents) else ()),
        ("losses", "Losses", tables.losses(contents)),
        ("provenance", "Provenance", tables.provenance(contents)),
    ]
    shown = [(anchor, word, text) for anchor, word, text in sections if text]
    links = {anchor: word for anchor, word, _ in shown}
    return frame.page(clean(contents.title), _header(contents), links, [text for *_, text in shown])


def write_report(path: str | os.PathLike[str], contents: ReportContents | UndrawnContents) -> Path:
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
