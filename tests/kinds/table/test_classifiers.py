"""Classifiers of table rows, and what `evaluate` does with tables alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from two_kinds import mixed

from gensynth.evaluate.evaluate import draw, evaluate
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.table.classifiers import Fit, Fitted, TableClassifier
from gensynth.kinds.table.config import CLASSIFIERS, TableEvaluateConfig
from gensynth.kinds.table.encoder import Encoder
from gensynth.kinds.table.models import Bins
from gensynth.kinds.table.samplers.catalog import get_table_sampler

QUICK = TableEvaluateConfig(classifiers=("logistic",), folds=3)


@pytest.mark.parametrize("model", CLASSIFIERS)
@pytest.mark.parametrize("counts", [(80, 30), (80, 30, 20)])
def test_classifiers_take_mixed_tables_and_unknown_levels(model: str, counts: tuple[int, ...]) -> None:
    train, test = mixed(counts, 0), mixed(counts, 1)
    test = replace(test, x=replace(test.x, frame=test.x.frame.assign(level="never seen")))
    encoder = Encoder(train)
    x, y = pd.DataFrame(encoder.rows(train.x.frame)), encoder.labels(train.y)
    fitted, threshold = Fit(model, encoder.is_code, True, None, 0).tuned_to(x, y, 3)
    p = fitted.corrected(pd.DataFrame(encoder.rows(test.x.frame)))
    assert p.shape == (len(test), len(counts)) and p.sum(1) == pytest.approx(1)
    assert fitted.trained == pytest.approx(1 / len(counts)) and fitted.shares == pytest.approx(
        np.sort(counts)[::-1] / sum(counts)
    )
    assert (threshold is None) == (len(counts) == 3)
    said = TableClassifier(model, encoder, 0, 3, 1).try_way("class weights", train, None, test, lambda done: None)
    assert said.score(np.ones((len(test), 1)), 1)["roc_auc"] > 0.6 and said.threshold == threshold
    assert said.raw.shape == (1, len(test), len(counts)) and said.trained == pytest.approx(1 / len(counts))


def test_bins_are_those_that_boosted_trees_make_of_unweighted_rows() -> None:
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(size=900), rng.integers(0, 9, 900), np.exp(3 * rng.normal(size=900))], axis=1)
    x[rng.random(x.shape) < 0.05] = np.nan
    y = (np.nan_to_num(x[:, 0]) + rng.normal(size=900) > 1).astype(int)
    binned = Bins().fit(x).transform(x)
    assert [len(np.unique(c[~np.isnan(c)])) for c in binned.T] == [255, 9, 255]
    p = [HistGradientBoostingClassifier(early_stopping=False).fit(z, y).predict_proba(z) for z in (x, binned)]
    assert p[0] == pytest.approx(p[1])


def test_labels_run_from_the_most_frequent_class_to_the_rarest() -> None:
    encoder = Encoder(mixed((20, 60, 40), 0))
    assert encoder.order.tolist() == [1, 2, 0] and encoder.labels(np.array([0, 1, 2])).tolist() == [2, 0, 1]


def test_left_out_rows_take_their_synthetic_children_with_them() -> None:
    train = mixed((60, 20), 0)
    encoder = Encoder(train)
    extra = encoder.extra(draw(get_table_sampler("random")().fit(train), {"b": 200}, 0), train.ids)
    x, y = pd.DataFrame(encoder.rows(train.x.frame)), encoder.labels(train.y)
    some = np.flatnonzero(np.arange(80) % 4 > 0)
    model = Fit("logistic", encoder.is_code, False, extra, 0).to(x.iloc[some], y[some])
    kept = np.isin(extra.parents[:, 0], some).sum()
    assert 0 < kept < 200 and model.n_train == len(some) + kept
    rare = (y[some] == 1).sum()
    assert model.trained == pytest.approx(np.array([len(some) - rare, rare + kept]) / (len(some) + kept))


def test_rows_made_from_unknown_rows_are_refused() -> None:
    train = mixed((60, 20), 0)
    rows = draw(get_table_sampler("random")().fit(train), {"b": 3}, 0)
    with pytest.raises(ValueError, match="made from the row '99999', which is not in train"):
        Encoder(train).extra(replace(rows, parents=(("99999",),) * 3), train.ids)


def test_smote_is_always_tested_too_and_a_threshold_changes_no_rank() -> None:
    train, test = mixed((120, 16), 0), mixed((60, 30), 1)
    rows = draw(get_table_sampler("random")().fit(train), {"b": 40}, 0)
    found = evaluate(train, {"mine": rows}, test, QUICK, quiet=True)
    arms = {a.name: a for a in found.arms}
    assert list(arms) == [REAL, THRESHOLD, WEIGHTS, "real + mine", "real + smote"]
    assert [a.n_train for a in found.arms] == [136, 136, 136, 176, 176]
    scores = {name: a.scores for name, a in arms.items()}
    assert scores[REAL]["brier"] == scores[REAL]["brier_raw"]
    assert scores["real + mine"]["brier"] != scores["real + mine"]["brier_raw"]
    assert scores[THRESHOLD]["average_precision"] == scores[REAL]["average_precision"]
    assert scores[THRESHOLD]["balanced_accuracy"] == scores[REAL]["balanced_accuracy_tuned"]
    assert set(arms[REAL].recall) == {"a", "b"} and 0 < (arms["real + mine"].threshold or 0) < 1
    few = evaluate(train, {"smote": rows}, test, QUICK, quiet=True)
    assert [c.arm for c in few.comparisons] == ["real + smote"]


def test_moving_the_threshold_trains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fits, fit = [], Fit.to

    def counted(self: Fit, x: pd.DataFrame, y: np.ndarray) -> Fitted:
        fits.append(1)
        return fit(self, x, y)

    monkeypatch.setattr(Fit, "to", counted)
    train, test = mixed((40, 16), 0), mixed((40, 16), 1)
    config = replace(QUICK, arms=(REAL, THRESHOLD, "real + synthetic", "threshold + synthetic"))
    rows = draw(get_table_sampler("random")().fit(train), {"b": 9}, 0)
    found = evaluate(train, {"smote": rows}, test, config, quiet=True)
    assert len(found.arms) == 4 and len(fits) == 2 * (1 + 3 + 3 * 3)  # and three settings in three folds


def test_of_a_large_table_a_part_is_used_in_the_same_proportions() -> None:
    train, test = mixed((900, 100), 0), mixed((400, 100), 1)
    rows = draw(get_table_sampler("bootstrap")().fit(train), {"b": 300}, 0)
    answer = evaluate(train, {"mine": rows}, test, replace(QUICK, most_rows=200), quiet=True)
    n_train = {arm.name: arm.n_train for arm in answer.arms}
    assert n_train[REAL] == 200 and n_train["real + mine"] == n_train["real + smote"] == 200 + 60
    assert sum(answer.n_test.values()) == 200 and answer.n_test["b"] == 40
    assert answer.notes[0] == "Tested with 200 of 1000 training rows and 200 of 500 test rows."


def test_wrong_tables_and_settings_are_refused() -> None:
    train, test = mixed((30, 12), 0), mixed((20, 12), 1)
    rows = draw(get_table_sampler("random")().fit(train), {"b": 4}, 0)
    with pytest.raises(ValueError, match="test has rows of 'a' only"):
        evaluate(train, {"mine": rows}, test.subset(np.flatnonzero(test.y == 0)), QUICK, quiet=True)
    with pytest.raises(ValueError, match="every class needs at least 2 rows"):
        one = train.subset(np.r_[np.flatnonzero(train.y == 0), np.flatnonzero(train.y == 1)[:1]])
        evaluate(one, {"mine": replace(rows, parents=((),) * 4)}, test, QUICK, quiet=True)
    with pytest.raises(TypeError, match="got a classifier of your own"):
        evaluate(train, rows, test, QUICK, classifier=HistGradientBoostingClassifier())
    for wrong, text in (
        ({"classifiers": ("svm",)}, "unknown classifiers .svm.; known: boosting"),
        ({"folds": 1}, "folds must be at least 2, got 1"),
        ({"arms": (REAL, "oversampled + synthetic")}, "'oversampled \\+ synthetic' are unknown"),
    ):
        with pytest.raises(ValueError, match=text):
            replace(QUICK, **wrong)
