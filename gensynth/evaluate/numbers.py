"""Numbers: what a model that predicts a number said of the test examples, whose classes are ranges of that number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from gensynth.evaluate.outcome import BY_CLASS, Outcome


@final
@dataclass(frozen=True, eq=False)
class Numbers(Outcome):
    """Predictions of a number.

    With MAE the mean absolute error, and m the median of the number among real training examples, the best that can be
    said of all of them without looking:

        skill            1 - MAE / MAE of m, over all examples, or those of a class
        balanced skill   1 - mean_c MAE_c / mean_c MAE_c of m, over the classes c

    The mean of MAE_c is the balanced error of Ren, Zhang, Yu and Liu 2022, "Balanced MSE for imbalanced visual
    regression", section 5.1, with the ranges as bins: a rare range weighs as much as the common one.

    Attributes:
        y: True labels, int64, shape (n,).
        true: True numbers, float64, shape (n,).
        said: Predicted numbers, float64, shape (repeats, n).
        named: The labels of those, int64, shape (repeats, n).
        n_train: Examples it was trained on.
        median: See above.
        k: Number of classes.
        tail: The labels that are rare ranges.
    """

    y: np.ndarray
    true: np.ndarray
    said: np.ndarray
    named: np.ndarray
    n_train: int
    median: float
    k: int
    tail: tuple[int, ...]
    positive: None = field(default=None, init=False)
    threshold: None = field(default=None, init=False)

    @property
    def size(self) -> int:
        """As `Outcome.size`."""
        return self.said.size

    @property
    def likeliest(self) -> np.ndarray:
        """As `Outcome.likeliest`."""
        return self.named

    def score(self, weights: np.ndarray, fewer: int) -> dict[str, np.ndarray]:  # noqa: ARG002
        """As `Outcome.score`; no score is slow."""
        w = weights.astype(np.float64)
        guessed = np.full((1, len(self.y)), self.median)
        off = np.abs(np.vstack([self.said, guessed]) - self.true)
        total, n = np.zeros((w.shape[1], len(off), self.k)), np.zeros((w.shape[1], 1, self.k))
        for c in np.unique(self.y):
            mine = self.y == c
            total[..., c] = w[mine].T @ off[:, mine].T
            n[..., c] = w[mine].sum(0)[:, None]
        tail, of_class = list(self.tail), _ratio(total, n)
        return {
            "balanced_skill": _skill(np.nanmean(of_class, -1)),
            "skill": _skill(total.sum(-1)),
            "error": _ratio(total.sum(-1), n.sum(-1))[:, :-1],
            "tail_error": _ratio(total[..., tail].sum(-1), n[..., tail].sum(-1))[:, :-1],
            BY_CLASS: _skill(of_class),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """As `Outcome.arrays`."""
        names = ("true", "said", "named", "n_train", "median", "tail")
        return {name: np.array(getattr(self, name)) for name in names}

    @staticmethod
    def of_arrays(y: np.ndarray, k: int, arrays: Mapping[str, np.ndarray]) -> Numbers:
        """Return what `arrays` gave, with the true labels, of k classes; ValueError for something else."""
        true, said, named, n, median, tail = (
            arrays[name] for name in ("true", "said", "named", "n_train", "median", "tail")
        )
        fits = true.shape == y.shape and said.ndim == 2 and said.shape[1:] == y.shape and named.shape == said.shape
        numbers = {true.dtype.kind, said.dtype.kind, median.dtype.kind} == {"f"} and tail.dtype.kind == "i"
        if not fits or not numbers or not np.isfinite(said).all() or not set(tail.tolist()) <= set(range(k)):
            raise ValueError(f"numbers of shape {said.shape} are not said of {len(y)} examples of {k} classes.")
        return Numbers(y, true, said, named, int(n), float(median), k, tuple(tail.tolist()))


def _ratio(of: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Return a ratio, NaN where there is nothing to divide by."""
    return np.divide(of, to, out=np.full(of.shape, np.nan), where=to > 0)


def _skill(error: np.ndarray) -> np.ndarray:
    """Return 1 - error of the predictions / error of the median, which stands last on the second axis."""
    return 1 - _ratio(error[:, :-1], np.broadcast_to(error[:, -1:], error[:, :-1].shape))
