"""Answers: kept whole, never asked for twice, and no more than allowed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gensynth.kinds.text.service.answers import Answers
from gensynth.kinds.text.service.service import Answer


def echo(prompt: str) -> Answer:
    return Answer(f"{prompt}!", 5, 2)


def never(prompt: str) -> Answer:
    raise AssertionError(prompt)


def test_an_answer_is_kept(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "new", echo, 10)
    assert answers("a", 1) == answers("a", 1) == Answer("a!", 5, 2)
    assert answers("a", 2) == Answer("a!", 5, 2) and answers("b", 1).text == "b!" and answers.asked == 3
    later = Answers(tmp_path / "new", never, 10)
    assert later("b", 1).text == "b!" and later.asked == 0
    assert sorted(answer.text for answer in later.all()) == ["a!", "a!", "b!"]


def test_any_text_is_kept(tmp_path: Path) -> None:
    for at, text in enumerate(("", "\0", "\ud800", "\r\n\u2028", "שלום")):
        first = Answers(tmp_path, lambda prompt, text=text: Answer(text), 10)("?", at)
        assert first == Answers(tmp_path, never, 10)("?", at) == Answer(text)


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    def fails(prompt: str) -> Answer:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        Answers(tmp_path, fails, 10)("a", 1)
    assert not list(tmp_path.glob("*")) and Answers(tmp_path, echo, 10)("a", 1).text == "a!"


def test_the_bound_counts_earlier_runs(tmp_path: Path) -> None:
    Answers(tmp_path, echo, 2)("a", 1)
    answers = Answers(tmp_path, echo, 2)
    answers("a", 2)
    with pytest.raises(ValueError, match="max_calls=2 answers were asked for"):
        answers("a", 3)
    assert answers("a", 1).text == "a!" and len(list(tmp_path.glob("*"))) == 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"text": 3}', json.dumps({"text": "a", "more": 1})])
def test_a_damaged_file_is_told(tmp_path: Path, content: str) -> None:
    Answers(tmp_path, echo, 9)("a", 1)
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    with pytest.raises(ValueError, match="is not an answer of a language model: .*; delete it, and it is asked for"):
        Answers(tmp_path, echo, 9)("a", 1)
