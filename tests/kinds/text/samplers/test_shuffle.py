"""Shuffle: which parts of a document change places."""

from __future__ import annotations

import pytest

from gensynth.kinds.text.documents import from_documents
from gensynth.kinds.text.samplers.shuffle import Shuffle


def drawn(text: str, n: int = 60) -> set[tuple[str, str]]:
    found = Shuffle().fit(from_documents([text], ["a"])).sample("a", n, seed=0)
    return {*zip(found.how, found.x[:], strict=True)}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("One, two. Three!", {("sentences", "Three! One, two.")}),
        ('He said "No." \n She left.', {("sentences", 'She left. \n He said "No."')}),
        ("One, 3,000.5 two;\nthree.", {
            ("clauses", f"{a}, {b};\n{c}.")
            for a, b, c in (
                ("One", "three", "3,000.5 two"),
                ("3,000.5 two", "One", "three"),
                ("3,000.5 two", "three", "One"),
                ("three", "One", "3,000.5 two"),
                ("three", "3,000.5 two", "One"),
            )
        }),
        ("你好。走吧！", {("sentences", "走吧！你好。")}),
        ("你好，走吧", {("clauses", "走吧，你好")}),
        ("up\ndown", {("clauses", "down\nup")}),
    ],
)  # fmt: skip
def test_sentences_or_else_clauses_change_places(text: str, made: set[tuple[str, str]]) -> None:
    assert drawn(text) == made


@pytest.mark.parametrize("text", ["", "one two", "No. no. NO.", "...", "a" * 20_000, "." * 20_000, "\n" * 20_000])
def test_documents_of_one_part_are_not_used(text: str) -> None:
    with pytest.raises(ValueError, match="class 'a' has 0 documents of two different sentences or clauses, and 'shuf"):
        drawn(text)


def test_long_documents_keep_their_parts() -> None:
    text = "Now. " * 2_000 + "Then, " * 2_000
    ((how, made),) = drawn(text, 1)
    assert how == "sentences" and sorted(made.split()) == sorted(text.split()) and made != text
