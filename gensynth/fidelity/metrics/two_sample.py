"""1-NN two-sample accuracy: can real and synthetic rows be told apart by their nearest neighbours?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

from gensynth.fidelity.metrics.distances import blocks
from gensynth.fidelity.metrics.metric import metric
from gensynth.fidelity.metrics.statistics import permutation_p


@metric(None, highest=1.0, ideal=None, sized=True, smallest_n=10, citation="Lopez-Paz and Oquab 2017, arXiv 1610.06545")
def nn_accuracy(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Share of all rows whose nearest other row, real or synthetic, is of their own kind.

    1 where the sets lie apart, `expected_nn_accuracy` (just under 1/2 at n = m) where both come from one distribution.
    *Below* that the samples sit beside single real rows: copies, or SMOTE. So neither direction is better. Rows at one
    and the same smallest distance share the vote: 2 of 3 of the row's own kind count 2/3.

    With 10 rows of each kind its standard deviation under one distribution is 0.13, and sets that lie apart reach a
    p-value of about 1e-4; with 5 rows not even they fall below 0.005. Lopez-Paz and Oquab 2017, arXiv 1610.06545; Xu et
    al. 2018, arXiv 1806.07755.
    """
    is_real = np.arange(len(real) + len(synthetic)) < len(real)
    return float(_accuracies(np.concatenate([real, synthetic]), is_real[:, None])[0])


def expected_nn_accuracy(n_real: int, n_synthetic: int) -> float:
    """E[nn_accuracy | one distribution] = (n (n-1) + m (m-1)) / (N (N-1)), N = n + m; (n-1)/(2n-1) at n = m.

    Exact whatever the distribution: given the rows, each labelling of them is equally likely.
    """
    n, m = n_real, n_synthetic
    return (n * (n - 1) + m * (m - 1)) / ((n + m) * (n + m - 1))


def nn_permutations(real: np.ndarray, synthetic: np.ndarray, seed: int, permutations: int) -> np.ndarray:
    """Accuracy of the given split (first) and of random ones of the same sizes, shape (permutations + 1,).

    The neighbours are found once: they do not depend on which rows are called real.
    """
    rng = np.random.default_rng(seed)
    is_real = np.arange(len(real) + len(synthetic)) < len(real)
    splits = [is_real, *(rng.permutation(is_real) for _ in range(permutations))]
    return _accuracies(np.concatenate([real, synthetic]), np.stack(splits, axis=1))


def nn_permutation_test(real: np.ndarray, synthetic: np.ndarray, seed: int, permutations: int = 1000) -> float:
    """One-sided p-value of 'they cannot be told apart': (1 + #{permuted >= accuracy}) / (1 + permutations).

    Exact at every n, and near 1 for copies, which this test is not for: see `copying_test`.
    """
    return permutation_p(nn_permutations(real, synthetic, seed, permutations))


def nearest_ties(query: np.ndarray, reference: np.ndarray, leave_one_out: bool = False) -> Iterator[csr_array]:
    """Yield, for a block of query rows at a time, which reference rows lie at the smallest distance.

    Args:
        query: Shape (n, d).
        reference: Shape (m, d).
        leave_one_out: Whether both are the same rows, each of which is to be compared with the others.

    Yields:
        Ones and zeros, float64, shape (rows of the block, m), at least a one in each row.
    """
    for rows in blocks(len(query)):
        d = cdist(query[rows], reference)
        if leave_one_out:
            d[np.arange(len(d)), np.arange(rows.start, rows.stop)] = np.inf
        yield csr_array(d == d.min(axis=1, keepdims=True), dtype=np.float64)


def _accuracies(pooled: np.ndarray, is_real: np.ndarray) -> np.ndarray:
    """Accuracy of each column of `is_real`, bool, shape (N, B), as a split of the rows of `pooled`."""
    n, m = int(is_real[:, 0].sum()), int((~is_real[:, 0]).sum())
    if min(n, m) < 1 or n + m < 3:
        raise ValueError(f"1-NN accuracy needs a row of each kind and 3 in all, got {n} real, {m} synthetic; add rows.")
    s = is_real.astype(np.float64)
    right, start = np.zeros(s.shape[1]), 0
    for near in nearest_ties(pooled, pooled, leave_one_out=True):
        own = s[start : start + near.shape[0]]
        real_share = (near @ s) / near.sum(axis=1)[:, None]
        right += (own * real_share + (1 - own) * (1 - real_share)).sum(axis=0)
        start += near.shape[0]
    return right / len(pooled)
