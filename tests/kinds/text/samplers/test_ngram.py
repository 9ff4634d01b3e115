"""NGram: the chain has the probabilities of the textbook, and its documents are like those of the class."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gensynth.kinds.text.documents import from_documents, plain
from gensynth.kinds.text.samplers.ngram import EDGE, Chain, NGram, tokens

COLOURS = ["the red fox sees the dog", "the dog sees a red fox", "a red dog sees the fox", "the fox sees a dog"]
SEA = ["the ship sails over a sea", "a red ship sails to the sea", "over the sea a ship sails"]


def fitted(**settings: object) -> NGram:
    data = from_documents([*COLOURS, *SEA], ["land"] * len(COLOURS) + ["sea"] * len(SEA))
    return NGram(**settings).fit(data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["Don't  stop,\r\n now!!", "", " \n ", "😀👩\u200d👧!", "我没有钱。ok", "\0<b>", "x" * 9 + " " * 50_000, "_a_"],
)
def test_tokens_lose_nothing(text: str) -> None:
    assert "".join(tokens(text)) == text
    assert tokens("Don't stop, now!!") == ["Don't", " stop", ",", " now", "!!"]


class TestChain:
    def test_has_the_probabilities_of_kneser_and_ney(self) -> None:
        # Pairs: .a 3, ab 2, ac 1, b. 1, bc 1, c. 2 ('.' is the edge); once 3, twice 2, so D = 3 / 7.
        chain = Chain([["a", "b"], ["a", "c"], ["a", "b", "c"]], order=2)
        discount = 3 / 7
        before = {"a": 1, "b": 1, "c": 2, EDGE: 2}  # different tokens before each, 6 pairs
        wanted = {w: discount * 2 / 3 * n / 6 for w, n in before.items()}
        wanted["b"] += (2 - discount) / 3
        wanted["c"] += (1 - discount) / 3
        rng, n = np.random.default_rng(0), 20_000
        drawn = Counter(chain.next(("a",), rng) for _ in range(n))
        assert sum(wanted.values()) == pytest.approx(1)
        for word, share in wanted.items():
            assert abs(drawn[word] / n - share) < 4 * np.sqrt(share / n)

    def test_an_unknown_context_is_shortened(self) -> None:
        chain = Chain([["a", "b"], ["a", "c"]], order=3)
        rng = np.random.default_rng(0)
        assert {chain.next(("x", "y"), rng) for _ in range(200)} == {"a", "b", "c", EDGE}
        assert chain.knows("a") and chain.knows(EDGE) and not chain.knows("x")


class TestNGram:
    def test_words_are_of_the_class_unless_borrowed(self) -> None:
        own = {word for text in COLOURS for word in text.split()}
        alone, borrowing = (fitted(borrow=b).sample("land", 100, 0) for b in (0.0, 0.5))
        assert {word for text in alone.x[:] for word in text.split()} == own
        assert {word for text in borrowing.x[:] for word in text.split()} > own
        assert {*alone.how} == {"chain"} and {*borrowing.how} >= {"borrow"}
        assert {*alone.parents} == {()}

    def test_is_never_longer_than_the_class_nor_a_copy(self) -> None:
        texts = fitted(borrow=0.2).sample("land", 200, 0).x[:]
        assert max(len(tokens(text)) for text in texts) <= 6
        assert not {*map(plain, texts)} & {"", *COLOURS, *SEA}

    def test_draws_a_copy_where_nothing_else_is_possible(self) -> None:
        data = from_documents(["ok", "no no"], ["a", "b"])
        assert NGram().fit(data).sample("a", 2, 0).x[:] == ["ok", "ok"]

    def test_a_class_alone_borrows_nothing(self) -> None:
        assert {*NGram(borrow=1).fit(from_documents(COLOURS, ["a"] * 4)).sample("a", 20, 0).how} == {"chain"}

    def test_learns_from_some_of_many_documents(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gensynth.kinds.text.samplers.ngram.MOST", 7)
        words = {word for text in fitted().sample("land", 60, 0).x[:] for word in text.split()}
        assert words <= {word for text in COLOURS for word in text.split()} and words

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"order": 1}, "order must be a whole number from 2 to 10, got 1"),
            ({"order": 2.5}, "order must be a whole number from 2 to 10, got 2.5"),
            ({"order": True}, "order must be a whole number"),
            ({"borrow": 1.5}, "borrow must be a number from 0 to 1, got 1.5"),
        ],
    )
    def test_wrong_settings_are_refused(self, settings: dict[str, object], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            fitted(**settings)
