"""Pieces: any text comes back exactly, and what stands together often becomes one."""

from __future__ import annotations

import pytest

from gensynth.kinds.text.pieces import END, Pieces

pytest.importorskip("tokenizers")
ODD = [
    "",
    " \r\n\t  two  blanks ",
    "😀😀 👩\u200d👧, ❤\ufe0f. 1\ufe0f\u20e3!",
    "שלום, אני לא בבית. نعم، ليس اليوم! \u202eevil\u202c.",
    "我没有钱，你好吗？这是一个测试。",
    "\0NUL <script>alert('x')</script>; =1+1 \ufffd",
    "हिन्दी में लिखा है, यह नहीं।",
]


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("learned_from", [["plain words, plain words"], ODD * 2])
def test_any_text_comes_back(text: str, learned_from: list[str]) -> None:
    pieces = Pieces.learn(learned_from, 300)
    numbers = pieces.numbers(text)
    assert pieces.text(numbers) == text
    assert END not in numbers and all(0 <= number < len(pieces) for number in numbers)


def test_what_stands_together_often_becomes_one() -> None:
    pieces = Pieces.learn(["banana banana", "banana split"] * 5, 400)
    assert [pieces.text([number]) for number in pieces.numbers("banana banana")] == ["banana", " banana"]
    assert len(pieces.numbers("nab")) == 3
    assert pieces == Pieces.learn(["banana banana", "banana split"] * 5, 400)


def test_no_more_than_asked_for() -> None:
    texts = ["one two three four five six seven"] * 3
    assert len(Pieces.learn(texts, 270)) == 270 and len(Pieces.learn(texts, 257)) == 257


def test_pairs_are_made_of_pieces() -> None:
    with pytest.raises(ValueError, match=r"the pair \('ab', 'c'\) is made of what is no piece"):
        Pieces((("ab", "c"),))
