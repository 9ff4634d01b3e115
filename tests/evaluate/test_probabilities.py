"""Scores of class probabilities, prior correction and thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    recall_score,
    roc_auc_score,
)

from gensynth.evaluate.probabilities import SCORES, decide, prior_correct, score, tune_threshold
from gensynth.evaluate.scores import calibration_error, ranking

AT = {name: i for i, name in enumerate(SCORES)}


def two(logit: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-logit))
    return np.stack([1 - p, p], axis=1)


def test_scores_agree_with_scikit_learn_under_any_weights() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    p = np.round(two(y + rng.normal(size=200)), 2)  # with ties
    weights = rng.integers(0, 4, (200, 3)).astype(float)
    found = score(y, p, p, 0.3, np.array([0.5, 0.5]), weights)
    for d in range(3):
        w = weights[:, d]
        hit = (p[:, 1] >= 0.3).astype(int)
        assert found[: len(SCORES) - 2, d] == pytest.approx(
            [
                average_precision_score(y, p[:, 1], sample_weight=w),
                roc_auc_score(y, p[:, 1], sample_weight=w),
                balanced_accuracy_score(y, p.argmax(1), sample_weight=w),
                balanced_accuracy_score(y, hit, sample_weight=w),
                *[brier_score_loss(y, p[:, 1], sample_weight=w)] * 2,
            ]
        )
        assert found[len(SCORES) :, d] == pytest.approx(recall_score(y, hit, average=None, sample_weight=w))


def test_more_classes_are_scored_one_against_the_rest() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    p = rng.dirichlet(np.ones(3), 150)
    p[np.arange(150), y] += 0.5
    p /= p.sum(1, keepdims=True)
    shares = np.array([0.7, 0.2, 0.1])
    found = score(y, p, p, None, shares)[:, 0]
    assert found[AT["average_precision"]] == pytest.approx(average_precision_score(np.eye(3)[y], p))
    assert found[AT["roc_auc"]] == pytest.approx(roc_auc_score(y, p, multi_class="ovr"))
    tuned = (p / shares).argmax(1)
    assert found[AT["balanced_accuracy_tuned"]] == pytest.approx(balanced_accuracy_score(y, tuned))
    assert found[len(SCORES) :] == pytest.approx(recall_score(y, tuned, average=None))
    without = score(y[y < 2], p[y < 2], p[y < 2], None, shares)[:, 0]
    assert np.isnan(without[-1]) and np.isfinite(without[:-1]).all()


def test_constant_scores_carry_no_rank() -> None:
    y = np.arange(40) < 10
    ap, auc = ranking(y, np.full(40, 0.3), np.ones((40, 1)))
    assert (ap[0], auc[0]) == pytest.approx((0.25, 0.5))


def test_calibration_error_is_the_gap_and_keeps_equal_probabilities_together() -> None:
    y = np.arange(1000) < 200
    one = np.ones((1000, 1))
    assert calibration_error(y, np.full(1000, 0.2), one)[0] == pytest.approx(0)
    assert calibration_error(y, np.full(1000, 0.5), one)[0] == pytest.approx(0.3)
    p = np.random.default_rng(0).random(20_000)
    right = np.random.default_rng(1).random(20_000) < p
    assert calibration_error(right, p, np.ones((20_000, 1)))[0] < 0.02
    assert calibration_error(right, p**2, np.ones((20_000, 1)))[0] > 0.1


def test_prior_correction_undoes_rebalancing_exactly_where_the_model_is_right() -> None:
    x = np.linspace(-3, 3, 7)
    ratio = np.exp(-0.5 * (x - 1) ** 2) / np.exp(-0.5 * x**2)  # of the two densities

    def posterior(share: float) -> np.ndarray:
        p = share * ratio / (share * ratio + 1 - share)
        return np.stack([1 - p, p], axis=1)

    corrected = prior_correct(posterior(0.5), np.array([0.5, 0.5]), np.array([0.97, 0.03]))
    assert corrected == pytest.approx(posterior(0.03))
    assert corrected.sum(1) == pytest.approx(np.ones(7))


def test_threshold_is_found_where_probabilities_are_small() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.01).astype(int)
    p = two(2 * y + rng.normal(size=20_000) - 6)
    tuned = tune_threshold(y, p[:, 1])
    best = max(balanced_accuracy_score(y, p[:, 1] >= t) for t in np.quantile(p[:, 1], np.linspace(0, 1, 200)))
    assert balanced_accuracy_score(y, decide(p, tuned, np.array([0.99, 0.01]))) > best - 0.01
    assert tuned < 0.05 and balanced_accuracy_score(y, p.argmax(1)) < 0.6
    # A gap without rows: its middle.
    assert 0.2 < tune_threshold(np.array([0, 0, 1, 1]), np.array([0.01, 0.02, 0.98, 0.99])) < 0.8
