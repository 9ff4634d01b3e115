"""What a choice says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pages import choice_of


@pytest.mark.parametrize(
    ("arm", "threshold", "says"),
    [
        ("real", 0.03, "train on the real rows as they are"),
        ("class weights", 0.03, "give every class the same weight in training"),
        ("threshold", 0.0321, "predict the rare class where its probability is at least 0.032"),
        ("threshold", None, "divide each probability by the share of its class"),
    ],
)
def test_where_no_sampler_was_chosen_it_says_what_to_do(arm: str, threshold: float | None, says: str) -> None:
    choice = replace(choice_of("table"), sampler="", to="", arm=arm, adds={}, threshold=threshold)
    assert says in choice.to_do(arm) and "It adds" not in choice.basis
    assert choice.chosen == ("class weights" if arm == "class weights" else "real")  # a threshold is moved in `real`
    assert "It adds 12 rows" in choice_of("table").basis
