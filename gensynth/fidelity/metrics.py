"""Fidelity metrics as pure functions of feature arrays, float64, shape (n, d), one row per image.

Memory stays bounded: distances and kernels are computed in blocks of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, lgamma

import numpy as np
from scipy.spatial.distance import cdist

BLOCK = 1024


@dataclass(frozen=True)
class Metric:
    """How to read a metric.

    Attributes:
        name: Its name in reports.
        higher_is_better: The direction; None where neither direction is better.
        lowest: Lowest possible value.
        highest: Highest possible value.
        ideal: The value expected when both sets come from one distribution.
    """

    name: str
    higher_is_better: bool | None
    lowest: float
    highest: float
    ideal: float


KID = Metric("kid", False, -np.inf, np.inf, 0.0)
DENSITY = Metric("density", True, 0.0, np.inf, 1.0)
COVERAGE = Metric("coverage", True, 0.0, np.inf, 1.0)
LABEL_AGREEMENT = Metric("label_agreement", True, 0.0, 1.0, 1.0)
NEAREST_REAL = Metric("nearest_real", None, 0.0, np.inf, 1.0)
DIVERSITY = Metric("diversity", None, 0.0, np.inf, 1.0)
METRICS = (KID, DENSITY, COVERAGE, LABEL_AGREEMENT, NEAREST_REAL, DIVERSITY)


def diversity(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Spread of the synthetic features over that of the real ones, sqrt(tr cov(synthetic) / tr cov(real)).

    Density and coverage look near each real image and miss samples that huddle around the class mean; this
    ratio of root mean square distances does not. 1 where both come from one distribution, 0 for one image.

    Args:
        real: Shape (n, d), n at least 2.
        synthetic: Shape (m, d), m at least 2.
    """
    spread = [float(x.var(axis=0, ddof=1).sum()) for x in (synthetic, real)]
    return float(np.sqrt(spread[0] / spread[1])) if spread[1] > 0 else 1.0


def nearest(query: np.ndarray, reference: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the k smallest Euclidean distances to `reference`, ascending, and where they are.

    Returns:
        Distances, float64, shape (n, k), and positions in `reference`, int64, shape (n, k).
    """
    return _nearest(query, reference, k, leave_one_out=False)


def leave_one_out_nearest(real: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return for each row its k nearest *other* rows, as `nearest` does."""
    return _nearest(real, real, k, leave_one_out=True)


def _nearest(query: np.ndarray, reference: np.ndarray, k: int, leave_one_out: bool) -> tuple[np.ndarray, np.ndarray]:
    most = len(reference) - leave_one_out
    if not 1 <= k <= most:
        raise ValueError(f"k must lie in 1..{most} for {len(reference)} reference rows, got {k}; lower k.")
    distances, positions = np.empty((len(query), k)), np.empty((len(query), k), dtype=np.int64)
    for rows in _blocks(len(query)):
        d = cdist(query[rows], reference)
        if leave_one_out:
            d[np.arange(len(d)), np.arange(rows.start, rows.stop)] = np.inf
        at = np.argpartition(d, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(d, at, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        distances[rows] = np.take_along_axis(found, order, axis=1)
        positions[rows] = np.take_along_axis(at, order, axis=1)
    return distances, positions


def typical_distance(real: np.ndarray) -> float:
    """Median distance of a real row to its nearest other one; equal rows, which say nothing, are left out.

    Returns:
        The median, above 0; 1.0 where all rows are equal or there are fewer than 2.
    """
    # Features of equal images may differ in the last digits, for they were computed in different batches.
    different = np.unique(np.round(real, 5), axis=0)
    return float(np.median(leave_one_out_nearest(different)[0])) if len(different) > 1 else 1.0


def near_duplicate_ratio(synthetic: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Distance to the nearest real row over `typical_distance(real)`, float64, shape (n,).

    Around 1 for fresh real rows, 0 for copies.
    """
    return nearest(synthetic, real)[0][:, 0] / typical_distance(real)


def default_k(n_real: int) -> int:
    """Neighbours for density and coverage: 5 (Naeem et al. 2020), 3 for n <= 20."""
    return 5 if n_real > 20 else 3


def density_counts(real: np.ndarray, synthetic: np.ndarray, k: int) -> np.ndarray:
    """Terms of `density`, float64, shape (m,): real k-NN balls that hold each synthetic row, over k."""
    radii = leave_one_out_nearest(real, k)[0][:, -1]
    counts = [(cdist(synthetic[rows], real) < radii).sum(axis=1) for rows in _blocks(len(synthetic))]
    return np.concatenate(counts) / k


def density(real: np.ndarray, synthetic: np.ndarray, k: int | None = None) -> float:
    """Density = 1/(k M) sum_j #{i : |y_j - x_i| < r_k(x_i)}.

    r_k(x_i) is the distance of real row x_i to its k-th nearest other real row. Its expectation under one
    distribution is exactly 1. Naeem et al. 2020, arXiv 2002.09797, equation 5.
    """
    return float(density_counts(real, synthetic, k or default_k(len(real))).mean())


def coverage(real: np.ndarray, synthetic: np.ndarray, k: int | None = None) -> float:
    """Normalised coverage = 1/N #{i : min_j |y_j - x_i| < r_k(x_i)} / `expected_coverage`.

    Plain coverage grows with the number of synthetic rows (Naeem et al. 2020, arXiv 2002.09797, equation 6);
    over its exact expectation it is about 1 under one distribution at every size.
    """
    k = k or default_k(len(real))
    radii = leave_one_out_nearest(real, k)[0][:, -1]
    covered = float((nearest(real, synthetic)[0][:, 0] < radii).mean())
    return covered / expected_coverage(len(real), len(synthetic), k)


def expected_coverage(n_real: int, n_synthetic: int, k: int) -> float:
    """E[coverage | one distribution] = 1 - C(N-1, k) / C(N-1+M, k), whatever the distribution.

    Naeem et al. 2020, arXiv 2002.09797, appendix: x_i is missed if its k nearest rows are all real.
    """
    if not 1 <= k < n_real or n_synthetic < 1:
        raise ValueError(
            f"k must lie in 1..n_real - 1 and n_synthetic be at least 1, got k={k}, n_real={n_real}, "
            f"n_synthetic={n_synthetic}; lower k or add rows."
        )
    n, m = n_real - 1, n_synthetic
    return 1 - exp(lgamma(n + 1) - lgamma(n + 1 - k) - lgamma(n + m + 1) + lgamma(n + m + 1 - k))


def kid(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Kernel distance: the unbiased squared MMD with k(x, y) = (x.y / d + 1)^3, all rows used once.

    mean_{i!=j} k(x_i, x_j) + mean_{i!=j} k(y_i, y_j) - 2 mean_{ij} k(x_i, y_j). It may be negative.
    Binkowski et al. 2018, arXiv 1801.01401; Gretton et al. 2012.
    """
    is_real = np.arange(len(real) + len(synthetic)) < len(real)
    return float(_kid_of_splits(np.concatenate([real, synthetic]), is_real[:, None])[0])


def kid_permutations(real: np.ndarray, synthetic: np.ndarray, seed: int, permutations: int) -> np.ndarray:
    """KID of the given split (first) and of random splits of the same sizes, shape (permutations + 1,)."""
    rng = np.random.default_rng(seed)
    is_real = np.arange(len(real) + len(synthetic)) < len(real)
    splits = [is_real, *(rng.permutation(is_real) for _ in range(permutations))]
    return _kid_of_splits(np.concatenate([real, synthetic]), np.stack(splits, axis=1))


def kid_permutation_test(real: np.ndarray, synthetic: np.ndarray, seed: int, permutations: int = 1000) -> float:
    """p-value of 'one distribution': (1 + #{permuted KID >= KID}) / (1 + permutations); exact at every n."""
    values = kid_permutations(real, synthetic, seed, permutations)
    return permutation_p(values)


def permutation_p(values: np.ndarray) -> float:
    """p-value of the first value among the permuted ones that follow it; ties count against it."""
    # Equal splits sum in another order: without the slack, rounding would break their tie.
    slack = 1e-12 * max(1.0, float(np.abs(values).max()))
    return float(((values[1:] >= values[0] - slack).sum() + 1) / len(values))


def _kid_of_splits(pooled: np.ndarray, is_real: np.ndarray) -> np.ndarray:
    """KID of each column of `is_real`, bool, shape (N, B), as a split of the rows of `pooled`."""
    s = is_real.astype(np.float64)
    n = int(is_real[:, 0].sum())
    m = len(pooled) - n
    if min(n, m) < 2:
        raise ValueError(f"KID needs at least 2 real and 2 synthetic rows, got {n} and {m}; add rows.")
    within_real, from_real, total = np.zeros(s.shape[1]), np.zeros(s.shape[1]), 0.0
    for rows in _blocks(len(pooled)):
        kernel = (pooled[rows] @ pooled.T / pooled.shape[1] + 1) ** 3
        kernel[np.arange(len(kernel)), np.arange(rows.start, rows.stop)] = 0  # i != j
        within_real += (s[rows] * (kernel @ s)).sum(axis=0)
        from_real += s[rows].T @ kernel.sum(axis=1)
        total += kernel.sum()
    cross = from_real - within_real
    within_synthetic = total - from_real - cross
    return within_real / (n * (n - 1)) + within_synthetic / (m * (m - 1)) - 2 * cross / (n * m)


def bootstrap_interval(values: np.ndarray, seed: int, draws: int = 1000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of `values`, shape (n,)."""
    rng = np.random.default_rng(seed)
    means = np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(draws)])
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share: (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). Wilson 1927."""
    z = 1.959963984540054
    p = hits / n
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (p + z**2 / (2 * n) - half) / (1 + z**2 / n), (p + z**2 / (2 * n) + half) / (1 + z**2 / n)
    return float(max(low, 0)), float(min(high, 1))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values, same shape (n,): compare them with the level directly. Holm 1979."""
    order = np.argsort(p_values)
    steps = (len(p_values) - np.arange(len(p_values))) * p_values[order]
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def _blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))
