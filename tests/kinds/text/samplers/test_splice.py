"""Splice: where two documents are cut and joined."""

from __future__ import annotations

import pytest

from gensynth.kinds.text.documents import from_documents
from gensynth.kinds.text.samplers.splice import Splice


def drawn(*texts: str, n: int = 40) -> set[str]:
    return {*Splice().fit(from_documents(texts, ["a"] * len(texts))).sample("a", n, seed=0).x[:]}


@pytest.mark.parametrize(
    ("texts", "made"),
    [
        (("One two. Three four.", "Five six!  Seven eight?"), {"One two. Seven eight?", "Five six!  Three four."}),
        (("one two", "three four"), {"one four", "three two"}),
        (("这是。钱包。", "你好。走吧。"), {"这是。走吧。", "你好。钱包。"}),
        (("ok", "one two"), {"ok two", "one ok"}),
        (("ok", "no"), {"ok no", "no ok"}),
        (("same", "same"), {"same same"}),
    ],
)
def test_cuts_at_sentences_or_words_of_the_middle(texts: tuple[str, ...], made: set[str]) -> None:
    assert drawn(*texts) == made


def test_cuts_in_the_middle_half_only() -> None:
    long = "A. " + "word " * 40 + "end. B."
    assert all(60 < text.count("w") + text.count("x") < 140 for text in drawn(long * 2, long.replace("w", "x") * 2))


def test_needs_two_documents_that_hold_text() -> None:
    with pytest.raises(ValueError, match="class 'a' has 1 document that hold text, and 'splice' needs at least 2"):
        drawn("one two", "", " \n")
