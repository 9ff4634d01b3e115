"""Tests of gensynth.fidelity.metrics.clipped: clipped density and clipped coverage."""

import numpy as np
import pytest
from checked import normal
from scipy.integrate import quad
from scipy.spatial.distance import cdist
from scipy.stats import beta, binom

from gensynth.fidelity import metrics


@pytest.mark.parametrize(("n", "expected"), [(20, 0.787320), (50, 0.766600), (100, 0.760153)])
def test_expected_clipped_coverage(n, expected):
    assert metrics.expected_clipped_coverage(n, n, 5) == pytest.approx(expected, abs=1e-6)


def test_expected_clipped_coverage_is_a_binomial_over_a_beta():
    n, k, m = 30, 5, np.array([0, 1, 4, 25])
    j = np.arange(26)
    by_hand = [
        quad(lambda p, m=m: beta.pdf(p, k, n - k) * (np.minimum(j, k) * binom.pmf(j, m, p)).sum(), 0, 1)[0] / k
        for m in m
    ]
    assert metrics.expected_clipped_coverage(n, m, k) == pytest.approx(by_hand, abs=1e-7)
    # With k = 1 a row is covered or not: plain coverage.
    plain = metrics.expected_coverage(30, 25, 1)
    assert metrics.expected_clipped_coverage(30, 25, 1) == pytest.approx(plain)


def test_raw_clipped_coverage_has_its_expectation():
    raw = []
    for s in range(200):
        counts = metrics.coverage_counts(normal(20, 6, s), normal(20, 6, s + 1000), 5)
        raw.append(np.minimum(counts, 5).mean() / 5)
    assert abs(np.mean(raw) - 0.787320) < 3 * np.std(raw) / np.sqrt(len(raw))


@pytest.mark.parametrize("good", [0.0, 0.25, 0.5, 0.75])
def test_both_fall_in_proportion_to_the_share_of_bad_samples(good):
    real = normal(400, 8, 0)
    samples = np.concatenate([normal(round(400 * good), 8, 1), normal(round(400 * (1 - good)), 8, 2, shift=30)])
    assert metrics.clipped_coverage(real, samples) == pytest.approx(good, abs=0.1)
    assert metrics.clipped_density(real, samples) == pytest.approx(good, abs=0.1)


def test_clipped_density_is_its_formula():
    real, synthetic = normal(40, 4, 0), normal(30, 4, 1, shift=1.0)
    own = cdist(real, real)
    radii = np.sort(own)[:, 5]
    radii = np.minimum(radii, np.median(radii))
    np.fill_diagonal(own, np.inf)
    yardstick = np.minimum((own <= radii[:, None]).sum(axis=0) / 5, 1).mean()
    value = np.minimum((cdist(real, synthetic) <= radii[:, None]).sum(axis=0) / 5, 1).mean()
    assert metrics.clipped_density(real, synthetic) == pytest.approx(value / yardstick)


def test_one_outlier_among_the_real_rows_moves_density_but_not_clipped_density():
    real = np.concatenate([normal(100, 8, 0), np.full((1, 8), 30.0)])
    far = normal(100, 8, 1, shift=29.0)  # within the outlier's ball, nowhere near the others
    assert metrics.density(real, far) > 0.15
    assert metrics.clipped_density(real, far) < 0.05


def test_both_are_near_one_from_below_under_one_distribution():
    for metric in (metrics.clipped_coverage, metrics.clipped_density):
        values = [metric(normal(200, 8, s), normal(200, 8, s + 1000)) for s in range(20)]
        assert 0.9 < np.mean(values) <= max(values) <= 1


def test_repeated_real_rows_do_no_harm_to_clipped_density():
    real = np.repeat(normal(6, 4, 0), 8, axis=0)
    assert metrics.clipped_density(real, real[::8]) == 1
    assert metrics.clipped_density(real, normal(6, 4, 1)) == 0
