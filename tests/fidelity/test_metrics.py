"""Tests of gensynth.fidelity.metrics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from gensynth.fidelity import metrics
from gensynth.fidelity.metrics import distances


def normal(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def test_kid_of_a_case_worked_by_hand():
    real = np.array([[1.0, 0], [0, 1], [1, 1]])
    synthetic = np.array([[1.0, 0], [2, 0], [0, 2]])
    assert metrics.kid(real, synthetic) == pytest.approx(-3.3611111111, abs=1e-9)


def test_kid_is_unbiased():
    values = np.array([metrics.kid(normal(20, 16, s), normal(30, 16, s + 1000)) for s in range(300)])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))


def test_kid_does_not_depend_on_the_block_size(monkeypatch):
    real, synthetic = normal(40, 8, 0), normal(30, 8, 1)
    whole = metrics.kid(real, synthetic)
    monkeypatch.setattr(distances, "BLOCK", 7)
    assert metrics.kid(real, synthetic) == pytest.approx(whole, rel=1e-10)


def test_kid_needs_two_rows_of_each():
    with pytest.raises(ValueError, match="at least 2 real and 2 synthetic rows, got 1 and 5"):
        metrics.kid(normal(1, 3, 0), normal(5, 3, 1))


def test_permutation_test_holds_its_size_and_sees_a_shift():
    rng = np.random.default_rng(12345)
    pairs = rng.normal(size=(200, 2, 20, 8))
    null = [metrics.kid_permutation_test(real, other, 10**6 + s, 99) for s, (real, other) in enumerate(pairs)]
    assert np.mean(np.array(null) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert metrics.kid_permutation_test(normal(30, 8, 0), normal(30, 8, 1, shift=1.0), 0, 199) == 1 / 200


def test_permutation_test_counts_ties_against_a_difference():
    same = np.ones((6, 2))
    assert metrics.kid_permutation_test(same, same, 0, 50) == 1.0


@pytest.mark.parametrize(
    ("n_real", "n_synthetic", "k", "expected"),
    [
        (20, 20, 3, 0.893971),
        (20, 20, 5, 0.979804),
        (50, 50, 5, 0.973339),
        (100, 100, 5, 0.971070),
        (200, 200, 5, 0.969916),
        (20, 100, 5, 0.999936),
        (10000, 10000, 5, 0.968773),
    ],
)
def test_expected_coverage(n_real, n_synthetic, k, expected):
    assert metrics.expected_coverage(n_real, n_synthetic, k) == pytest.approx(expected, abs=1e-6)


def test_density_and_coverage_are_one_on_average_under_one_distribution():
    pairs = [(normal(20, 6, s), normal(35, 6, s + 1000)) for s in range(200)]
    for score in (metrics.density, metrics.coverage):
        values = np.array([score(real, synthetic) for real, synthetic in pairs])
        assert abs(values.mean() - 1) < 3 * values.std() / np.sqrt(len(values))


def test_density_and_coverage_see_a_far_set_and_a_collapsed_one():
    real = normal(60, 6, 0)
    assert metrics.density(real, normal(60, 6, 1, shift=9.0)) == 0
    assert metrics.coverage(real, np.repeat(real[:1], 60, axis=0)) < 0.5


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(2, 40), m=st.integers(1, 20), block=st.integers(1, 50))
def test_nearest_is_the_sorted_distance_matrix(seed, n, m, block):
    reference, query = normal(n, 3, seed), normal(m, 3, seed + 1)
    k = min(3, n - 1)
    before = distances.BLOCK
    distances.BLOCK = block
    try:
        found, positions = metrics.nearest(query, reference, k)
        others, _ = metrics.leave_one_out_nearest(reference, k)
    finally:
        distances.BLOCK = before
    assert found == pytest.approx(np.sort(cdist(query, reference))[:, :k])
    assert found == pytest.approx(np.take_along_axis(cdist(query, reference), positions, axis=1))
    assert others == pytest.approx(np.sort(cdist(reference, reference))[:, 1 : k + 1])


def test_nearest_refuses_more_neighbours_than_rows():
    with pytest.raises(ValueError, match="k must lie in 1..3 for 4 reference rows, got 4"):
        metrics.leave_one_out_nearest(normal(4, 2, 0), 4)


def test_near_duplicate_ratio_is_zero_for_copies_and_survives_repeated_reals():
    real = normal(30, 5, 0)
    assert metrics.near_duplicate_ratio(real, real[:4]) == pytest.approx(0)
    assert np.median(metrics.near_duplicate_ratio(real, normal(200, 5, 1))) == pytest.approx(1, abs=0.2)
    assert metrics.typical_distance(np.repeat(real, 2, axis=0)) == pytest.approx(metrics.typical_distance(real))
    assert metrics.typical_distance(np.ones((5, 2))) == 1


def test_wilson_interval_of_known_cases():
    for hits, n, middle, half in [(850, 1000, 0.849, 0.022), (23, 100, 0.239988, 0.081556)]:
        low, high = metrics.wilson_interval(hits, n)
        assert ((low + high) / 2, (high - low) / 2) == pytest.approx((middle, half), abs=6e-4)


def test_holm_of_a_case_worked_by_hand():
    assert metrics.holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])


def test_bootstrap_interval_holds_the_mean_and_repeats():
    values = normal(100, 1, 0)[:, 0]
    low, high = metrics.bootstrap_interval(values, seed=3)
    assert low < values.mean() < high
    assert (low, high) == metrics.bootstrap_interval(values, seed=3)


def test_diversity_is_a_ratio_of_spreads() -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 8))
    assert metrics.diversity(real, 3 * real + 1) == pytest.approx(3.0)
    assert metrics.diversity(real, np.zeros((5, 8))) == 0.0
    assert metrics.diversity(real, rng.normal(size=(400, 8))) == pytest.approx(1.0, abs=0.05)
