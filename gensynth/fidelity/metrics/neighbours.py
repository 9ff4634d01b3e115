"""Density and coverage: do the samples lie among the real rows, and near all of them?"""

from __future__ import annotations

from math import exp, lgamma

import numpy as np
from scipy.spatial.distance import cdist

from gensynth.fidelity.metrics.distances import blocks, leave_one_out_nearest, nearest
from gensynth.fidelity.metrics.metric import metric


def default_k(n_real: int) -> int:
    """Neighbours for density and coverage: 5 (Naeem et al. 2020), 3 for n <= 20."""
    return 5 if n_real > 20 else 3


def density_counts(real: np.ndarray, synthetic: np.ndarray, k: int) -> np.ndarray:
    """Terms of `density`, float64, shape (m,): real k-NN balls that hold each synthetic row, over k."""
    radii = leave_one_out_nearest(real, k)[0][:, -1]
    counts = [(cdist(synthetic[rows], real) < radii).sum(axis=1) for rows in blocks(len(synthetic))]
    return np.concatenate(counts) / k


@metric(True, ideal=1.0, smallest_n=10, citation="Naeem et al. 2020, arXiv 2002.09797, equation 5")
def density(real: np.ndarray, synthetic: np.ndarray, k: int | None = None) -> float:
    """Density = 1/(k M) sum_j #{i : |y_j - x_i| < r_k(x_i)}.

    r_k(x_i) is the distance of real row x_i to its k-th nearest other real row. Its expectation under one
    distribution is exactly 1. Naeem et al. 2020, arXiv 2002.09797, equation 5.
    """
    return float(density_counts(real, synthetic, k or default_k(len(real))).mean())


@metric(True, ideal=1.0, smallest_n=10, citation="Naeem et al. 2020, arXiv 2002.09797, equation 6")
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
