"""Scores of classifiers, pure functions on arrays. The first ones take counts, so that resamples cost little.

Counts have any leading axes: `hits` (..., k) are the examples of each class that were recognised, `guesses` (..., k)
those that were taken for it, `n` (..., k) those there are. Classes without examples are left out of all averages.
"""

from __future__ import annotations

import numpy as np

BINS = 10


def macro_f1(hits: np.ndarray, guesses: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return the mean over the classes of F1 = 2 hits / (n + guesses), shape (...), in [0, 1]; higher is better."""
    return (2 * hits / np.maximum(n + guesses, 1)).mean(-1, where=n > 0)


def geometric_mean(recall: np.ndarray) -> np.ndarray:
    """Return the geometric mean of the recalls, shape (..., k) -> (...): 0 as soon as one class is never recognised.

    NaN stands for a class without examples.

    Kubat and Matwin 1997, "Addressing the curse of imbalanced training sets"; for more classes: Sun, Kamel and Wang
    2006, "Boosting for learning multiple classes with imbalanced class distribution".
    """
    return np.nanprod(recall, -1) ** (1 / np.isfinite(recall).sum(-1))


def matthews(hits: np.ndarray, guesses: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return Matthews' correlation for k classes, shape (...), in [-1, 1]; 0 where only one class is ever predicted.

        (c s - sum_k g_k n_k) / sqrt((s^2 - sum_k g_k^2) (s^2 - sum_k n_k^2)), c = all hits, s = all examples

    Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".
    """
    c, s = hits.sum(-1), n.sum(-1, dtype=np.float64)
    spread = (s**2 - (guesses.astype(np.float64) ** 2).sum(-1)) * (s**2 - (n**2).sum(-1))
    return np.where(spread > 0, c * s - (guesses * n).sum(-1), 0) / np.sqrt(np.where(spread > 0, spread, 1))


def ranking(y: np.ndarray, p: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return average precision and area under the ROC curve, each of shape (d,).

    Average precision is the sum over the distinct scores of (gain in recall) * precision, as in scikit-learn.

    Args:
        y: Whether a row is positive, bool, shape (n,); both must occur.
        p: Score, shape (n,).
        weights: Shape (n, d).
    """
    order = np.argsort(-p, kind="stable")
    last = np.flatnonzero(np.diff(p[order], append=-np.inf))  # of each run of equal scores
    w = weights[order]
    both = np.cumsum(w, axis=0)[last]
    hits = np.cumsum(np.where(y[order, None], w, 0), axis=0)[last]
    gain = np.diff(hits, axis=0, prepend=0)
    misses = both - hits
    precision = hits / np.maximum(both, 1e-12)
    area = (np.diff(misses, axis=0, prepend=0) * (hits - gain / 2)).sum(0)
    # Without positives or negatives there is no rank to speak of.
    return (gain * precision).sum(0) / np.maximum(hits[-1], 1e-12), area / np.maximum(hits[-1] * misses[-1], 1e-12)


def calibration_error(y: np.ndarray, p: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the expected calibration error, shape (d,): mean over 10 bins of |mean p - share of positives|.

    The bins hold equally many rows (Nixon et al. 2019, "Measuring calibration in deep learning"): with bins of equal
    width nearly all rows of a rare class's table would fall into the first one. Equal p stay together.

    Args:
        y: Whether a row is positive, bool, shape (n,).
        p: Its probability, shape (n,).
        weights: Shape (n, d).
    """
    edges = np.quantile(p, np.arange(1, BINS) / BINS, method="lower")
    order = np.argsort(bins := np.searchsorted(edges, p), kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    gap = np.add.reduceat(((p - y)[:, None] * weights)[order], starts, axis=0)
    return np.abs(gap).sum(0) / weights.sum(0)
