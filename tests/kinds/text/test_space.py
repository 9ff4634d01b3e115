"""Tests of gensynth.kinds.text.space: what the gate rejects, and what sets of documents are told by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checked import drawn, of_class
from made_reviews import reviews

from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.verdict import FAIL, PASS, Verdict
from gensynth.kinds.text.documents import Documents, array_of, from_documents
from gensynth.kinds.text.space import DocumentSpace, Usual


@pytest.fixture(scope="module")
def checker() -> FidelityChecker:
    return FidelityChecker(reviews(0), [reviews(1)])


def checked(checker: FidelityChecker, texts: list[str], parents: list[str] | None = None) -> Verdict:
    """The verdict on texts as samples of the class `offer`."""
    return checker.check(drawn(Documents(array_of(texts)), [0] * len(texts), ("offer", "plain"), parents))


def offers(seed: int) -> list[str]:
    return list(of_class(reviews(seed), "offer").x[:])


@pytest.mark.parametrize(
    ("fault", "texts"),
    [
        ("empty", ["", " \n"]),
        ("long", [" ".join(offers(2))]),
        (
            "another script",
            ["Привет, как дела сегодня"],
        ),
        ("a NUL", [offers(2)[0] + "\0"]),
        ("turned around", ["\u202e" + offers(2)[0]]),
    ],
)
def test_what_cannot_be_is_invalid(checker: FidelityChecker, fault: str, texts: list[str]) -> None:
    assert {*checked(checker, texts).samples.reason} == {"invalid"}, fault


def test_what_real_documents_hold_is_no_fault() -> None:
    usual = Usual(["", "\0", "\u041f\u0440\u0438\u0432\u0435\u0442", "hello"])
    assert not any(of.any() for of in usual.faults(["", "\0\0", "\u043a\u0430\u043a", "x"]).values())


def test_a_run_of_copied_words_is_a_near_copy_and_one_of_a_parent_is_not(checker: FidelityChecker) -> None:
    real, new = offers(0), offers(2)
    half = [" ".join([*a.split()[:26], *b.split()[26:]]) for a, b in zip(real, new, strict=True)]
    ids = list(of_class(reviews(0), "offer").ids)
    silent, named = checked(checker, half), checked(checker, half, ids)
    assert np.mean([r == "dup_near" for r in silent.samples.reason]) > 0.9
    assert np.mean([r == "" for r in named.samples.reason]) > 0.8
    assert silent.samples.scores["copied_run"].min() >= 26 and named.samples.scores["copied_run"].max() < 26
    assert silent.samples.nearest[0] == ids[0]


def test_shuffled_words_and_repeated_phrases_are_told_of_the_set(checker: FidelityChecker) -> None:
    rng, new = np.random.default_rng(0), offers(2)
    assert checked(checker, new).classes[0].status == PASS
    shuffled = checked(checker, [" ".join(rng.permutation(text.split())) for text in new])
    assert shuffled.classes[0].status == FAIL and "in the order of real documents" in " ".join(shuffled.classes[0].why)
    first = [text.split(".")[0] + "." for text in new[:3]]
    repeated = checked(checker, [" ".join(rng.choice(first, 4)) for _ in new])
    assert repeated.classes[0].status == FAIL
    scores = {s.name: s for s in repeated.classes[0].scores}
    assert scores["distinct"].value < 0.5 * scores["distinct"].yardstick


def test_where_real_documents_are_nearly_the_same_a_near_copy_has_to_be_nearer() -> None:
    form = "Dear customer {}, your order has been sent today and will be with you in three days. Yours, the shop."
    names = ["Ann", "Bob", "Cy", "Di", "Ed", "Flo", "Gil", "Hal", "Ida", "Jo", "Kim", "Lou"]
    train = from_documents([*map(form.format, names), *offers(0)], ["form"] * 12 + ["offer"] * 60)
    near = DocumentSpace(train).near
    assert 0.85 < near[0] <= 0.9 and near[1] == 0.7


def test_a_sample_that_repeats_an_earlier_one_is_a_near_copy(checker: FidelityChecker) -> None:
    new = offers(2)[:4]
    verdict = checked(checker, [*new, *(f"{text} Well." for text in new)])
    assert verdict.samples.reason == ("",) * 4 + ("dup_near",) * 4


def test_of_many_documents_some_are_compared_with_and_copies_are_looked_for_among_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gensynth.kinds.text.space.MOST_REFERENCES", 20)
    train, mine = reviews(0), of_class(reviews(0), "offer")
    space = DocumentSpace(train)
    assert len(space.at) == 40 and len(space.real.points) == 40 and len(space.hashes) == 180
    copies = checked(FidelityChecker(train, space=space), [text.replace("the", "teh", 1) for text in mine.x[:]])
    assert {*copies.samples.reason} == {"dup_near"} and copies.samples.nearest == mine.ids
    parents = checked(FidelityChecker(train, space=space), [f"{text} Well." for text in mine.x[:]], list(mine.ids))
    assert {*parents.samples.reason} == {"dup_parent"}
    assert checked(FidelityChecker(train, space=space), offers(2)).classes[0].status == PASS


def test_two_different_documents_are_needed() -> None:
    with pytest.raises(ValueError, match="two different training documents"):
        DocumentSpace(from_documents(["a b", "A  b"], ["x", "y"]))
    data = reviews(0)
    assert replace(data, y=data.y).fingerprint == data.fingerprint
