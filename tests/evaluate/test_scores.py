"""Scores of classifiers agree with scikit-learn and imbalanced-learn, and with closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.metrics import geometric_mean_score
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    recall_score,
)

from gensynth.evaluate.intervals import COUNTED, resampled_scores
from gensynth.evaluate.scores import calibration_error, geometric_mean, matthews, top_calibration_error


def guesses(seed: int, sizes: tuple[int, ...], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of two arms and three seeds that are right more often than not."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    logits = rng.normal(size=(2, 3, len(y), k)) + 1.2 * np.eye(k)[y]
    p = np.exp(logits)
    return y, (p / p.sum(-1, keepdims=True)).astype(np.float32)


def test_scores_agree_with_scikit_learn_and_imbalanced_learn() -> None:
    y, p = guesses(0, (30, 20, 10, 5), 4)
    counted, ranked = resampled_scores(p, y, np.random.default_rng(0), draws=3)
    assert counted.shape == (4, 2, 3, len(COUNTED) + 4) and ranked.shape == (4, 2, 3, 2)
    for arm in range(2):
        for seed in range(3):
            given = p[arm, seed].argmax(-1)
            recall = recall_score(y, given, average=None)
            assert counted[0, arm, seed] == pytest.approx(
                [
                    balanced_accuracy_score(y, given),
                    f1_score(y, given, average="macro"),
                    geometric_mean_score(y, given),
                    matthews_corrcoef(y, given),
                    recall.min(),
                    *recall,
                ],
                abs=1e-6,
            )
            expected = average_precision_score(np.eye(4)[y], p[arm, seed], average="macro")
            assert ranked[0, arm, seed, 0] == pytest.approx(expected, abs=1e-6)


def test_classes_without_test_images_are_left_out() -> None:
    y, p = guesses(1, (30, 20, 10), 4)  # nothing is of the fourth class, but some is taken for it
    counted, ranked = resampled_scores(p, y, np.random.default_rng(0), draws=2)
    assert np.isnan(counted[..., -1]).all() and np.isfinite(counted[..., :-1]).all() and np.isfinite(ranked).all()
    given = p[1, 2].argmax(-1)
    assert counted[0, 1, 2, 3] == pytest.approx(matthews_corrcoef(y, given), abs=1e-6)
    f1 = f1_score(y, given, average=None, labels=[0, 1, 2])
    assert counted[0, 1, 2, 1] == pytest.approx(f1.mean(), abs=1e-6)


def test_resamples_score_what_they_hold() -> None:
    """A resample's average precision is that of the images it holds, as often as it holds them."""
    y, p = guesses(2, (12, 8), 2)
    _, ranked = resampled_scores(p, y, np.random.default_rng(5), draws=4)
    rng = np.random.default_rng(5)
    weights = [rng.multinomial(n, np.full(n, 1 / n), size=4) for n in (12, 8)]
    rows = np.repeat(np.arange(20), np.concatenate([weights[0][3], weights[1][3]]))
    expected = average_precision_score(np.eye(2)[y[rows]], p[0, 0][rows], average="macro")
    assert ranked[4, 0, 0, 0] == pytest.approx(expected, abs=1e-6)


def test_extremes() -> None:
    n = np.array([6, 3])
    assert matthews(np.array([6.0, 3]), np.array([6.0, 3]), n) == 1
    assert matthews(np.array([6.0, 0]), np.array([9.0, 0]), n) == 0  # all for the first class
    assert matthews(np.array([0.0, 0]), np.array([3.0, 6]), n) == -1
    assert geometric_mean(np.array([0.25, 1.0])) == 0.5 and geometric_mean(np.array([1.0, 1.0, 0])) == 0


def test_calibration_error_in_closed_form() -> None:
    """N images of two classes, all with p = 0.8, of which a share q is right: the error is |0.8 - q|."""
    p = np.tile([0.8, 0.2], (100, 1))
    for right in (100, 80, 50, 0):
        y = (np.arange(100) >= right).astype(int)
        assert top_calibration_error(y, p, np.ones((100, 1)))[0] == pytest.approx(abs(0.8 - right / 100))
    # Two groups of different confidence, each off by its own gap, weighted by their sizes.
    p = np.r_[np.tile([0.9, 0.1], (30, 1)), np.tile([0.4, 0.6], (70, 1))]
    y = np.r_[np.zeros(15), np.ones(15), np.ones(70)].astype(int)
    assert top_calibration_error(y, p, np.ones((100, 1)))[0] == pytest.approx(0.3 * 0.4 + 0.7 * 0.4)
    # Weights count as copies.
    double = calibration_error(np.array([True, False]), np.array([0.7, 0.7]), np.array([[3.0], [1.0]]))
    assert double[0] == pytest.approx(0.05)
