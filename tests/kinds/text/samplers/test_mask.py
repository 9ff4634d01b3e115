"""Mask: which words are replaced, by which ones, and which candidate is kept."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from tiny_language_models import WORDS, shared_masked

from gensynth.kinds.text.documents import from_documents
from gensynth.kinds.text.samplers.language_models import LanguageModel
from gensynth.kinds.text.samplers.mask import Filler, Judge, Mask
from gensynth.kinds.text.samplers.words import cut, never

pytest.importorskip("transformers")


class Tokens:
    """A tokenizer that knows some tokens."""

    mask_token = "[MASK]"

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [self.tokens[i] for i in ids]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return "".join(tokens).replace("\u2581", " ").replace("\u0120", " ")


def filler(tokens: Sequence[str], kept: Sequence[str] = ()) -> Filler:
    network = SimpleNamespace(config=SimpleNamespace(vocab_size=len(tokens)))
    return Filler.of(LanguageModel(Tokens(tokens), network, 64), never(tuple(kept)))


class TestFiller:
    @pytest.mark.parametrize(
        "tokens",
        [
            ["[CLS]", "one", "##s", "not", "7", "Two", ",", "red"],
            ["<s>", "\u2581one", "s", "\u2581not", "\u25817", "\u2581Two", ",", "\u2581red"],
            ["<s>", "\u0120one", "s", "\u0120not", "\u01207", "\u0120Two", ",", "\u0120red"],
        ],
    )
    def test_fills_in_whole_words_that_may_be_touched(self, tokens: list[str]) -> None:
        assert (filler(tokens).words, filler(tokens).ids.tolist()) == (["one", "Two", "red"], [1, 5, 7])
        assert filler(tokens, ["red"]).words == ["one", "Two"]

    def test_without_words_is_refused(self) -> None:
        with pytest.raises(ValueError, match="mask needs a masked language model whose tokenizer has a mask and whole"):
            filler(["[CLS]", "one", "##s", "One"])


class TestJudge:
    TEXTS = ["win a prize", "win a free prize now", "see you at home", "see you there at home"]

    def test_takes_the_text_that_is_most_of_the_class(self) -> None:
        judge = Judge.of(from_documents(self.TEXTS, ["spam", "spam", "ham", "ham"]))
        found = ["see you win", "win a prize", "see you at home"]
        assert [judge.best(found, label) for label in (0, 1)] == ["see you at home", "win a prize"]

    @pytest.mark.parametrize("texts", [TEXTS, ["one", "two", "three", "four"]])
    def test_takes_the_first_where_nothing_tells_classes_apart(self, texts: list[str]) -> None:
        labels = ["a"] * 4 if texts is self.TEXTS else ["a", "a", "b", "b"]
        assert Judge.of(from_documents(texts, labels)).best(["see you", "win"], 0) == "see you"


def drawn(text: str, n: int = 1, **settings: Any) -> list[str]:
    found: list[str] = Mask(str(shared_masked()), **settings).fit(from_documents([text], ["a"])).sample("a", n, 0).x[:]
    return found


class TestMask:
    @pytest.mark.parametrize(("rate", "n"), [(0, 1), (0.3, 3), (1, 8)])
    def test_replaces_a_share_of_the_words_and_nothing_else(self, rate: float, n: int) -> None:
        real = "Win a FREE prize,\n not 3 at home\u2026 see you now!"
        for text in drawn(real, 5, rate=rate, keep="prize"):
            old, new = cut(real), cut(text)
            assert len(old) == len(new) and old[::2] == new[::2]
            others = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
            assert len(others) == n and not {"prize", "not", "3"} & {a for a, _ in others}
            assert all(b.lower() in WORDS and b.lower() != a.lower() and b.lower() != "not" for a, b in others)
            assert all(b.isupper() for a, b in others if a == "FREE")

    def test_draws_out_of_the_words_that_fit_best(self) -> None:
        assert len({*drawn("see you", 20, k=1, rate=1)}) == 1 < len({*drawn("see you", 20, k=5, rate=1)})

    def test_keeps_what_the_judge_finds_most_of_the_class(self) -> None:
        real = from_documents(
            ["win a prize now", "win a free prize", "see you at home", "see you at work"], list("aabb")
        )
        judge = Judge.of(real)
        one, many = (Mask(str(shared_masked()), rate=0.5, candidates=n).fit(real) for n in (1, 8))
        pairs = zip(one.sample("a", 10, 0).x[:], many.sample("a", 10, 0).x[:], strict=True)
        better = [judge.best(pair, 0) == pair[1] for pair in pairs if pair[0] != pair[1]]
        assert len(better) > 3 and all(better)

    def test_takes_long_documents_by_sentences_and_leaves_long_sentences(self) -> None:
        long, marked = "see you " * 40 + "now.", "see a [MASK] now."
        real = f"{long} Win a prize! {marked} See you."
        for text in drawn(real, 5, rate=0.02):
            assert text.startswith(f"{long} ") and marked in text and text != real
        with pytest.raises(
            ValueError, match="class 'a' has 0 documents with a word that its model can replace, and 'm"
        ):
            drawn(long)

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"k": 0}, "k must be a whole number, at least 1; got 0"),
            ({"candidates": 1.5}, "candidates must be a whole number, at least 1; got 1.5"),
            ({"rate": 2}, "rate must be a number from 0 to 1, got 2"),
            ({"temperature": 0}, "temperature must be a number above 0, got 0"),
            ({"keep": 3}, "keep must be words"),
        ],
    )
    def test_wrong_settings_are_refused(self, settings: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            drawn("see you", **settings)
