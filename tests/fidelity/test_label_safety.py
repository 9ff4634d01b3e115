"""Tests of gensynth.fidelity.label_safety; each kind's recipes are tested where they stand."""

from __future__ import annotations

import numpy as np
import pytest
from made_reviews import reviews
from scipy.stats import binom

from gensynth.data.split import Parts
from gensynth.fidelity.label_safety import (
    ALL,
    CANNOT_TELL,
    SAFE,
    UNSAFE,
    Changed,
    LabelSafety,
    Survival,
    folds_of,
    held_out_of,
    label_safety,
    paired_interval,
)


def survival(recipe: str, label: str, verdict: str) -> Survival:
    return Survival(recipe, label, 50, 0.9, 0.5, 0.4, 0.3, 0.5, "other", verdict)


def test_what_cannot_be_told_follows_the_other_classes() -> None:
    verdicts = {  # over all examples, for the common class, for the rare one
        "good": (SAFE, SAFE, CANNOT_TELL),
        "bad": (UNSAFE, UNSAFE, CANNOT_TELL),
        "doubtful": (CANNOT_TELL, CANNOT_TELL, CANNOT_TELL),
        "bad for one": (SAFE, UNSAFE, CANNOT_TELL),
        "good for one": (CANNOT_TELL, CANNOT_TELL, SAFE),
    }
    pooled = tuple(survival(recipe, ALL, each[0]) for recipe, each in verdicts.items())
    by_class = tuple(
        survival(recipe, label, each[at])
        for recipe, each in verdicts.items()
        for at, label in ((1, "common"), (2, "rare"))
    )
    found = LabelSafety(("common", "rare"), pooled, by_class)
    assert found.safe_for("common") == ("good",)
    assert found.safe_for("rare") == ("good", "good for one")


@pytest.mark.parametrize(("n", "lost", "gained"), [(20, 0.05, 0.05), (50, 0.1, 0.02), (100, 0.3, 0.0), (200, 0.5, 0.1)])
def test_paired_interval_covers(n: int, lost: float, gained: float) -> None:
    """The share of all possible outcomes, by their exact probability, whose interval holds the truth."""
    covered = 0.0
    for b in range(n + 1):
        of_rest = binom.pmf(np.arange(n - b + 1), n - b, gained / (1 - lost))
        inside = [low <= lost - gained <= high for low, high in (paired_interval(b, c, n) for c in range(n - b + 1))]
        covered += float(binom.pmf(b, n, lost) * of_rest[inside].sum())
    assert covered > 0.94


def test_what_changes_nothing_is_left_out() -> None:
    found = Changed()
    found.add(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([1, 1, 1]))
    safety = label_safety(("a", "b"), {"some": found, "none": Changed()})
    assert [(row.n, row.before, row.after, row.taken_for) for row in safety.pooled] == [(3, 2 / 3, 1 / 3, "b")]
    assert [(row.label, row.fall) for row in safety.by_class] == [("a", 0.5), ("b", 0)]
    with pytest.raises(ValueError, match="no example can be changed by none"):
        label_safety(("a", "b"), {"none": Changed()})


def test_nobody_is_asked_about_what_was_learned_from() -> None:
    train, other = reviews(0, 40, 30), reviews(1, 40, 29)
    folds = [*folds_of(train, None, np.random.default_rng(0))]
    for asked, learned in folds:
        assert not {*asked.ids} & {name for name, known in zip(train.ids, learned, strict=True) if known}
    assert sorted(name for asked, _ in folds for name in asked.ids) == sorted(train.ids)
    ((asked, learned),) = folds_of(train, other, np.random.default_rng(0))
    assert learned.all() and {*asked.ids} == {*other.ids}
    assert held_out_of(Parts(train, other, other)) is None and held_out_of(Parts(other, train, other)) is train
