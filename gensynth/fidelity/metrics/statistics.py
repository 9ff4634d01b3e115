"""Intervals, permutation p-values and the correction for testing many classes."""

from __future__ import annotations

import numpy as np


def bootstrap_interval(values: np.ndarray, seed: int, draws: int = 1000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of `values`, shape (n,)."""
    rng = np.random.default_rng(seed)
    means = np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(draws)])
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def wilson_interval(hits: float, n: int) -> tuple[float, float]:
    """95 % interval of a share: (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). Wilson 1927.

    Args:
        hits: Number of hits, in 0..n; a half where a tie was split.
        n: Number of trials, at least 1.

    Raises:
        ValueError: if there is no trial or there are more hits than trials.
    """
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"a share needs at least 1 trial and hits in 0..trials, got {hits} hits of {n}.")
    z = 1.959963984540054
    p = hits / n
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (p + z**2 / (2 * n) - half) / (1 + z**2 / n), (p + z**2 / (2 * n) + half) / (1 + z**2 / n)
    # At the ends the formula gives exactly 0 and 1, but for rounding.
    return (0.0 if hits == 0 else float(low)), (1.0 if hits == n else float(high))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values, same shape (n,): compare them with the level directly. Holm 1979."""
    order = np.argsort(p_values)
    steps = (len(p_values) - np.arange(len(p_values))) * p_values[order]
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def permutation_p(values: np.ndarray) -> float:
    """p-value of the first value among the permuted ones that follow it; ties count against it."""
    # Equal splits sum in another order: without the slack, rounding would break their tie.
    slack = 1e-12 * max(1.0, float(np.abs(values).max()))
    return float(((values[1:] >= values[0] - slack).sum() + 1) / len(values))
