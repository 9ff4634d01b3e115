"""Edits: what each of them does to a text, and what none of them touches."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gensynth.kinds.text.documents import from_documents, plain
from gensynth.kinds.text.samplers.edits import OPERATIONS, Edits
from gensynth.kinds.text.shingles import SAME, overlap, shingles

SENTENCE = "The quick brown fox, not the 3 lazy dogs,\r\n  jumps over every single fence 😀 today!"


def drawn(text: str, n: int = 50, **settings: object) -> list[str]:
    return Edits(**settings).fit(from_documents([text], ["a"])).sample("a", n, seed=0).x[:]  # type: ignore[arg-type]


def letters(text: str) -> Counter[str]:
    return Counter(c for c in text.casefold() if c.isalnum())


class TestOperations:
    def test_swap_moves_words_only(self) -> None:
        assert all(letters(text) == letters(SENTENCE) for text in drawn(SENTENCE, ops="swap"))
        assert drawn("one two", ops="swap") == ["two one"] * 50

    def test_delete_leaves_single_blanks_and_a_word(self) -> None:
        assert set(drawn("one two three", ops="delete")) == {"one two", "one three", "two three"}
        assert {text.strip() for text in drawn("one two three", ops="delete", rate=1)} == {"one", "two", "three"}

    def test_insert_repeats_a_word(self) -> None:
        assert set(drawn("one two", ops="insert")) == {"one two two", "one two one"}
        assert set(drawn("钱我", ops="insert")) <= {"钱我我", "钱我钱", "钱钱我"}

    def test_punctuation_adds_marks_only(self) -> None:
        for text in drawn(SENTENCE, ops="punctuation"):
            assert letters(text) == letters(SENTENCE) and len(text) > len(SENTENCE)

    def test_typo_strikes_a_key_beside_or_exchanges_letters(self) -> None:
        for text in drawn("fox", ops="typo"):
            changed = [(a, b) for a, b in zip("fox", text, strict=True) if a != b]
            assert len(changed) == 1 and changed[0][1] in {"f": "drtgvc", "o": "iplk", "x": "zsdc"}[changed[0][0]]
        assert {t for t in drawn("мир", ops="typo") if not t.startswith("мир")} == {"имр", "мри"}

    def test_case_alone_makes_no_new_document(self) -> None:
        texts = drawn("one Two", ops="case")
        assert {text[:-1] for text in texts} == {"ONE Two", "one two"}
        assert plain("one Two") not in map(plain, texts)


@pytest.mark.parametrize("op", OPERATIONS)
def test_what_is_never_touched(op: str) -> None:
    for text in drawn(SENTENCE, ops=op, rate=1, keep="fox,lazy"):
        assert all(text.count(word) == 1 for word in ("not", " 3", "fox", "lazy", "\r\n  ", "😀"))


@pytest.mark.parametrize("text", ["", " ", "ok", "12", "not", "😀", "我", "\0", "a" * 20_000, "שלום"])
def test_something_else_is_made_of_every_document(text: str) -> None:
    assert plain(text) not in map(plain, drawn(text, n=20))


def test_settings_say_how_much_is_edited() -> None:
    text = " ".join(f"{a}{b}" for a in "klmnp" for b in "aeioubcdrs")
    few, many = (
        np.mean(
            [
                sum(a != b for a, b in zip(text.split(), t.split(), strict=True))
                for t in drawn(text, 20, rate=r, ops="typo")
            ]
        )
        for r in (0.1, 0.4)
    )
    assert (few, many) == (5, 20)


def test_results_are_no_near_copies() -> None:
    text = "I have been searching for the right words to thank you for this breather"
    real = shingles(text)
    shares = [overlap(shingles(t), real) for t in drawn(text, 200)]
    assert np.mean(np.array(shares) >= SAME) < 0.1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ops": "swop"}, "ops has no 'swop'; it has swap, delete, .* Did you mean 'swap'?"),
        ({"ops": ""}, "ops is empty; name at least one of swap"),
        ({"rate": 2}, "rate must be a number from 0 to 1, got 2"),
        ({"keep": False}, "keep must be words"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        drawn("one two", **settings)
