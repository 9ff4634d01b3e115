"""KID: the kernel distance, and its permutation test."""

from __future__ import annotations

import numpy as np

from gensynth.fidelity.metrics.distances import blocks
from gensynth.fidelity.metrics.metric import metric
from gensynth.fidelity.metrics.statistics import permutation_p


@metric(False, lowest=-np.inf, ideal=0.0, smallest_n=10, citation="Binkowski et al. 2018, arXiv 1801.01401")
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


def _kid_of_splits(pooled: np.ndarray, is_real: np.ndarray) -> np.ndarray:
    """KID of each column of `is_real`, bool, shape (N, B), as a split of the rows of `pooled`."""
    s = is_real.astype(np.float64)
    n = int(is_real[:, 0].sum())
    m = len(pooled) - n
    if min(n, m) < 2:
        raise ValueError(f"KID needs at least 2 real and 2 synthetic rows, got {n} and {m}; add rows.")
    within_real, from_real, total = np.zeros(s.shape[1]), np.zeros(s.shape[1]), 0.0
    for rows in blocks(len(pooled)):
        kernel = (pooled[rows] @ pooled.T / pooled.shape[1] + 1) ** 3
        kernel[np.arange(len(kernel)), np.arange(rows.start, rows.stop)] = 0  # i != j
        within_real += (s[rows] * (kernel @ s)).sum(axis=0)
        from_real += s[rows].T @ kernel.sum(axis=1)
        total += kernel.sum()
    cross = from_real - within_real
    within_synthetic = total - from_real - cross
    return within_real / (n * (n - 1)) + within_synthetic / (m * (m - 1)) - 2 * cross / (n * m)
