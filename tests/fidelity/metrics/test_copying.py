"""Copies: ratios, authenticity with the canary of its widespread form, and the two tests against a holdout."""

from itertools import combinations

import numpy as np
import pytest
from checked import normal
from scipy.spatial.distance import cdist
from scipy.stats import binomtest, kstest, mannwhitneyu, rankdata

from gensynth.fidelity import metrics
from gensynth.fidelity.metrics import rank_sum


def test_near_duplicate_ratio_is_zero_for_copies_and_survives_repeated_reals():
    real = normal(30, 5, 0)
    assert metrics.near_duplicate_ratio(real, real[:4]) == pytest.approx(0)
    assert np.median(metrics.near_duplicate_ratio(real, normal(200, 5, 1))) == pytest.approx(1, abs=0.2)
    assert metrics.typical_distance(np.repeat(real, 2, axis=0)) == pytest.approx(metrics.typical_distance(real))
    assert metrics.typical_distance(np.ones((5, 2))) == 1


def wrongly_indexed(real: np.ndarray, synthetic: np.ndarray) -> float:
    """The widespread form of authenticity: distances of real rows, looked up at positions of *synthetic* ones."""
    between = cdist(real, synthetic)
    among = cdist(real, real)
    np.fill_diagonal(among, np.inf)
    to_synthetic, at = between.min(axis=1), between.argmin(axis=1)
    return float((among.min(axis=1)[at] < to_synthetic).mean())


def test_a_generator_that_repeats_one_training_row_is_not_authentic():
    real = normal(200, 16, 0)
    repeated = [np.repeat(real[[row]], 200, axis=0) for row in range(0, 200, 10)]
    assert [metrics.authenticity(real, synthetic) for synthetic in repeated] == [0] * 20
    assert np.mean([wrongly_indexed(real, synthetic) for synthetic in repeated]) == pytest.approx(0.97, abs=0.03)


def test_authenticity_of_copies_far_rows_and_a_case_worked_by_hand():
    real = normal(40, 6, 0)
    assert metrics.authenticity(real, real[:11]) == 0
    assert metrics.authenticity(real, normal(11, 6, 1, shift=20)) == 1
    line = np.array([[0.0], [1], [10]])
    # Nearest are 0, 1, 10 and 0, at 0.4 < 1, 2 > 1, 2 < 9 and 1.5 > 1.
    assert metrics.authentic(line, np.array([[0.4], [3], [12], [-1.5]])).tolist() == [False, True, False, True]


@pytest.mark.parametrize("seed", range(4))
def test_the_rank_sum_test_counts_out_all_splits_with_ties(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 4, 3 + seed).astype(float), rng.integers(0, 4, 5).astype(float)
    ranks = rankdata(np.concatenate([x, y]))
    sums = [ranks[list(at)].sum() for at in combinations(range(len(ranks)), len(x))]
    p, effect = metrics.rank_sum_test(x, y)
    assert p == pytest.approx(np.mean(np.array(sums) <= ranks[: len(x)].sum()))
    assert effect == pytest.approx(np.mean([(a < b) + (a == b) / 2 for a in x for b in y]))


@pytest.mark.parametrize(("n", "m"), [(5, 30), (30, 5), (20, 20)])
def test_the_rank_sum_test_is_scipys_where_nothing_is_tied(n, m):
    x, y = normal(n, 1, 0)[:, 0], normal(m, 1, 1, shift=0.5)[:, 0]
    assert metrics.rank_sum_test(x, y)[0] == pytest.approx(
        mannwhitneyu(x, y, alternative="less", method="exact").pvalue
    )


def test_many_values_are_approximated_as_scipy_does(monkeypatch):
    x, y = np.round(normal(60, 1, 0)[:, 0], 1), np.round(normal(70, 1, 1, shift=0.3)[:, 0], 1)
    exact = metrics.rank_sum_test(x, y)[0]
    monkeypatch.setattr(rank_sum, "EXACT", 0)
    approximate = metrics.rank_sum_test(x, y)[0]
    assert approximate == pytest.approx(mannwhitneyu(x, y, alternative="less", method="asymptotic").pvalue)
    assert approximate == pytest.approx(exact, abs=0.002)
    assert metrics.rank_sum_test(np.ones(5), np.ones(6)) == (1, 0.5)


def test_the_copying_test_is_uniform_for_fresh_rows_and_finds_copies():
    rng = np.random.default_rng(1)
    p = [metrics.copying_test(*(rng.normal(size=(n, 6)) for n in (25, 30, 30))).p_value for _ in range(200)]
    assert kstest(p, "uniform").pvalue > 0.01
    train, holdout = normal(20, 6, 0), normal(20, 6, 1)
    found = metrics.copying_test(train, holdout, train[:15] + 0.01 * normal(15, 6, 2))
    assert found == metrics.CopyingTest(found.p_value, 1.0, 20, 20, 15)
    assert found.p_value < 1e-6
    far = metrics.copying_test(train, holdout, normal(15, 6, 3, shift=9))
    assert (far.effect, far.p_value) == (0, 1)


def test_distance_share_of_copies_of_fresh_rows_and_of_ties():
    train, holdout = normal(20, 6, 0), normal(20, 6, 1)
    copied = metrics.distance_share(train, holdout, train)
    assert copied.share == 1 and copied.interval[1] == 1 and copied.p_value < 0.005
    assert metrics.distance_share(train, holdout, holdout).p_value > 0.99
    tied = metrics.distance_share(train, train, normal(30, 6, 2))
    assert tied.share == 0.5 and tied.p_value > 0.2
    assert tied.interval == metrics.wilson_interval(15, 30)


def test_distance_share_uses_as_many_rows_of_train_as_of_holdout():
    found = metrics.distance_share(normal(200, 4, 0), normal(30, 4, 1), normal(300, 4, 2))
    assert (found.n, found.n_synthetic) == (30, 300)
    assert found.share == pytest.approx(0.5, abs=0.2)


def test_distance_share_holds_its_level_with_many_samples_where_a_binomial_test_does_not():
    rng = np.random.default_rng(0)
    ours, binomial = [], []
    for seed in range(200):
        train, holdout, synthetic = (rng.normal(size=(n, 4)) for n in (20, 20, 400))
        found = metrics.distance_share(train, holdout, synthetic, seed, permutations=99)
        ours.append(found.p_value <= 0.05)
        binomial.append(binomtest(round(found.share * 400), 400, alternative="greater").pvalue <= 0.05)
    assert np.mean(ours) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(binomial) > 0.15
