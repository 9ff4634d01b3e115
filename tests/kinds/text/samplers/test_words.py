"""Words: texts are cut without loss, and what carries a meaning of its own is found."""

from __future__ import annotations

import pytest

from gensynth.kinds.text.samplers.words import check_share, cut, listed, never, touchable


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't  stop,\r\nwell-known\tcafé!", ["Don't", "stop", "well-known", "café"]),
        ("pay 3.50 at www.example.org/a or a@b.co :-)", "pay 3.50 at www.example.org/a or a@b.co".split()),
        ("我没有钱。", ["我", "没有", "钱"]),
        ("これはペンではない", [*"これはペンでは", "ない"]),
        ("हिन्दी में, नहीं", ["हिन्दी", "में", "नहीं"]),
        ("שלום לך \u202eעולם", ["שלום", "לך", "עולם"]),
        ("e\u0301te\u0301 ❤\ufe0f ok 1\ufe0f\u20e3", ["e\u0301te\u0301", "ok", "1\ufe0f\u20e3"]),
        ("👩\u200d👧 😀", []),
        ("", []),
        ("\0<script>\0", ["script"]),
    ],
)
def test_cut_finds_words_and_loses_nothing(text: str, words: list[str]) -> None:
    pieces = cut(text)
    assert "".join(pieces) == text
    assert pieces[1::2] == words


@pytest.mark.parametrize("text", ["." * 50_000, "a." * 50_000, "a-" * 50_000 + "!", " " * 50_000, "\u0301" * 50_000])
def test_cut_takes_long_runs(text: str) -> None:
    assert "".join(cut(text)) == text


def test_numbers_negations_and_kept_words_are_not_touched() -> None:
    kept = never(("Straße",))
    safe = ["not", "NEVER", "don't", "DIDN’T", "nicht", "pas", "не", "नहीं", "没有", "8", "3rd", "4u", "STRASSE"]
    assert not any(touchable(word, kept) for word in safe)
    assert all(touchable(word, kept) for word in ["knot", "well-known", "Stadt", "我", "it's"])


def test_settings_are_words_or_text_with_commas() -> None:
    assert listed("swap, delete,", "ops") == listed(["swap", "delete"], "ops") == ("swap", "delete")
    for wrong in (False, 3, [1], None):
        with pytest.raises(ValueError, match="keep must be words, such as .* got "):
            listed(wrong, "keep")


@pytest.mark.parametrize("wrong", [-0.1, 1.1, True, "0.5", None, float("nan")])
def test_a_share_is_a_number_from_0_to_1(wrong: object) -> None:
    with pytest.raises(ValueError, match="rate must be a number from 0 to 1, got "):
        check_share("rate", wrong)
