"""Tests of gensynth.kinds.table.measures."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

from gensynth.kinds.table import measures as metrics
from gensynth.kinds.table.codec import Encoded


def encoded(numbers: object = None, codes: object = None) -> Encoded:
    n = len(numbers if numbers is not None else codes)
    x = np.empty((n, 0)) if numbers is None else np.asarray(numbers, dtype=np.float64).reshape(n, -1)
    return Encoded(x, np.empty((n, 0), dtype=np.int64) if codes is None else np.asarray(codes).reshape(n, -1))


def as_given(n_real: int, n_synthetic: int) -> np.ndarray:
    return metrics.random_splits(n_real, n_synthetic, seed=0, splits=0)


def test_a_mismatch_of_levels_counts_like_a_typical_difference_of_numbers():
    rng = np.random.default_rng(0)
    rows = encoded(rng.normal(5, 3, 500), rng.integers(0, 3, 500))
    points = metrics.Coordinates.fit(rows, [3])(rows)
    difference = points[:250] - points[250:]
    squared = (difference[:, 1:] ** 2).sum(axis=1)
    mismatch = rows.codes[:250, 0] != rows.codes[250:, 0]
    assert squared[mismatch] == pytest.approx(2) and squared[~mismatch] == pytest.approx(0)
    assert (difference[:, 0] ** 2).mean() == pytest.approx(2, rel=0.15)


def test_coordinates_of_missing_constant_and_heavy_tailed_numbers_are_finite():
    x = np.stack([[1.0, np.nan, 3, 4], [7.0] * 4, [np.nan] * 4, [0, 0, 0, 1e12]], axis=1)
    points = metrics.Coordinates.fit(encoded(x), [])(encoded(x))
    assert np.isfinite(points).all() and points.shape == (4, 6)
    assert points[1, 0] == 0 and points[:, 4].tolist() == [0, 1, 0, 0]
    assert not points[:, 1].any() and np.abs(points).max() < 2


def test_splits_keep_the_sizes_and_begin_with_the_given_one():
    splits = metrics.random_splits(3, 5, seed=1, splits=20)
    assert splits.shape == (8, 21) and (splits.sum(axis=0) == 3).all()
    assert splits[:, 0].tolist() == [True] * 3 + [False] * 5
    assert np.array_equal(splits, metrics.random_splits(3, 5, seed=1, splits=20))


def test_marginals_are_one_minus_kolmogorov_smirnov_and_one_minus_total_variation():
    rng = np.random.default_rng(0)
    x = np.round(np.concatenate([rng.normal(size=40), rng.normal(0.7, 2, 60)]), 1)  # with ties
    codes = np.array([0] * 10 + [1] * 30 + [1] * 20 + [2] * 40)
    alike = metrics.marginal_similarities(encoded(x, codes), [3], as_given(40, 60))[:, 0]
    expected = 1 - (0.25 + abs(0.75 - 1 / 3) + 2 / 3) / 2
    assert alike == pytest.approx([1 - ks_2samp(x[:40], x[40:]).statistic, expected])


def test_marginals_of_missing_numbers():
    x = np.array([1.0, np.nan, 2, 1, 2, np.nan])
    assert metrics.marginal_similarities(encoded(x), [], as_given(3, 3))[0, 0] == 1
    x = np.array([1.0, 2, 3, np.nan, np.nan, np.nan])
    assert metrics.marginal_similarities(encoded(x), [], as_given(3, 3))[0, 0] == 0
    empty = np.full(6, np.nan)
    assert metrics.marginal_similarities(encoded(empty), [], as_given(3, 3))[0, 0] == 1


def test_missing_values_are_compared_by_their_share():
    x = np.array([1.0, np.nan, 2, 1, np.nan, np.nan, np.nan, 1])
    codes = np.array([2, 2, 0, 1, 2, 0, 0, 0])
    alike = metrics.missing_similarities(encoded(x, np.stack([codes, codes], 1)), [2, -1], as_given(4, 4))
    assert alike[:, 0].tolist() == [0.5, 0.75, 1.0]


def test_pairs_of_numbers_are_compared_by_rank_correlation():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(200, 1)) + 0.5 * rng.normal(size=(200, 2))
    synthetic = rng.normal(size=(200, 2))
    _, alike = metrics.pair_similarities(encoded(np.concatenate([real, synthetic])), [], as_given(200, 200))
    r = [spearmanr(x).statistic for x in (real, synthetic)]
    assert alike[0, 0] == pytest.approx(1 - abs(r[0] - r[1]) / 2, abs=0.02)
    turned = np.concatenate([real, real * [1, -1]])
    assert metrics.pair_similarities(encoded(turned), [], as_given(200, 200))[1][0, 0] < 0.3


def test_pairs_with_levels_are_compared_by_their_joint_distribution():
    # In real rows the columns agree, in synthetic ones they are independent, with the same marginals.
    real, synthetic = [(0, 0)] * 20 + [(1, 1)] * 20, [(0, 0), (0, 1), (1, 0), (1, 1)] * 10
    codes = np.array(real + synthetic)
    places, alike = metrics.pair_similarities(encoded(codes=codes), [2, 2], as_given(40, 40))
    assert places == [(0, 1)] and alike[0, 0] == pytest.approx(0.5)
    # The same with a number in place of the first column.
    mixed = encoded(codes[:, 0] * 7.5, codes[:, 1])
    places, alike = metrics.pair_similarities(mixed, [2], as_given(40, 40))
    assert places == [(0, 1)] and alike[0, 0] == pytest.approx(0.5)


def test_places_name_the_pairs_in_order():
    rng = np.random.default_rng(0)
    n = 300
    numbers, codes = rng.normal(size=(n, 2)), rng.integers(0, 3, (n, 3))
    rows = encoded(numbers, codes)
    # Only the third level column is made to depend on the second number, among synthetic rows.
    rows.codes[n // 2 :, 2] = np.digitize(numbers[n // 2 :, 1], [-0.4, 0.4])
    places, alike = metrics.pair_similarities(rows, [3, 3, 3], as_given(n // 2, n // 2))
    assert len(places) == len(alike) == 10 and places[int(alike[:, 0].argmin())] == (1, 4)


def test_pairs_of_many_levels_and_missing_numbers():
    rng = np.random.default_rng(0)
    x = np.where(rng.random((80, 2)) < 0.3, np.nan, rng.normal(size=(80, 2)))
    _, alike = metrics.pair_similarities(encoded(x, rng.integers(0, 40, 80)), [40], metrics.random_splits(40, 40, 0, 9))
    assert alike.shape == (3, 10) and np.isfinite(alike).all() and (alike <= 1).all() and (alike >= 0).all()


@pytest.mark.parametrize("score", ["marginals", "pairs"])
def test_random_splits_tell_what_real_rows_reach(score):
    rng, ranks = np.random.default_rng(0), []
    for seed in range(40):
        rows = encoded(rng.normal(size=(50, 3)), rng.integers(0, 4, (50, 2)))
        splits = metrics.random_splits(20, 30, seed, 19)
        if score == "marginals":
            alike = metrics.marginal_similarities(rows, [4, 4], splits).mean(axis=0)
        else:
            alike = metrics.pair_similarities(rows, [4, 4], splits)[1].mean(axis=0)
        ranks.append((alike[1:] < alike[0]).mean())
    assert 0.35 < np.mean(ranks) < 0.65 and 0.02 < np.mean(np.array(ranks) < 0.2) < 0.4


def test_the_worst_is_compared_with_the_worst_of_random_splits():
    rng, p_values = np.random.default_rng(0), []
    for seed in range(60):
        splits = metrics.random_splits(30, 30, seed, 19)
        short = metrics.worst_shortfall(metrics.marginal_similarities(encoded(rng.normal(size=(60, 8))), [], splits))[2]
        p_values.append((short >= short[0]).mean())
    assert 0.35 < np.mean(p_values) < 0.7 and np.mean(np.array(p_values) <= 0.1) < 0.25
    x = rng.normal(size=(60, 8))
    x[30:, 5] += 2
    alike = metrics.marginal_similarities(encoded(x), [], metrics.random_splits(30, 30, 0, 19))
    worst, expected, short = metrics.worst_shortfall(alike)
    assert worst == 5 and expected - alike[5, 0] == pytest.approx(short[0]) and short[0] > short[1:].max()


def test_level_coverage_counts_common_levels_only():
    real, synthetic = np.array([60, 30, 8, 2]), np.array([50, 0, 0, 0])
    common, absent, expected = metrics.level_coverage(real, 100, synthetic, 50, fewest=5)
    assert common.tolist() == [0, 1] and absent.tolist() == [1]
    assert expected == pytest.approx((2 - 0.4**50 - 0.7**50) / 2)
    assert metrics.level_coverage(real, 100, synthetic, 4, fewest=5)[0].size == 0
