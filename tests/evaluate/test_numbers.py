"""Predictions of a number: skills against scikit-learn's errors, and what is kept of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error
from two_kinds import mixed

from gensynth.evaluate.kept_arms import load_outcome, save_outcome
from gensynth.evaluate.numbers import Numbers
from gensynth.evaluate.outcome import BY_CLASS, OF_NUMBERS, class_score, limits, shown


def numbers(n: int = 60, k: int = 3, seed: int = 0) -> Numbers:
    """Two models' predictions of numbers whose upper and lower tenth are rare."""
    rng = np.random.default_rng(seed)
    true = np.sort(rng.normal(100, 20, n))
    y = np.repeat([0, 1, 2], [n // 10, n - 2 * (n // 10), n // 10]).astype(np.int64)
    said = true + rng.normal(0, 10, (2, n))
    return Numbers(y, true, said, rng.integers(0, k, (2, n)), n_train=9, median=97.0, k=k, tail=(0, 2))


def test_skills_are_those_of_errors_under_weights() -> None:
    o = numbers()
    weights = np.random.default_rng(1).integers(0, 4, (60, 5)).astype(np.float32)
    found = o.score(weights, 1)
    assert {*found} == {*OF_NUMBERS, BY_CLASS} and found[BY_CLASS].shape == (5, 2, 3)
    for d, w in enumerate(weights.T):
        for repeat, said in enumerate(o.said):

            def error(of: np.ndarray, rows: np.ndarray, w: np.ndarray = w) -> float:
                return mean_absolute_error(o.true[rows], of[rows], sample_weight=w[rows])

            everyone, median = np.ones(60, dtype=bool), np.full(60, 97.0)
            by_class = np.array([[error(of, o.y == c) for c in range(3)] for of in (said, median)])
            expected = {
                "error": error(said, everyone),
                "tail_error": error(said, o.y != 1),
                "skill": 1 - error(said, everyone) / error(median, everyone),
                "balanced_skill": 1 - by_class[0].mean() / by_class[1].mean(),
            }
            assert {name: found[name][d, repeat] for name in expected} == pytest.approx(expected)
            assert found[BY_CLASS][d, repeat] == pytest.approx(1 - by_class[0] / by_class[1])


def test_the_median_has_no_skill_and_the_truth_all_of_it() -> None:
    o = numbers()
    said = np.stack([np.full(60, 97.0), o.true])
    found = Numbers(o.y, o.true, said, o.named, 9, 97.0, 3, (0, 2)).score(np.ones((60, 1)), 1)
    for name in ("skill", "balanced_skill"):
        assert found[name][0] == pytest.approx([0, 1]), name
    assert found[BY_CLASS][0] == pytest.approx(np.repeat([[0.0], [1.0]], 3, axis=1))


def test_a_range_without_examples_is_left_out_of_the_mean() -> None:
    o = numbers()
    common = o.y == 1
    weights = common[:, None].astype(float)
    found = o.score(weights, 1)
    assert found["balanced_skill"] == pytest.approx(found["skill"]) and np.isnan(found["tail_error"]).all()
    assert np.isnan(found[BY_CLASS][..., [0, 2]]).all() and np.isfinite(found[BY_CLASS][..., 1]).all()


def test_what_is_kept_is_the_same_and_damaged_files_are_nothing(tmp_path: Path) -> None:
    test, o, path = mixed((6, 48, 6), 0), numbers(), tmp_path / "arm.npz"
    save_outcome(o, path)
    again = load_outcome(path, test)
    assert isinstance(again, Numbers) and again.k == 3 and again.tail == (0, 2) and again.n_train == 9
    for name, values in o.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], values)
    for wrong in ({"said": o.said[:, 1:]}, {"said": np.full((2, 60), np.nan)}, {"tail": np.array([0, 7])}):
        with pytest.raises(ValueError, match="are not said of 60 examples of 3 classes"):
            Numbers.of_arrays(test.y, 3, o.arrays() | wrong)
    assert load_outcome(path, mixed((5, 5), 0)) is None


def test_scores_of_numbers_have_words_and_limits_of_their_own() -> None:
    assert class_score("balanced_skill") == "skill" and class_score("average_precision") == "recall"
    assert limits("skill") == (-np.inf, 1) and limits("tail_error") == (0, np.inf) and limits("roc_auc") == (0, 1)
    assert shown("tail_error", 12345.6) == "1.235e+04" and shown("balanced_skill", 0.5) == "50.0%"
