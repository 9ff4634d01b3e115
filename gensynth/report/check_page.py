"""The page of `gensynth check`: are these synthetic images sound, one by one, class by class, and as a whole?"""

from __future__ import annotations

import os
from pathlib import Path

from gensynth.fidelity.privacy import Privacy
from gensynth.kinds.image.report import pictures
from gensynth.report import frame
from gensynth.report import sections as tables
from gensynth.report.markup import Html, clean, element, number, percent, section, table
from gensynth.report.page import ReportContents

ANSWERS = {
    "PASS": "Sound, as far as these numbers of images can tell.",
    "REVIEW": "A person should look before these images are used.",
    "FAIL": "Not sound: do not mix these images with real ones.",
}


def _how_many(contents: ReportContents) -> Html:
    """Say how many samples passed."""
    samples = contents.verdict.samples
    counts = {
        "checked": len(samples.accepted),
        "accepted": int(samples.accepted.sum()),
        "to be looked at": sum(reason != "" for reason in samples.review),
    }
    steps = (element("li", element("b", f"{n:,}"), f" {what}") for what, n in counts.items())
    return frame.tile("How many?", element("ul", *steps, class_="flow"))


def _cost(contents: ReportContents) -> Html:
    """Say what the gate costs genuine images."""
    cost = contents.verdict.false_reject
    if cost is None:
        return frame.tile("What does the gate cost?", element("p", "Not measured: no real images were held out."))
    words = "of the genuine images of these classes that were held out would be rejected by the same filters."
    return frame.tile("What does the gate cost?", element("p", element("b", percent(cost["any"])), f" {words}"))


def _privacy(found: Privacy) -> Html:
    """Return what the attacks found."""
    rows = []
    for c in found.classes:
        m, d = c.membership, c.distance
        numbers = ("", "", "", "")
        if m is not None and d is not None:
            auc = f"{m.auc:.2f} ({m.interval[0]:.2f} to {m.interval[1]:.2f})"
            tpr = f"{percent(m.tpr)} ({percent(m.tpr_interval[0])} to {percent(m.tpr_interval[1])}) at {percent(m.fpr)}"
            share = f"{percent(d.share)} ({percent(d.interval[0])} to {percent(d.interval[1])})"
            numbers = (auc, tpr, share, number(c.findable))
        counts = (f"{c.n_members:,}", f"{c.n_non_members:,}", f"{c.n_synthetic:,}")
        rows.append((clean(c.label), clean(c.status), *counts, *numbers, " ".join(c.why)))
    head = (
        *("class", "answer", "members", "non-members", "samples", "AUC of the membership attack"),
        *("members found, at this share of false alarms", "nearer to members", "AUC that would be found", "in words"),
    )
    return section(
        "privacy",
        "Do the samples tell who was in the training data?",
        element("p", element("b", f"{found.status}.")),
        element(
            "p",
            "Members are the real training images, non-members real images that no generator saw. Without a leak the "
            "AUC is about 0.5 and half of the samples lie nearer to members; intervals are 95 %. That these attacks "
            "find nothing proves nothing about others: only training with differential privacy gives a bound.",
            class_="small",
        ),
        table(head, rows, words=(0, 1, 9)),
    )


def render_check(contents: ReportContents, privacy: Privacy | None = None) -> str:
    """Return the page as HTML text; equal contents give equal text."""
    header = element(
        "header",
        element("p", "gensynth check", class_="eyebrow"),
        element("h1", clean(contents.title)),
        element("p", ANSWERS[contents.verdict.status], class_="answer"),
        frame.alarm(contents),
        element("div", frame.sound(contents), _how_many(contents), _cost(contents), class_="tiles"),
    )
    sections = (
        tables.fidelity(contents),
        pictures.rejected(contents),
        pictures.review(contents),
        pictures.nearest(contents),
        pictures.look(contents),
        tables.shortcut(contents),
        _privacy(privacy) if privacy else Html(),
        tables.provenance(contents),
    )
    links = {"fidelity": "Class by class", "rejected": "Rejected"}
    links |= {"review": "Worth a look"} if any(contents.verdict.samples.review) else {}
    links |= {"nearest": "Nearest real", "look": "Look"} | ({"shortcut": "Shortcut"} if contents.leak else {})
    links |= {"privacy": "Privacy"} if privacy else {}
    return frame.page(clean(contents.title), header, links | {"provenance": "Provenance"}, sections)


def write_check(path: str | os.PathLike[str], contents: ReportContents, privacy: Privacy | None = None) -> Path:
    """Write the page to `path`, at once and whole; FileNotFoundError if its folder does not exist."""
    return frame.write_page(path, render_check(contents, privacy))
