"""FID: the Frechet distance between Gaussians fitted to the features."""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dpstrf

from gensynth.fidelity.metrics.distances import blocks
from gensynth.fidelity.metrics.metric import metric

# Above this many singular values, roots of the eigenvalues of a symmetric product take their place: a third of the
# time, and an error of at most 1e-8 of the largest for each that is 0, where they are exact to 1e-16.
FEW = 512


def rows_for_fid(d: int) -> int:
    """Rows of either kind below which the FID of d features is mostly bias: 10 for each.

    With d = 2048, 1000 rows and one distribution, FID is 0.31 of the total variance where the truth is 0, and that bias
    differs between generators (Chong and Forsyth 2020, arXiv 1911.07023): equal numbers do not mend it.
    """
    return 10 * d


# 640 rows are enough for 64 features, as many as the embedded extractor gives at most; wider ones need more.
@metric(False, ideal=None, sized=True, smallest_n=rows_for_fid(64), citation="Heusel et al. 2017, arXiv 1706.08500")
def fid(real: np.ndarray, synthetic: np.ndarray) -> float:
    """FID = |mu_r - mu_s|^2 + tr S_r + tr S_s - 2 tr (S_r S_s)^(1/2), the last as the nuclear norm |A_r^T A_s|_*.

    With S = A A^T the singular values of A_r^T A_s are the roots of the eigenvalues of S_r S_s, without the square
    root of a product that is not symmetric. Where rows are few, A is the centred rows over sqrt(n - 1); where they
    outnumber the features, it is a Cholesky factor of their covariance. Heusel et al. 2017, arXiv 1706.08500.
    It is 0 for equal sets and may be below 0 by rounding. See `rows_for_fid`.

    Args:
        real: Shape (n, d), n at least 2.
        synthetic: Shape (m, d), m at least 2.

    Raises:
        ValueError: with fewer than 2 rows of either kind.
    """
    if min(len(real), len(synthetic)) < 2:
        raise ValueError(
            f"FID needs at least 2 real and 2 synthetic rows, got {len(real)} and {len(synthetic)}; add rows."
        )
    means = [x.mean(axis=0, dtype=np.float64) for x in (real, synthetic)]
    factors = [_factor(x, mean) for x, mean in zip((real, synthetic), means, strict=True)]
    total = sum(np.square(factor).sum() for factor in factors)
    return float(np.square(means[0] - means[1]).sum() + total - 2 * _nuclear_norm(factors[0] @ factors[1].T))


def _nuclear_norm(x: np.ndarray) -> float:
    """Sum of the singular values of `x`, shape (n, m)."""
    if min(x.shape) <= FEW:
        return float(np.linalg.svd(x, compute_uv=False).sum())
    smaller = x @ x.T if len(x) <= x.shape[1] else x.T @ x
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(smaller), 0)).sum())


def _factor(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """A^T with A A^T the covariance of `x`, float64, shape (at most min(n, d), d)."""
    n, d = x.shape
    if n <= d:
        return (x - mean) / np.sqrt(n - 1)
    covariance = np.zeros((d, d))
    for rows in blocks(n):
        centred = x[rows] - mean
        covariance += centred.T @ centred
    covariance /= n - 1
    # With pivots it also factors a singular covariance, of constant or repeated features.
    upper, pivots, rank, _ = dpstrf(covariance, overwrite_a=True)
    factor = np.zeros((rank, d))
    factor[:, pivots - 1] = np.triu(upper[:rank])
    return factor
