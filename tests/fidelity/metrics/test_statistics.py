"""Intervals, Holm's correction and p-values of permutations."""

import numpy as np
import pytest
from scipy.stats import binomtest

from gensynth.fidelity import metrics


@pytest.mark.parametrize(
    ("hits", "n", "middle", "half", "within"),
    [(850, 1000, 0.849, 0.022, 5e-4), (0, 1000, 0.002, 0.002, 1e-4), (23, 100, 0.239988, 0.081556, 1e-6)],
)
def test_wilson_interval_of_known_cases(hits, n, middle, half, within):
    low, high = metrics.wilson_interval(hits, n)
    assert ((low + high) / 2, (high - low) / 2) == pytest.approx((middle, half), abs=within)


@pytest.mark.parametrize("n", [1, 7, 20, 1000])
def test_wilson_interval_reaches_the_ends_exactly_and_is_scipys(n):
    assert metrics.wilson_interval(0, n)[0] == 0
    assert metrics.wilson_interval(n, n)[1] == 1
    for hits in {0, n // 3, n}:
        peer = binomtest(hits, n).proportion_ci(method="wilson")
        assert metrics.wilson_interval(hits, n) == pytest.approx((peer.low, peer.high), abs=1e-9)


def test_holm_of_a_case_worked_by_hand():
    assert metrics.holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])


def test_bootstrap_interval_holds_the_mean_and_repeats():
    values = np.random.default_rng(0).normal(size=100)
    low, high = metrics.bootstrap_interval(values, seed=3)
    assert low < values.mean() < high
    assert (low, high) == metrics.bootstrap_interval(values, seed=3)


def test_permutation_p_counts_the_value_itself_and_its_ties():
    assert metrics.permutation_p(np.array([3.0, 1, 2, 0])) == 1 / 4
    assert metrics.permutation_p(np.array([3.0, 3, 2, 4])) == 3 / 4
    assert metrics.permutation_p(np.array([0.3, 0.1 + 0.2, 0, 0])) == 2 / 4
