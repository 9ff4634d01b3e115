"""Scores of class probabilities, prior correction, and intervals. Pure functions on arrays.

Two classes: the scores are those of label 1. More classes: the mean over the classes, each one against the rest.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student_t

from gensynth.intervals import Estimate

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

BINS = 10


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


def balanced_accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean of the two recalls, as scikit-learn does, but fast enough to try many thresholds.

    Args:
        y: Labels 0 and 1, both present, shape (n,).
        predicted: Predicted ones, shape (n,).
    """
    hit = y == predicted
    return float(hit[y == 1].mean() + hit[y == 0].mean()) / 2


def thresholds() -> np.ndarray:
    """Return the thresholds that are tried, shape (121,): even steps of the log odds; rare classes need small ones."""
    return 1 / (1 + np.exp(-np.linspace(-12, 12, 121)))


def tune_threshold(y: np.ndarray, p: np.ndarray) -> float:
    """Return the one of `thresholds` with the highest balanced accuracy.

    Args:
        y: Labels 0 and 1, both of them present, shape (n,).
        p: Probability of label 1 of rows that the classifier has not seen, shape (n,).
    """
    grid = thresholds()
    recall = [1 - np.searchsorted(np.sort(p[y == label]), grid) / (y == label).sum() for label in (0, 1)]
    return float(grid[middle_of_best(recall[1] - recall[0])])


def middle_of_best(scores: np.ndarray) -> int:
    """Return the position of the highest score, the middle one of several: few rare rows leave a wide gap."""
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return int(best[len(best) // 2])


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
    return (gain * precision).sum(0) / hits[-1], area / np.maximum(hits[-1] * misses[-1], 1e-12)


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


def bootstrap_estimate(scores: np.ndarray, floor: float, limits: tuple[float, float]) -> Estimate:
    """Return a score with its 95 % interval for other test rows: value +- 1.96 bootstrap standard deviations.

    Args:
        scores: The score, then that of each resample, shape (1 + draws,).
        floor: Least variance that is believed.
        limits: The interval is cut to this range.
    """
    half = 1.96 * float(np.sqrt(max(scores[1:].var(), floor)))
    return _within(float(scores[0]), half, limits)


def split_variance(scores: np.ndarray, ratio: float) -> float:
    """Return the variance of the mean over train-test splits.

        variance = (1 / J + n_test / n_train) s^2

    Nadeau and Bengio 2003, "Inference for the generalization error": the J splits share rows, so that s^2 / J alone is
    several times too small. For repeated cross-validation: Bouckaert and Frank 2004.

    Args:
        scores: Score by split, shape (J,), J at least 2.
        ratio: n_test / n_train.
    """
    return float((1 / len(scores) + ratio) * scores.var(ddof=1))


def split_estimate(scores: np.ndarray, ratio: float, floor: float, limits: tuple[float, float]) -> Estimate:
    """Return the mean over splits with its 95 % interval for other training and test rows.

    Student's t with J - 1 degrees of freedom and `split_variance`.

    Args:
        scores: Score by split, shape (J,), J at least 2.
        ratio: n_test / n_train.
        floor: Least variance that is believed.
        limits: The interval is cut to this range.
    """
    variance = max(split_variance(scores, ratio), floor)
    half = float(student_t.ppf(0.975, len(scores) - 1) * np.sqrt(variance))
    return _within(float(scores.mean()), half, limits)


def as_points(gap: Estimate) -> str:
    """Return a difference of shares for people, such as `+1.0 points (-0.5 to +2.5)`."""
    return f"{100 * gap.value:+.1f} points ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})"


def _within(value: float, half: float, limits: tuple[float, float]) -> Estimate:
    return Estimate(value, max(limits[0], value - half), min(limits[1], value + half))
