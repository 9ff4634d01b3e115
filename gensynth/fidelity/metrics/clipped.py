"""Clipped density and clipped coverage: what no single outlier or hub among the rows can carry."""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, gammaln

from gensynth.fidelity.metrics.distances import closer, leave_one_out_nearest
from gensynth.fidelity.metrics.metric import metric
from gensynth.fidelity.metrics.neighbours import coverage_counts


@metric(True, highest=1.0, ideal=None, sized=True, smallest_n=10, citation="Salvy et al. 2025, arXiv 2507.01761")
def clipped_density(real: np.ndarray, synthetic: np.ndarray, k: int = 5) -> float:
    """Mean of min(c_j / k, 1) over synthetic rows, over the same mean for real rows, at most 1.

    c_j is the number of real rows x_i, other than row j itself, with |y_j - x_i| <= min(r_k(x_i), median of r_k):
    neither an outlier's wide ball nor a row in a great many balls counts much. The rim is inside, or the balls would
    hold k synthetic rows on average but k - 1 real ones. Under one distribution it is near 1 from below, for values
    above 1 are cut. Salvy et al. 2025, arXiv 2507.01761.

    Args:
        real: Shape (n, d), n above k.
        synthetic: Shape (m, d).
        k: Neighbours.

    Raises:
        ValueError: if k is out of range.
    """
    radii = leave_one_out_nearest(real, k)[0][:, -1]
    radii = np.nextafter(np.minimum(radii, np.median(radii)), np.inf)
    yardstick = np.minimum(_balls(real, real, radii) - 1, k).mean()  # each row lies in its own ball
    return float(min(np.minimum(_balls(synthetic, real, radii), k).mean() / yardstick, 1))


@metric(True, highest=1.0, ideal=None, sized=True, smallest_n=10, citation="Salvy et al. 2025, arXiv 2507.01761")
def clipped_coverage(real: np.ndarray, synthetic: np.ndarray, k: int = 5) -> float:
    """The share of good samples that would cover the real rows as well as all these do.

    Raw clipped coverage is the mean over real rows of min(c_i, k) / k, c_i the synthetic rows nearer than r_k(x_i). It
    is read through its expectation with m samples of the real distribution, f(m) of `expected_clipped_coverage`: the m
    with f(m) equal to it, over the number of samples, at most 1. Salvy et al. 2025, arXiv 2507.01761.

    Args:
        real: Shape (n, d), n above k.
        synthetic: Shape (m, d).
        k: Neighbours.

    Raises:
        ValueError: if k is out of range.
    """
    raw = float(np.minimum(coverage_counts(real, synthetic, k), k).mean()) / k
    m = np.arange(len(synthetic) + 1)
    return float(np.interp(raw, expected_clipped_coverage(len(real), m, k), m)) / len(synthetic)


def expected_clipped_coverage(n_real: int, m: int | np.ndarray, k: int) -> np.ndarray:
    """E[raw clipped coverage] with m samples of the real distribution, float64, of the shape of m; 0 at m = 0.

    f(m) = 1/k sum_j min(j, k) P(j), P(j) = C(m, j) B(k + j, N + m - k - j) / B(k, N - k), because the
    probability of a real row's ball is Beta(k, N - k), whatever the distribution. Salvy et al. 2025.

    Raises:
        ValueError: if k is out of 1..n_real - 1.
    """
    if not 1 <= k < n_real:
        raise ValueError(f"k must lie in 1..{n_real - 1} for {n_real} real rows, got {k}; lower k.")
    m = np.asarray(m, dtype=np.float64)
    missing = np.zeros(m.shape)
    for j in range(k):  # the P(j) sum to 1, so 1 - f = 1/k sum_{j<k} (k - j) P(j)
        possible = np.maximum(m, j)
        choose = gammaln(possible + 1) - gammaln(j + 1) - gammaln(possible - j + 1)
        log_p = choose + betaln(k + j, n_real + possible - k - j) - betaln(k, n_real - k)
        missing += np.where(m >= j, (k - j) * np.exp(log_p), 0)
    return 1 - missing / k


def _balls(points: np.ndarray, real: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Number of balls around real rows that hold each point, int64, shape (len(points),)."""
    return np.concatenate([inside.sum(axis=1) for _, (inside,) in closer(points, real, reference_radii=[radii])])
