"""One self-contained HTML page that says whether synthetic rows of a table are sound and whether they help."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.table.report import answers as table_answers
from gensynth.kinds.table.report import look as table_look
from gensynth.kinds.table.rows import rows_of
from gensynth.report import frame
from gensynth.report import sections as tables
from gensynth.report.contents import Contents
from gensynth.report.markup import Html, badge, clean, element, number
from gensynth.report.utility import gains, utility
from gensynth.sampler.synthetic import Synthetic

if TYPE_CHECKING:
    from gensynth.choose.results import Choice
    from gensynth.data.split import Parts
    from gensynth.evaluate.results import Evaluation
    from gensynth.fidelity.verdict import Verdict


@dataclass(frozen=True, eq=False)
class TableReportContents(Contents):
    """All that the page shows.

    Attributes:
        title: Heading of the page.
        parts: The real data, kind "table": train, validation and test.
        synthetic: All rows drawn, accepted and rejected; None where nothing was drawn.
        verdict: The fidelity checker's answer; its samples are in the order of `synthetic`. None where nothing was
            drawn.
        evaluation: The answer to whether it helped, or None where that was not tested.
        choice: How the way to treat the rare classes was chosen, or None where a sampler was named.
        after: Number of training rows by class after mixing.
        history: Losses by network: `"step"` and one list of the same length per loss name; empty where none was
            trained.
        provenance: Command, versions, seeds and times, as rows of a table.
        notes: Further sentences for the reader.

    Raises:
        ValueError: if verdict and synthetic differ in length, or `after` or `history` is incomplete.
        TypeError: if the data are no table.
    """

    title: str
    parts: Parts
    synthetic: Synthetic | None
    verdict: Verdict | None
    evaluation: Evaluation | None
    choice: Choice | None
    after: dict[str, int]
    history: dict[str, dict[str, list[float]]]
    provenance: dict[str, str]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rows_of(self.parts.train)
        self.check()


def _answer(contents: TableReportContents) -> str:
    """Say in one or two sentences what is best."""
    choice, evaluation, real = contents.choice, contents.evaluation, contents.real
    tested = frame.UTILITY[evaluation.verdict if evaluation else "NOT TESTED"].format(noun=contents.noun)
    if choice is None:
        return tested
    if choice.arm == REAL:
        return "Doing nothing is best: train on the real rows as they are."
    if choice.arm == WEIGHTS:
        return "Class weights are best: let every class weigh the same in training, and add no rows."
    if choice.arm == THRESHOLD:
        if choice.threshold is None:
            return "Add no rows, and move the threshold: divide each probability by the share of its class."
        rare = min(reversed(real), key=lambda name: real[name])
        return (
            f"Add no rows, and move the threshold: predict '{clean(rare)}' where its probability is at least "
            f"{number(choice.threshold)}."
        )
    return f"Filling with {clean(choice.sampler)} to {clean(choice.to)} did best on the training rows. {tested}"


def _header(contents: TableReportContents) -> Html:
    """Return title, plain answer and the three findings in short."""
    evaluation, choice = contents.evaluation, contents.choice
    return element(
        "header",
        element("p", "gensynth report", class_="eyebrow"),
        element("h1", clean(contents.title)),
        element("p", _answer(contents), class_="answer"),
        *(element("p", of.why, class_="why") for of in (choice, evaluation) if of is not None),
        frame.alarm(contents),
        element(
            "div",
            frame.tile("Did it help?", badge(evaluation.verdict if evaluation else "NOT TESTED"), gains(contents)),
            frame.sound(contents),
            frame.how_many(contents),
            class_="tiles",
        ),
    )


def render(contents: TableReportContents) -> str:
    """Return the page as HTML text; equal contents give equal text."""
    sections = (
        tables.counts(contents),
        tables.choice(contents.choice),
        utility(contents),
        table_look.look(contents),
        table_look.nearest(contents),
        table_look.rejected(contents),
        tables.fidelity(contents),
        tables.losses(contents) if contents.history else Html(),
        table_answers.columns(contents),
        tables.provenance(contents),
    )
    links = {"counts": "Counts", "choice": "Choice", "utility": "Did it help", "look": "Look"}
    links |= {"nearest": "Nearest real", "rejected": "Rejected", "fidelity": "Fidelity"}
    links |= ({"losses": "Losses"} if contents.history else {}) | {"schema": "Columns", "provenance": "Provenance"}
    return frame.page(clean(contents.title), _header(contents), links, sections)


def write_table_report(path: str | os.PathLike[str], contents: TableReportContents) -> Path:
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
