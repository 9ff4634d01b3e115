"""The page of `gensynth check`: are these synthetic examples sound, one by one, class by class, and as a whole?"""

from __future__ import annotations

import os
from pathlib import Path

from gensynth.fidelity.privacy import Privacy
from gensynth.kind import kinds
from gensynth.report import frame, sections, shown
from gensynth.report.contents import Contents
from gensynth.report.markup import Html, clean, element, number, percent, section, table

ANSWERS = {
    "PASS": "Sound, as far as these numbers of {noun}s can tell.",
    "REVIEW": "A person should look before these {noun}s are used.",
    "FAIL": "Not sound: do not mix these {noun}s with real ones.",
}


def _how_many(contents: Contents) -> Html:
    """Say how many samples passed."""
    samples = contents.checked.samples
    counts = {
        "checked": len(samples.accepted),
        "accepted": int(samples.accepted.sum()),
        "to be looked at": sum(reason != "" for reason in samples.review),
    }
    steps = (element("li", element("b", f"{n:,}"), f" {what}") for what, n in counts.items())
    return frame.tile("How many?", element("ul", *steps, class_="flow"))


def _cost(contents: Contents) -> Html:
    """Say what the gate costs genuine examples."""
    title, cost, noun = "What does the gate cost?", contents.checked.false_reject, contents.noun
    if cost is None:
        return frame.tile(title, element("p", f"Not measured: no real {noun}s were held out."))
    words = f"of the genuine {noun}s of these classes that were held out would be rejected by the same filters."
    return frame.tile(title, element("p", element("b", percent(cost["any"])), f" {words}"))


def _privacy(found: Privacy | None, noun: str) -> Html:
    """Return what the attacks found; nothing where none was tried."""
    if found is None:
        return Html()
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
            f"Members are the real training {noun}s, non-members real {noun}s that no generator saw. Without a leak "
            "the AUC is about 0.5 and half of the samples lie nearer to members; intervals are 95 %. That these "
            "attacks find nothing proves nothing about others: only training with differential privacy gives a bound.",
            class_="small",
        ),
        table(head, rows, words=(0, 1, 9)),
    )


def render_check(contents: Contents) -> str:
    """Return the page as HTML text; equal contents give equal text."""
    answer = ANSWERS[contents.checked.status].format(noun=contents.noun)
    tiles = (frame.sound(contents), _how_many(contents), _cost(contents))
    header = frame.header(contents, "check", [answer], (), tiles)
    parts = [
        ("fidelity", "Class by class", sections.fidelity(contents)),
        ("rejected", "Rejected", shown.rejected(contents)),
        ("review", "Worth a look", shown.review(contents)),
        ("nearest", "Nearest real", shown.nearest(contents)),
        ("look", "Look", shown.look(contents)),
        ("shortcut", "Shortcut", sections.shortcut(contents)),
        ("privacy", "Privacy", _privacy(contents.privacy, contents.noun)),
        *kinds()[contents.parts.train.kind].sections(contents),
        ("provenance", "Provenance", sections.provenance(contents)),
    ]
    return frame.page(clean(contents.title), header, parts)


def write_check(path: str | os.PathLike[str], contents: Contents) -> Path:
    """Write the page to `path`, at once and whole; FileNotFoundError if its folder does not exist."""
    return frame.write_page(path, render_check(contents))
