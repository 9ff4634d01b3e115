"""Vendi score: how many different rows a set is worth."""

from __future__ import annotations

import numpy as np

from gensynth.fidelity.metrics.metric import metric


def vendi_of_kernel(kernel: np.ndarray) -> float:
    """Return exp(-sum_i l_i log l_i) with l the eigenvalues of kernel / n: from 1 (all alike) to n (all different).

    Friedman and Dieng 2023, arXiv 2210.02410, equation 1.

    Args:
        kernel: Similarities, symmetric, positive semi-definite, ones on the diagonal, shape (n, n).
    """
    return _exp_entropy(np.linalg.eigvalsh(kernel / len(kernel)))


def vendi_score(x: np.ndarray) -> float:
    """Vendi score of rows with the cosine kernel x_i.x_j / (|x_i| |x_j|): in 1..min(n, d + 1).

    The kernel sees directions from the origin, not lengths: features should be centred on all real data. A row of
    zeros, which has no direction, is unlike all others and like other rows of zeros.

    Args:
        x: Shape (n, d), n at least 1.
    """
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    directions = np.concatenate([x / np.where(norms > 0, norms, 1), norms == 0], axis=1)
    # X X' / n and X' X / n have the same eigenvalues but for zeros: take the smaller matrix.
    gram = directions @ directions.T if len(x) <= directions.shape[1] else directions.T @ directions
    return _exp_entropy(np.linalg.eigvalsh(gram / len(x)))


@metric(None, ideal=1.0, smallest_n=10, citation="Friedman and Dieng 2023, arXiv 2210.02410; the ratio is ours")
def vendi_ratio(real: np.ndarray, synthetic: np.ndarray, seed: int = 0) -> float:
    """Vendi score of the synthetic rows over that of the real ones, at equal numbers.

    1 under one distribution; 1 / Vendi(real) for one row repeated. The score itself grows with n, so the larger set is
    cut at random to the size of the smaller one. It does not see where the rows lie. At 10 rows the ratio varies by
    about a tenth under one distribution, so that a half is beyond chance; in many dimensions 10 rows differ in
    everything.

    Args:
        real: Shape (n, d).
        synthetic: Shape (m, d).
        seed: Seed of the cut.
    """
    n = min(len(real), len(synthetic))
    rng = np.random.default_rng(seed)
    of_real, of_synthetic = (vendi_score(x if len(x) == n else rng.permutation(x)[:n]) for x in (real, synthetic))
    return of_synthetic / of_real


def _exp_entropy(values: np.ndarray) -> float:
    positive = values[values > 0]  # rounding leaves some zeros just below 0
    return float(np.exp(-(positive * np.log(positive)).sum()))
