"""The frame of a page: its head and style, the answer at its top, and how it is written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from gensynth.data.files import write_bytes
from gensynth.report.markup import Html, badge, clean, element, percent

if TYPE_CHECKING:
    from gensynth.report.contents import Contents

FIDELITY = {
    "PASS": "No check objected to the synthetic {noun}s.",
    "REVIEW": "A person should look at the synthetic {noun}s before they are used.",
    "FAIL": "At least one class of synthetic {noun}s failed the checks.",
}


def page(contents: Contents, header: Html, sections: Sequence[tuple[str, str, Html]]) -> str:
    """Return a page as HTML text.

    Args:
        contents: What it shows; gives the title.
        header: What stands at the top.
        sections: The rest: of each section its id, its word in the list of contents, and what it holds. Those that hold
            nothing are left out.
    """
    css = resources.files("gensynth.report").joinpath("page.css").read_text(encoding="utf-8")
    # Nothing may be fetched or run: only what is inside the page, and no script.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", clean(contents.title)),
        element("style", Html(css)),
    )
    shown = [of for of in sections if of[2]]
    contents_list = (element("a", word, href=f"#{anchor}") for anchor, word, _ in shown)
    body = element(
        "body",
        header,
        element("nav", *contents_list, aria_label="Contents"),
        element("main", *(text for *_, text in shown)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def header(contents: Contents, word: str, answers: Sequence[str], why: Sequence[str], tiles: Sequence[Html]) -> Html:
    """Return what stands at the top: title, plain answers, the reasons, an alarm if there is one, and the findings.

    Args:
        contents: What the page shows.
        word: The verb that made it.
        answers: Sentences in large type.
        why: Sentences in small type.
        tiles: The findings in short.
    """
    return element(
        "header",
        element("p", f"gensynth {word}", class_="eyebrow"),
        element("h1", clean(contents.title)),
        *(element("p", clean(answer), class_="answer") for answer in answers),
        *(element("p", clean(reason), class_="why") for reason in why),
        alarm(contents),
        element("div", *tiles, class_="tiles"),
    )


def tile(title: str, *children: str) -> Html:
    """Return one of the findings at the top."""
    return element("div", element("h3", title), *children, class_="tile")


def sound(contents: Contents) -> Html:
    """Say in short whether the samples are sound."""
    title, verdict = "Are they sound?", contents.verdict
    if verdict is None:
        return tile(title, badge("NOTHING TO CHECK"), element("p", f"No synthetic {contents.noun}s were drawn."))
    status = [c.status for c in verdict.classes]
    passed = f"{status.count('PASS')} of {len(status)} classes pass."
    words = FIDELITY[verdict.status].format(noun=contents.noun)
    return tile(title, badge(verdict.status), element("p", f"{words} {passed}"))


def how_many(contents: Contents) -> Html:
    """Say how many samples were drawn, accepted and added."""
    counts = {
        "drawn": 0 if contents.synthetic is None else len(contents.synthetic),
        "accepted": 0 if contents.verdict is None else int(contents.verdict.samples.accepted.sum()),
        "added": sum(max(0, n) for n in contents.added.values()),
    }
    gaining = sum(n > 0 for n in contents.added.values())
    return tile("How many?", flow(counts), element("p", f"To {gaining} of {len(contents.real)} classes."))


def how_many_passed(contents: Contents) -> Html:
    """Say how many samples passed the check."""
    samples = contents.checked.samples
    reviewed = sum(reason != "" for reason in samples.review)
    n, accepted = len(samples.accepted), int(samples.accepted.sum())
    return tile("How many?", flow({"checked": n, "accepted": accepted, "to be looked at": reviewed}))


def flow(counts: Mapping[str, int]) -> Html:
    """Return numbers with what they are of, each a part of the one before."""
    return element("ul", *(element("li", element("b", f"{n:,}"), f" {of}") for of, n in counts.items()), class_="flow")


def cost(contents: Contents) -> Html:
    """Say what the gate costs genuine examples."""
    title, found, noun = "What does the gate cost?", contents.checked.false_reject, contents.noun
    if found is None:
        return tile(title, element("p", f"Not measured: no real {noun}s were held out."))
    words = f"of the genuine {noun}s of these classes that were held out would be rejected by the same filters."
    return tile(title, element("p", element("b", percent(found["any"])), f" {words}"))


def alarm(contents: Contents) -> Html:
    """Warn where samples equal held-out examples."""
    found = contents.verdict.contamination if contents.verdict else 0
    if found == 0:
        return Html()
    text = (
        f" {found} synthetic {contents.noun}(s) equal a validation or test {contents.noun}, or were made from one: do "
        "not trust any test on those before it is known why."
    )
    return element("p", element("strong", "Contamination."), text, class_="alarm", role="alert")


def write_page(path: str | os.PathLike[str], text: str) -> Path:
    """Write a page at once and whole: a killed run leaves the old page or the new one.

    Args:
        path: File to write; its folder must exist.
        text: The page.

    Raises:
        FileNotFoundError: if the folder of `path` does not exist.
    """
    check_folder(path)
    write_bytes(Path(path), text.encode("utf-8", "backslashreplace"))
    return Path(path)


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise FileNotFoundError if the folder of a file to be written does not exist."""
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(f"{Path(path)} cannot be written, for its folder does not exist; create it first.")
