"""The page of a run for images in which no sampler could be tried: why, and what to do instead."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.report import frame
from gensynth.report import sections as tables
from gensynth.report.choice import choice_section
from gensynth.report.contents import Contents
from gensynth.report.markup import badge, clean, element

if TYPE_CHECKING:
    from gensynth.choose.results import ImageChoice
    from gensynth.data.split import Parts


@dataclass(frozen=True, eq=False)
class UndrawnContents(Contents):
    """All that the page shows.

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
    choice: ImageChoice
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


def write_undrawn_report(path: str | os.PathLike[str], contents: UndrawnContents) -> Path:
    """Write the page to `path`, at once and whole; FileNotFoundError if its folder does not exist."""
    tiles = (
        frame.tile("Did it help?", badge("NOT TESTED"), element("p", "There was nothing to test.")),
        frame.sound(contents),
        frame.how_many(contents),
    )
    header = element(
        "header",
        element("p", "gensynth report", class_="eyebrow"),
        element("h1", clean(contents.title)),
        element("p", clean(contents.advice), class_="answer"),
        element("p", clean(contents.choice.why), class_="why"),
        element("div", *tiles, class_="tiles"),
    )
    links = {"counts": "Counts", "choice": "Choice", "losses": "Losses", "provenance": "Provenance"}
    sections = (
        tables.counts(contents),
        choice_section(contents.choice),
        tables.losses(contents),
        tables.provenance(contents),
    )
    return frame.write_page(path, frame.page(clean(contents.title), header, links, sections))
