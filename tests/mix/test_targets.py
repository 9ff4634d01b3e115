"""Targets: how many examples each class shall receive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.mix.targets import filled_rare, rare_classes, spread_counts, target_counts


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 10**6)), st.integers(1, 10**6))
def test_target_counts_stay_in_bounds(counts: dict[str, int], k: int) -> None:
    largest = max(counts.values(), default=0)
    balance = target_counts(counts, "balance")
    assert {name: counts[name] + more for name, more in balance.items()} == dict.fromkeys(counts, largest)
    for name, more in target_counts(counts, f"{k}x").items():
        assert 0 <= more <= balance[name]
        rare = 2 * counts[name] < largest
        assert counts[name] + more == (max(counts[name], min(counts[name] * k, largest)) if rare else counts[name])
    for name, more in target_counts(counts, str(k)).items():
        assert more >= 0 and counts[name] + more == max(counts[name], k)
    assert target_counts(counts, "1.0") == balance
    for name, more in target_counts(counts, "0.29").items():
        assert 0 <= more <= balance[name] and counts[name] + more >= round(0.29 * largest)


def test_target_counts_example() -> None:
    counts = {"a": 100, "b": 10, "c": 30}
    assert target_counts(counts, "5x") == {"a": 0, "b": 40, "c": 70}
    assert target_counts(counts, "50") == {"a": 0, "b": 40, "c": 20}
    assert target_counts(counts, "0.29") == {"a": 0, "b": 19, "c": 0}
    assert target_counts(counts, "balance") == {"a": 0, "b": 90, "c": 70}
    assert target_counts(counts | {"d": 60, "e": 0}, "rare") == {"a": 0, "b": 90, "c": 70, "d": 0, "e": 0}


def test_classes_that_are_not_rare_get_a_share_of_treated_images() -> None:
    counts = {"a": 100, "b": 10, "c": 50, "d": 49, "e": 0}
    assert rare_classes(counts) == ("b", "d", "e") and rare_classes({}) == ()
    adds = target_counts(counts, "5x")
    assert spread_counts(counts, adds) == {"a": 35, "c": 18}
    assert spread_counts(counts, {"b": 40}) == {"a": 35, "c": 18, "d": 18}


def test_a_class_that_is_filled_is_rare_only_if_it_lacks_half() -> None:
    counts = {"a": 100, "b": 10, "c": 80, "d": 99}
    adds = target_counts(counts, "balance")
    assert filled_rare(counts, adds) == ("b",) and filled_rare(counts, target_counts(counts, "200")) == ("b",)
    assert filled_rare(counts, {"b": 0, "c": 20, "d": 1}) == ("c", "d")
    # c needs 8 more than fill it, d 34 more; with 200 of each class nobody needs more.
    assert spread_counts(counts, adds) == {"a": 35, "c": 28, "d": 35}
    assert spread_counts(counts, target_counts(counts, "200")) == {}


@pytest.mark.parametrize(
    "target",
    ["", "x", "x5", "-3", "0x", "0", "2.5x", "Balance", "rarely", "5 x", "٣", "5x\n", "0.0", "1.5", ".5"],
)
def test_bad_targets_name_the_five_forms(target: str) -> None:
    with pytest.raises(ValueError, match=r"'rare'.*'balance'.*'200'.*'5x'.*'0.29'"):
        target_counts({"a": 1}, target)
