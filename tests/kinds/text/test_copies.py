"""Tests of what copies of documents are told by: gensynth.kinds.text.shingles, .runs and .order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_reviews import reviews
from scipy.sparse.csgraph import connected_components

from gensynth.kinds.text.codes import codes
from gensynth.kinds.text.documents import plain
from gensynth.kinds.text.features import words
from gensynth.kinds.text.order import Order
from gensynth.kinds.text.runs import LEAST, Runs
from gensynth.kinds.text.shingles import LONG, SAME, Index, Sketches, overlap, shingles, templates

LONG_TEXT = "the quick brown fox jumps over the lazy dog while the cat sleeps in the warm afternoon sun near a wall"


@given(st.text(max_size=60), st.text(max_size=60))
def test_overlap_is_that_of_the_sets_of_runs_of_characters(a: str, b: str) -> None:
    def grams(text: str) -> set[str]:
        t = plain(text)
        return {t[i : i + LONG] for i in range(max(1, len(t) - LONG + 1))}

    one, two = grams(a), grams(b)
    assert overlap(shingles(a), shingles(b)) == pytest.approx(len(one & two) / len(one | two))


def test_an_index_finds_what_is_nearly_the_same_and_little_else() -> None:
    texts = reviews(0).x[:]
    index = Index(Sketches.of(texts))
    asked = {i: texts[i].replace("the", "teh", 1) for i in (0, 50, 170)}
    for i, alike in zip(asked, index.alike(Sketches.of([*asked.values()])), strict=True):
        near = {at: overlap(shingles(asked[i]), index.sketches.found[at]) for at in alike}
        assert alike[0] == max(near, key=lambda at: near[at]) == i and near[i] > 0.8
        assert all(share < 0.7 for at, share in near.items() if at != i)


def test_sketches_made_together_are_those_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["", "a", LONG_TEXT, *reviews(0).x[:20]]
    monkeypatch.setattr("gensynth.kinds.text.shingles.BLOCK", 200)
    together, alone = Sketches.of(texts), [Sketches.of([text]) for text in texts]
    assert np.array_equal(together.bands, np.concatenate([each.bands for each in alone]))
    assert len(Sketches.of([]).bands) == 0


def test_templates_are_chains_of_near_copies() -> None:
    texts = [LONG_TEXT + f" number {i}" for i in range(3)] + ["something else"] + ["", ""]
    found = templates(texts)
    assert len({*found[:3]}) == 1 and found[3] not in (found[0], found[4]) and found[4] == found[5]


def test_templates_are_those_of_all_pairs() -> None:
    rng, made = np.random.default_rng(0), reviews(0).x[:40]
    texts = [*made, *(text.replace("the", str(rng.integers(99)), 1) for text in made[:20] for _ in range(3))]
    near = np.array([[overlap(shingles(a), shingles(b)) >= SAME for b in texts] for a in texts])
    assert np.array_equal(templates(texts), connected_components(near)[1])


def test_the_longest_run_of_words_is_found_and_those_of_parents_left_out() -> None:
    real = [LONG_TEXT, "a completely different text of some nine words here"]
    runs, said = Runs([*map(codes, real)]), " ".join(LONG_TEXT.split()[3:12])
    assert runs.longest(codes(f"well {said} indeed")) == 9 and runs.longest(codes(f"well {said} indeed"), {0}) == 0
    assert runs.longest(codes(f"{said} {real[1]}"), {0}) == 9 and runs.longest(codes("short one")) == 0
    assert (
        runs.longest(codes(" ".join(LONG_TEXT.split()[: LEAST - 1]))) == 0 and Runs([]).longest(codes(LONG_TEXT)) == 0
    )


@given(st.lists(st.sampled_from("abcde"), max_size=30), st.lists(st.sampled_from("abcde"), max_size=30))
def test_runs_agree_with_a_plain_search(a: list[str], b: list[str]) -> None:
    grams = {tuple(a[i : i + LEAST]) for i in range(len(a) - LEAST + 1)}
    longest = run = 0
    for i in range(len(b) - LEAST + 1):
        run = run + 1 if tuple(b[i : i + LEAST]) in grams else 0
        longest = max(longest, run)
    assert Runs([codes(" ".join(a))]).longest(codes(" ".join(b))) == (longest + LEAST - 1 if longest else 0)


def test_shuffled_words_are_in_no_order() -> None:
    train, fresh = reviews(0).x[:], reviews(1).x[:]
    order, rng = Order([*map(codes, train)]), np.random.default_rng(0)
    shuffled = [" ".join(rng.permutation(words(text))) for text in fresh]
    real, theirs = (np.array([order(codes(text)) for text in texts]) for texts in (fresh, shuffled))
    assert np.nanmedian(order.real) > 0.8 and np.nanmedian(real) > 0.8
    assert abs(np.nanmean(theirs)) < 0.15 and np.isnan(order(codes("unknown words that nobody has written")))
    assert np.isnan(Order([])(codes("any text at all, of some length"))) and np.isnan(order(codes("")))


def test_words_are_those_of_any_script() -> None:
    assert words("Don't stop, O\u2019Neill_1!") == ["don't", "stop", "o\u2019neill", "1"]
    assert words("\u6211\u7231\u4f60 ok") == ["\u6211", "\u7231", "\u4f60", "ok"]
    assert words("русский عربي") == ["русский", "عربي"]
