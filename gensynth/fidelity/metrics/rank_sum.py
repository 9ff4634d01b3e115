"""The exact one-sided Mann-Whitney test, ties included."""

from __future__ import annotations

from math import comb

import numpy as np
from scipy.stats import norm, rankdata

EXACT = 1.5e8
"""Additions up to which the distribution is counted out: about 75 values of each kind, or 20 and 500."""


def rank_sum_test(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Test whether x is smaller than y; scipy's `mannwhitneyu(method='exact')` is wrong where values are tied.

    All splits of the pooled values, with their mid-ranks, are counted by the shift algorithm (Streitberg and Roehmel
    1986). Beyond `EXACT` the normal approximation serves, corrected for ties and continuity.

    Args:
        x: Shape (n,).
        y: Shape (m,).

    Returns:
        p-value of 'x is not smaller', and P(x < y) + P(x = y) / 2.
    """
    n, m = len(x), len(y)
    ranks = np.rint(2 * rankdata(np.concatenate([x, y]))).astype(np.int64)  # twice the mid-ranks are whole
    larger_y = n * m + n * (n + 1) / 2 - ranks[:n].sum() / 2  # pairs with y > x, ties a half
    effect = float(larger_y / (n * m))
    # Small ranks of x, or large ones of y: the same event. The fewer values are counted.
    size, ranks = (n, ranks) if n <= m else (m, 2 * (n + m + 1) - np.roll(ranks, m))
    total = int(ranks[:size].sum())
    if size * total * (n + m) <= EXACT:
        return _at_most(ranks, size, total), effect
    ties = np.unique(ranks, return_counts=True)[1].astype(np.float64)
    variance = n * m / 12 * (n + m + 1 - (ties**3 - ties).sum() / ((n + m) * (n + m - 1)))
    return (float(norm.sf((larger_y - n * m / 2 - 0.5) / np.sqrt(variance))) if variance > 0 else 1.0), effect


def _at_most(ranks: np.ndarray, size: int, total: int) -> float:
    """Share of the subsets of `size` ranks whose sum is at most `total`."""
    counts = np.zeros((size + 1, total + 1))  # subsets by size and sum; larger sums need not be counted
    counts[0, 0] = 1
    for i, r in enumerate(ranks):
        if r <= total:
            k = min(i + 1, size)
            counts[1 : k + 1, r:] += counts[:k, : total + 1 - r].copy()
    return float(counts[size].sum() / comb(len(ranks), size))
