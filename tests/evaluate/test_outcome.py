"""Scores of outcomes agree with scikit-learn and imbalanced-learn, and with closed forms; priors and thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.metrics import geometric_mean_score
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    matthews_corrcoef,
    recall_score,
    roc_auc_score,
)

from gensynth.evaluate.outcome import BY_CLASS, OF_LABELS, Probabilities, rarer
from gensynth.evaluate.probabilities import decide, prior_correct, tune_threshold
from gensynth.evaluate.scores import calibration_error, geometric_mean, matthews, ranking

EVEN = np.array([0.5, 0.5])


def guesses(seed: int, sizes: tuple[int, ...], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of three repeats that are right more often than not."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    p = np.exp(rng.normal(size=(3, len(y), k)) + 1.2 * np.eye(k)[y])
    return y, (p / p.sum(-1, keepdims=True)).astype(np.float32)


def once(n: int) -> np.ndarray:
    return np.ones((n, 1), dtype=np.float32)


def two(logit: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-logit))
    return np.stack([1 - p, p], axis=1)


def test_scores_of_the_likeliest_class_agree_with_scikit_learn_and_imbalanced_learn() -> None:
    y, p = guesses(0, (30, 20, 10, 5), 4)
    found = Probabilities(y, p, 9).score(once(len(y)), 1)
    assert {*found} == {*OF_LABELS, BY_CLASS} - {name for name in OF_LABELS if name.endswith(("_raw", "_tuned"))}
    for repeat in range(3):
        given = p[repeat].argmax(-1)
        recall = recall_score(y, given, average=None)
        expected = {
            "balanced_accuracy": balanced_accuracy_score(y, given),
            "macro_f1": f1_score(y, given, average="macro"),
            "g_mean": geometric_mean_score(y, given),
            "mcc": matthews_corrcoef(y, given),
            "worst_recall": recall.min(),
            "average_precision": average_precision_score(np.eye(4)[y], p[repeat], average="macro"),
            "roc_auc": roc_auc_score(y, p[repeat], multi_class="ovr"),
        }
        assert {name: found[name][0, repeat] for name in expected} == pytest.approx(expected, abs=1e-6)
        assert found[BY_CLASS][0, repeat] == pytest.approx(recall)


def test_classes_without_examples_are_left_out() -> None:
    y, p = guesses(1, (30, 20, 10), 4)  # nothing is of the fourth class, but some is taken for it
    found = Probabilities(y, p, 9).score(once(60), 1)
    recall = found.pop(BY_CLASS)
    assert np.isnan(recall[..., 3]).all() and np.isfinite(recall[..., :3]).all()
    assert all(np.isfinite(values).all() for values in found.values())
    assert found["mcc"][0, 2] == pytest.approx(matthews_corrcoef(y, p[2].argmax(-1)), abs=1e-6)
    f1 = f1_score(y, p[2].argmax(-1), average=None, labels=[0, 1, 2])
    assert found["macro_f1"][0, 2] == pytest.approx(f1.mean(), abs=1e-6)


def test_scores_of_two_classes_are_those_of_the_rare_one_under_any_weights_and_whichever_it_is() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    p = np.round(two(y + rng.normal(size=200)), 2)  # with ties
    weights = rng.integers(0, 4, (200, 3)).astype(float)
    outcome = Probabilities(y, p[None], 9, 1, EVEN, EVEN, 0.3)
    found = outcome.score(weights, 3)
    turned = Probabilities(1 - y, p[None, :, ::-1], 9, 0, EVEN, EVEN, 0.3).score(weights, 3)
    for d in range(3):
        w, hit = weights[:, d], (p[:, 1] >= 0.3).astype(int)
        expected = {
            "average_precision": average_precision_score(y, p[:, 1], sample_weight=w),
            "roc_auc": roc_auc_score(y, p[:, 1], sample_weight=w),
            "balanced_accuracy": balanced_accuracy_score(y, p.argmax(1), sample_weight=w),
            "balanced_accuracy_tuned": balanced_accuracy_score(y, hit, sample_weight=w),
            "brier": brier_score_loss(y, p[:, 1], sample_weight=w),
            "brier_raw": brier_score_loss(y, p[:, 1], sample_weight=w),
        }
        assert {name: found[name][d, 0] for name in expected} == pytest.approx(expected)
        recall = recall_score(y, hit, average=None, sample_weight=w)
        assert found[BY_CLASS][d, 0] == pytest.approx(recall) and turned[BY_CLASS][d, 0] == pytest.approx(recall[::-1])
    for name in (*expected, "calibration_error", "mcc"):
        if name != "balanced_accuracy":  # of two equal probabilities the first class is taken
            assert turned[name] == pytest.approx(found[name]), name
    # Slow scores may answer for the first columns only, and large ones are counted in parts.
    assert outcome.score(weights, 2)["brier"].shape == (2, 1)


def test_parts_of_the_weights_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    y, p = guesses(2, (12, 8), 2)
    weights = np.random.default_rng(0).integers(0, 3, (20, 7)).astype(np.float32)
    whole = Probabilities(y, p, 9).score(weights, 7)
    monkeypatch.setattr("gensynth.evaluate.outcome.MOST_CELLS", 40)
    parts = Probabilities(y, p, 9).score(weights, 7)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_more_classes_are_scored_one_against_the_rest() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    p = rng.dirichlet(np.ones(3), 150)
    p[np.arange(150), y] += 0.5
    p /= p.sum(1, keepdims=True)
    shares = np.array([0.7, 0.2, 0.1])
    found = Probabilities(y, p[None], 9, None, shares, shares).score(once(150), 1)
    assert found["average_precision"].item() == pytest.approx(average_precision_score(np.eye(3)[y], p))
    assert found["roc_auc"].item() == pytest.approx(roc_auc_score(y, p, multi_class="ovr"))
    tuned = (p / shares).argmax(1)
    assert found["balanced_accuracy_tuned"].item() == pytest.approx(balanced_accuracy_score(y, tuned))
    assert found[BY_CLASS][0, 0] == pytest.approx(recall_score(y, tuned, average=None))
    assert found["brier"].item() == pytest.approx(((p - np.eye(3)[y]) ** 2).mean())


def test_moving_the_threshold_changes_balanced_accuracy_alone() -> None:
    y = np.repeat([0, 1], (50, 20))
    p = two(np.random.default_rng(0).normal(size=70) + 2 * y - 5)[None]
    still, moved = (Probabilities(y, p, 9, 1, EVEN, EVEN, 0.02, m).score(once(70), 1) for m in (False, True))
    assert moved["balanced_accuracy"] == moved["balanced_accuracy_tuned"] > still["balanced_accuracy"]
    assert all(np.array_equal(moved[name], still[name]) for name in moved if name != "balanced_accuracy")


def test_a_threshold_is_tuned_by_what_others_said() -> None:
    y = np.repeat([0, 1], (50, 20))
    p = two(8.0 * y - 9)[None]
    one = Probabilities(y, p, 9, 1, EVEN, EVEN)
    assert one.tuned([one]).threshold == tune_threshold(y, p[0, :, 1])
    assert Probabilities(y, p, 9).tuned([one]).threshold is None


def test_arrays_survive_and_others_are_refused() -> None:
    y, p = guesses(0, (12, 8), 2)
    for outcome in (Probabilities(y, p, 9), Probabilities(y, p, 9, 1, EVEN, EVEN, 0.3, True)):
        again = Probabilities.of_arrays(y, 2, outcome.arrays())
        assert all(np.array_equal(again.arrays()[name], array) for name, array in outcome.arrays().items())
    wrong = (p[:, 1:], p[0], 2 * p, p.astype(np.int64), np.full_like(p, np.nan))
    for raw in wrong:
        with pytest.raises(ValueError, match="are not those of 20 examples of 2 classes"):
            Probabilities.of_arrays(y, 2, Probabilities(y, p, 9).arrays() | {"raw": raw})


def test_the_rarer_class_is_the_second_of_equal_ones() -> None:
    assert [rarer(np.array(y), 2) for y in ([0, 0, 1], [0, 1, 1], [0, 1])] == [1, 0, 1]
    assert rarer(np.array([0, 1]), 3) is None


def test_extremes() -> None:
    n = np.array([6, 3])
    assert matthews(np.array([6.0, 3]), np.array([6.0, 3]), n) == 1
    assert matthews(np.array([6.0, 0]), np.array([9.0, 0]), n) == 0  # all for the first class
    assert matthews(np.array([0.0, 0]), np.array([3.0, 6]), n) == -1
    assert geometric_mean(np.array([0.25, 1.0])) == 0.5 and geometric_mean(np.array([1.0, 1.0, 0])) == 0


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
