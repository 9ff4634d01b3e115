"""Folds: cross-validation in which samplers are fitted anew, for all kinds of data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from two_kinds import CASES, mixed, shapes

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.folds import Folds, cross_validate
from gensynth.evaluate.ways import REAL
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.kinds.table.samplers.catalog import get_table_sampler

QUICK = CASES["table"].config


class Broken(SmoteSampler):
    """A sampler that learns nothing."""

    def _fit(self, data: LabeledData) -> None:
        raise ValueError("it is broken.")


def test_exact_copies_stay_in_one_fold() -> None:
    train = mixed((60, 20), 0)
    twice = train.subset(np.r_[np.arange(80), np.arange(80)])
    folds = Folds(replace(twice, ids=tuple(map(str, range(160)))), 4, 2, 0)
    assert len(folds.splits) == 8 and folds.ratio == pytest.approx(1 / 3)
    for rows in folds.splits:
        assert set(rows % 80) == set(rows[rows < 80]) and len(rows) == 40
        assert (folds.train.y[rows] == 1).sum() == 10
    with pytest.raises(ValueError, match="fewer than 2 different rows of 'b'"):
        Folds(train.subset(np.r_[np.flatnonzero(train.y == 0), [np.flatnonzero(train.y == 1)[0]] * 5]), 4, 2, 0)


@pytest.mark.parametrize("kind", list(CASES))
def test_cross_validation_fits_samplers_anew_on_every_split(kind: str) -> None:
    case = CASES[kind]
    train = case.make((90, 15, 15), 0)
    sampler = SmoteSampler() if kind == "image" else get_table_sampler("random")()
    config = replace(case.config, arms=(REAL, "real + synthetic"))

    def found():
        return cross_validate(train, {"mine": sampler}, {"c": 30}, config, folds=3, repeats=2, quiet=True)

    first = found()
    assert first == found()
    arms = {a.name: a for a in first.arms}
    assert {*arms} == {REAL, "real + mine"} | ({"real + smote"} if kind == "table" else set())
    assert arms["real + mine"].n_train == 100 and arms[REAL].n_train == 80 and first.splits == 6
    assert (
        not hasattr(sampler, "data_")
        and first.positive is None
        and first.rare == ("c",)
        and arms[REAL].threshold is None
    )
    assert first.n_test == {"a": 90, "b": 15, "c": 15} and "from 6 splits" in first.intervals


def test_of_two_classes_the_threshold_is_tuned_on_the_other_folds() -> None:
    train = mixed((60, 20), 0)
    found = cross_validate(train, {"mine": get_table_sampler("random")()}, {"b": 20}, QUICK, 3, 1, quiet=True)
    arms = {a.name: a for a in found.arms}
    assert 0 < (arms[REAL].threshold or 0) < 1
    assert arms["threshold"].scores["balanced_accuracy"] == arms[REAL].scores["balanced_accuracy_tuned"]


def test_what_cannot_be_cross_validated_is_refused() -> None:
    train, sampler = mixed((30, 12), 0), {"mine": get_table_sampler("random")()}
    with pytest.raises(ValueError, match="nothing is to be added"):
        cross_validate(train, sampler, {"b": 0}, QUICK)
    with pytest.raises(ValueError, match="'real \\+ ungated' cannot be cross-validated"):
        cross_validate(train, sampler, {"b": 5}, replace(QUICK, arms=(REAL, "real + synthetic", "real + ungated")))
    with pytest.raises(ValueError, match="mine: it is broken"):
        one = replace(CASES["image"].config, arms=(REAL, "real + synthetic"))
        cross_validate(shapes((9, 3), 0), {"mine": Broken()}, {"b": 5}, one, folds=3, quiet=True)
