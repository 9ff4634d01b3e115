"""Scores of class probabilities, and prior correction. Pure functions on arrays.

Two classes: the scores are those of label 1. More classes: the mean over the classes, each one against the rest.
"""

from __future__ import annotations

import numpy as np

from gensynth.evaluate.scores import calibration_error, ranking

SCORES = (
    "average_precision",
    "roc_auc",
    "balanced_accuracy",
    "balanced_accuracy_tuned",
    "brier",
    "brier_raw",
    "calibration_error",
    "calibration_error_raw",
)
"""What `score` returns, in this order; the recall of every class follows."""


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


def decide(p: np.ndarray, threshold: float | None, shares: np.ndarray) -> np.ndarray:
    """Return the labels to predict where the mean of the recalls shall be high.

    Two classes: label 1 from a tuned threshold on. More classes have no single threshold to tune; there it is

        argmax_k p_k / share_k

    which maximises the mean of the recalls if the probabilities are right, and needs no tuning.

    Args:
        p: Prior-corrected probabilities, shape (n, k).
        threshold: For two classes; None for more.
        shares: Shares of the classes among real rows, shape (k,).
    """
    if threshold is None:
        return (p / shares).argmax(1)
    return (p[:, 1] >= threshold).astype(np.int64)


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


def score(
    y: np.ndarray,
    raw: np.ndarray,
    corrected: np.ndarray,
    threshold: float | None,
    shares: np.ndarray,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Score the probabilities of n rows, also under other weights of the rows, such as those of a bootstrap.

    Balanced accuracy is that of the likeliest class by `raw`, which for two classes is a threshold of 0.5; the tuned
    one and the recalls are those of `decide`. Classes without rows are left out of the means; their recall is NaN.

    Args:
        y: Labels, shape (n,).
        raw: Probabilities as the classifier gives them, shape (n, k).
        corrected: The same after `prior_correct`; ranking, Brier score and calibration use these.
        threshold: See `decide`.
        shares: See `decide`.
        weights: Shape (n, d); None for one weight of 1 each.

    Returns:
        `SCORES` and the k recalls, shape (8 + k, d). The Brier score is the mean of (p - y)^2, 0 is best.
    """
    w = np.ones((len(y), 1)) if weights is None else weights
    k = raw.shape[1]
    tested = np.flatnonzero(np.bincount(y, minlength=k))
    columns = np.array([1]) if k == 2 else tested
    ranked = np.mean([ranking(y == c, corrected[:, c], w) for c in columns], axis=0)
    recalls = []
    for predicted in (raw.argmax(1), decide(corrected, threshold, shares)):
        recall = np.full((k, w.shape[1]), np.nan)
        for c in tested:
            recall[c] = (predicted == c)[y == c] @ w[y == c] / w[y == c].sum(0)
        recalls.append(recall)
    total = w.sum(0)
    brier = [np.mean([(p[:, c] - (y == c)) ** 2 @ w for c in columns], axis=0) / total for p in (corrected, raw)]
    calibration = [np.mean([calibration_error(y == c, p[:, c], w) for c in columns], axis=0) for p in (corrected, raw)]
    means = [*ranked, recalls[0][tested].mean(0), recalls[1][tested].mean(0), *brier, *calibration]
    return np.concatenate([np.stack(means), recalls[1]])
