"""One self-contained HTML page that says whether the synthetic examples are sound and whether they help."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gensynth.report import pictures, tables
from gensynth.report.markup import Html, badge, clean, element, gain
from gensynth.samplers.base import Synthetic

if TYPE_CHECKING:
    from gensynth.data.read import Parts
    from gensynth.evaluate import Evaluation
    from gensynth.fidelity.verdict import Verdict
    from gensynth.leak import Leak

FRONT = 20

UTILITY = {
    "HELPS": "Yes: a classifier trained with these synthetic images does better on real test images.",
    "NO MEASURABLE EFFECT": "No: these synthetic images make no measurable difference on real test images.",
    "HURTS": "No: a classifier trained with these synthetic images does worse on real test images.",
    "CANNOT TELL": "This test cannot tell whether these synthetic images help.",
    "NOT TESTED": "Whether these synthetic images help has not been tested.",
}
FIDELITY = {
    "PASS": "No check objected to the synthetic images.",
    "REVIEW": "A person should look at the synthetic images before they are used.",
    "FAIL": "At least one class of synthetic images failed the checks.",
}


@dataclass(frozen=True, eq=False)
class ReportContents:
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
        leak: Does a classifier take treated images of other classes for rare ones; None where not measured.
        leak_spread: The same with treated images in every class, where they were spread.

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

    def __post_init__(self) -> None:
        checked, drawn = len(self.verdict.samples.accepted), len(self.synthetic)
        if checked != drawn:
            raise ValueError(
                f"verdict must hold one answer per synthetic sample, got {checked} answers for {drawn} "
                "samples; pass all samples that were checked, the rejected ones too."
            )
        if missing := [name for name in self.parts.train.classes if name not in self.after]:
            raise ValueError(f"after must count every class, got no count for {missing[0]!r}; count all classes.")
        for checkpoint, columns in self.history.items():
            lengths = {name: len(values) for name, values in columns.items()}
            if "step" not in columns or len(set(lengths.values())) > 1:
                raise ValueError(f"history of {checkpoint!r} must hold 'step' and losses of one length, got {lengths}.")

    @property
    def real(self) -> dict[str, int]:
        """Number of real training images by class."""
        return self.parts.train.class_counts

    @property
    def added(self) -> dict[str, int]:
        """Number of synthetic images added by class."""
        return {name: self.after[name] - n for name, n in self.real.items()}

    @property
    def treated(self) -> list[str]:
        """Classes for which samples were drawn, those with the fewest real images first."""
        drawn = np.bincount(self.synthetic.y, minlength=len(self.synthetic.classes))
        names = [name for name, n in zip(self.synthetic.classes, drawn, strict=True) if n]
        return sorted(names, key=lambda name: self.real[name])

    @property
    def front(self) -> list[str]:
        """Classes to show first, in label order: all, or of many the rare and treated ones, FRONT at most."""
        if len(self.real) <= FRONT:
            return list(self.real)
        rare = self.evaluation.rare if self.evaluation else ()
        first = list(dict.fromkeys([*rare, *self.treated, *sorted(self.real, key=self.real.__getitem__)]))
        return [name for name in self.real if name in set(first[:FRONT])]


def _tile(title: str, *children: str) -> Html:
    return element("div", element("h3", title), *children, class_="tile")


def _numbers(contents: ReportContents) -> Html:
    """Say by how much it helped, against the baseline of the headline."""
    evaluation = contents.evaluation
    finite = [c for c in evaluation.comparisons if np.isfinite(c.difference.value)] if evaluation else []
    if not evaluation:
        return element("p", "No evaluation was run.")
    if not finite:
        return element("p", "No difference could be estimated.")
    # The headline is one of the comparisons; its sentence says which.
    hardest = next((c for c in finite if c.why == evaluation.why), finite[0])
    balanced = element("p", f"Balanced accuracy: {gain(hardest.difference)}.")
    rare = hardest.rare_recall_difference
    recall = element("p", f"Rare-class recall: {gain(rare)}.") if np.isfinite(rare.value) else Html()
    against = element("p", f"Against {clean(hardest.baseline)}, the stronger baseline.", class_="small")
    return Html(balanced + recall + against)


def _header(contents: ReportContents) -> Html:
    """Return title, plain answer and the three findings in short."""
    verdict, evaluation = contents.verdict, contents.evaluation
    word = evaluation.verdict if evaluation else "NOT TESTED"
    drawn, accepted = len(contents.synthetic), int(contents.verdict.samples.accepted.sum())
    added = sum(max(0, n) for n in contents.added.values())
    gaining = sum(n > 0 for n in contents.added.values())
    status = [c.status for c in verdict.classes]
    passed = f"{status.count('PASS')} of {len(status)} classes pass."
    flow = (("drawn", drawn), ("accepted", accepted), ("added", added))
    steps = (element("li", element("b", f"{n:,}"), f" {what}") for what, n in flow)
    return element(
        "header",
        element("p", "gensynth report", class_="eyebrow"),
        element("h1", clean(contents.title)),
        element("p", UTILITY[word], class_="answer"),
        element("p", evaluation.why, class_="why") if evaluation else Html(),
        _alarm(verdict.contamination),
        element(
            "div",
            _tile("Did it help?", badge(word), _numbers(contents)),
            _tile("Are they sound?", badge(verdict.status), element("p", f"{FIDELITY[verdict.status]} {passed}")),
            _tile(
                "How many?",
                element("ul", *steps, class_="flow"),
                element("p", f"To {gaining} of {len(contents.real)} classes."),
            ),
            class_="tiles",
        ),
    )


def _alarm(contamination: int) -> Html:
    if contamination == 0:
        return Html()
    text = (
        f" {contamination} synthetic image(s) equal a validation or test image: do not trust the evaluation "
        "below before it is known why."
    )
    return element("p", element("strong", "Contamination."), text, class_="alarm", role="alert")


def render(contents: ReportContents) -> str:
    """Return the page as HTML text; equal contents give equal text."""
    sections = (
        tables.counts(contents),
        tables.utility(contents),
        tables.shortcut(contents),
        pictures.look(contents),
        pictures.nearest(contents),
        pictures.rejected(contents),
        tables.fidelity(contents),
        tables.losses(contents),
        tables.provenance(contents),
    )
    links = {"counts": "Counts", "utility": "Did it help"} | ({"shortcut": "Shortcut"} if contents.leak else {})
    links |= {"look": "Look", "nearest": "Nearest real"}
    links |= {"rejected": "Rejected", "fidelity": "Fidelity", "losses": "Losses", "provenance": "Provenance"}
    css = resources.files("gensynth.report").joinpath("page.css").read_text(encoding="utf-8")
    # Nothing may be fetched or run: only what is inside the page, and no script.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", clean(contents.title)),
        element("style", Html(css)),
    )
    contents_list = (element("a", text, href=f"#{anchor}") for anchor, text in links.items())
    body = element(
        "body",
        _header(contents),
        element("nav", *contents_list, aria_label="Contents"),
        element("main", *sections),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def write_report(path: str | os.PathLike[str], contents: ReportContents) -> Path:
    """Write the page to `path`, at once and whole: a killed run leaves the old page or the new one.

    Args:
        path: File to write, such as `run/report.html`; its folder must exist.
        contents: What to show.

    Returns:
        The path written.

    Raises:
        FileNotFoundError: if the folder of `path` does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder of the report, {path.parent}, does not exist; create it first.")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(render(contents).encode("utf-8", "backslashreplace"))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path
