"""Prior correction and thresholds of class probabilities. Pure functions on arrays."""

from __future__ import annotations

import numpy as np


def prior_correct(p: np.ndarray, trained: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Correct the probabilities of a classifier that was trained with other class shares than the real ones.

        p'_k = p_k (real_k / trained_k) / sum_j p_j (real_j / trained_j)

    Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori probabilities",
    equation 2.4; for two classes Elkan 2001, "The foundations of cost-sensitive learning", theorem 2. It is exact where
    the added rows of a class have the distribution of its real ones and p is right for what it was trained on. A forest
    of full-grown trees hardly heeds weights, for one: look at the raw scores, too. The order of rows by the probability
    of one of two classes stays as it was.

    Args:
        p: Probabilities, shape (..., k).
        trained: Shares of the classes in training, shape (k,), or one row per row of p; weights count as rows.
        real: Shares of the classes among real rows, shape (k,).
    """
    odds = p * (real / trained)
    return odds / odds.sum(-1, keepdims=True)


def decide(p: np.ndarray, threshold: float | None, shares: np.ndarray, positive: int | None = 1) -> np.ndarray:
    """Return the labels to predict where the mean of the recalls shall be high, shape (..., n).

    Two classes: label `positive` from a tuned threshold on. More classes have no single threshold to tune; there it is

        argmax_k p_k / share_k

    which maximises the mean of the recalls if the probabilities are right, and needs no tuning.

    Args:
        p: Prior-corrected probabilities, shape (..., n, k).
        threshold: For two classes; None for more.
        shares: Shares of the classes among real rows, shape (k,).
        positive: The label that the threshold is of.
    """
    if threshold is None or positive is None:
        return (p / shares).argmax(-1)
    return np.where(p[..., positive] >= threshold, positive, 1 - positive)


def tune_threshold(y: np.ndarray, p: np.ndarray) -> float:
    """Return the threshold with the highest balanced accuracy, the middle one of several: few rows leave a wide gap.

    Tried are 121 even steps of the log odds: rare classes need small thresholds.

    Args:
        y: Labels 0 and 1, both of them present, shape (n,).
        p: Probability of label 1 of rows that the classifier has not seen, shape (n,).
    """
    grid = 1 / (1 + np.exp(-np.linspace(-12, 12, 121)))
    recall = [1 - np.searchsorted(np.sort(p[y == label]), grid) / (y == label).sum() for label in (0, 1)]
    balanced = recall[1] - recall[0]
    best = np.flatnonzero(balanced >= balanced.max() - 1e-12)
    return float(grid[best[len(best) // 2]])
