"""Precision, recall, density and coverage: do the samples lie among the real rows, and near all of them?

All look at balls around rows, whose radius r_k is the distance to the k-th nearest *other* row of the same kind. They
differ on the rim, which matters only where distances tie, as with repeated rows: there a radius may be 0. Density and
coverage leave the rim out (<), as their authors' code does. Precision and recall include it (<=), as the paper's
equation 1 does, so a copy of a repeated real row lies on the manifold; the prdc package leaves it out there, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma
from typing import final

import numpy as np

from gensynth.fidelity.metrics.distances import closer, leave_one_out_nearest
from gensynth.fidelity.metrics.metric import metric


@final
@dataclass(frozen=True)
class Prdc:
    """Precision, recall, density and coverage of one pair of sets, all with the same k.

    Attributes:
        precision: In 0..1.
        recall: In 0..1.
        density: At least 0.
        coverage: Normalised, at least 0; times `expected_coverage` it is the plain share of covered real rows.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: np.ndarray, synthetic: np.ndarray, k: int | None = None) -> Prdc:
    """Return precision, recall, density and coverage from one pass over the distances.

    Args:
        real: Shape (n, d).
        synthetic: Shape (m, d).
        k: Neighbours, in 1..min(n, m) - 1; `default_k(n)` if None.

    Raises:
        ValueError: if k is out of range.
    """
    k = k or default_k(len(real))
    radii, synthetic_radii = (leave_one_out_nearest(x, k)[0][:, -1] for x in (real, synthetic))
    covered, recalled, precise, held = np.zeros(len(real), bool), np.zeros(len(real), bool), 0, 0
    for _, (reached, inside, within) in closer(synthetic, real, [_rim(synthetic_radii)], [radii, _rim(radii)]):
        recalled |= reached.any(axis=0)
        covered |= inside.any(axis=0)
        held += int(np.count_nonzero(inside))
        precise += int(np.count_nonzero(within.any(axis=1)))
    m = len(synthetic)
    normal = expected_coverage(len(real), m, k)
    return Prdc(precise / m, float(recalled.mean()), held / (k * m), float(covered.mean()) / normal)


@metric(True, highest=1.0, ideal=None, sized=True, smallest_n=50, citation="Kynkaanniemi et al. 2019, arXiv 1904.06991")
def precision(real: np.ndarray, synthetic: np.ndarray, k: int = 3) -> float:
    """Improved precision: the share of synthetic rows within at least one ball around a real row.

    Under one distribution it is 0.6 to 0.9, depending on n and d, so it is read only beside the value of real against
    real at equal numbers. k = 3 as in the paper. Kynkaanniemi et al. 2019, arXiv 1904.06991.
    """
    return float(_reached(synthetic, real, k).mean())


@metric(True, highest=1.0, ideal=None, sized=True, smallest_n=50, citation="Kynkaanniemi et al. 2019, arXiv 1904.06991")
def recall(real: np.ndarray, synthetic: np.ndarray, k: int = 3) -> float:
    """Improved recall: the share of real rows within at least one ball around a synthetic row; see `precision`."""
    return float(_reached(real, synthetic, k).mean())


def default_k(n_real: int) -> int:
    """Neighbours for density and coverage: 5 (Naeem et al. 2020), 3 for n <= 20."""
    return 5 if n_real > 20 else 3


def density_counts(real: np.ndarray, synthetic: np.ndarray, k: int) -> np.ndarray:
    """Terms of `density`, float64, shape (m,): real k-NN balls that hold each synthetic row, over k."""
    radii = leave_one_out_nearest(real, k)[0][:, -1]
    counts = [inside.sum(axis=1) for _, (inside,) in closer(synthetic, real, reference_radii=[radii])]
    return np.concatenate(counts) / k


@metric(True, ideal=1.0, smallest_n=10, citation="Naeem et al. 2020, arXiv 2002.09797, equation 5")
def density(real: np.ndarray, synthetic: np.ndarray, k: int | None = None) -> float:
    """Density = 1/(k M) sum_j #{i : |y_j - x_i| < r_k(x_i)}.

    r_k(x_i) is the distance of real row x_i to its k-th nearest other real row. Its expectation under one
    distribution is exactly 1. Naeem et al. 2020, arXiv 2002.09797, equation 5.
    """
    return float(density_counts(real, synthetic, k or default_k(len(real))).mean())


def coverage_counts(real: np.ndarray, synthetic: np.ndarray, k: int) -> np.ndarray:
    """Synthetic rows within the k-NN ball of each real row, int64, shape (n,).

    Plain coverage, which other packages give, is the share above 0.
    """
    radii = leave_one_out_nearest(real, k)[0][:, -1]
    counts = np.zeros(len(real), dtype=np.int64)
    for _, (inside,) in closer(synthetic, real, reference_radii=[radii]):
        counts += inside.sum(axis=0)
    return counts


@metric(True, ideal=1.0, smallest_n=10, citation="Naeem et al. 2020, arXiv 2002.09797, equation 6")
def coverage(real: np.ndarray, synthetic: np.ndarray, k: int | None = None) -> float:
    """Normalised coverage = 1/N #{i : min_j |y_j - x_i| < r_k(x_i)} / `expected_coverage`.

    Plain coverage grows with the number of synthetic rows (Naeem et al. 2020, arXiv 2002.09797, equation 6);
    over its exact expectation it is about 1 under one distribution at every size.
    """
    k = k or default_k(len(real))
    covered = float((coverage_counts(real, synthetic, k) > 0).mean())
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


def _reached(points: np.ndarray, centres: np.ndarray, k: int) -> np.ndarray:
    """Whether each point lies in a k-NN ball of `centres` or on its rim, bool, shape (len(points),)."""
    radii = _rim(leave_one_out_nearest(centres, k)[0][:, -1])
    return np.concatenate([inside.any(axis=1) for _, (inside,) in closer(points, centres, reference_radii=[radii])])


def _rim(radii: np.ndarray) -> np.ndarray:
    """Radii of which 'below' means 'at most the given ones'."""
    return np.nextafter(radii, np.inf)
