"""Outcome: what one trained classifier said of the test examples."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self, final

import numpy as np

from gensynth.evaluate.probabilities import decide, prior_correct, tune_threshold
from gensynth.evaluate.scores import calibration_error, geometric_mean, macro_f1, matthews, ranking

BY_CLASS = "by_class"
"""The name of the score of every class among the scores, see `class_score`."""
HALF, TUNED = "balanced_accuracy", "balanced_accuracy_tuned"
"""Scores that tell whether a threshold should be moved."""
OF_LABELS = {
    "balanced_accuracy": "balanced accuracy",
    "balanced_accuracy_tuned": "balanced accuracy at the tuned threshold",
    "macro_f1": "macro F1",
    "g_mean": "G-mean",
    "mcc": "MCC",
    "worst_recall": "worst recall",
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "brier": "Brier score",
    "brier_raw": "Brier score, raw",
    "calibration_error": "calibration error",
    "calibration_error_raw": "calibration error, raw",
}
OF_NUMBERS = {
    "balanced_skill": "balanced skill",
    "skill": "skill",
    "error": "mean absolute error",
    "tail_error": "mean absolute error in the tail",
}
WORDS = OF_LABELS | OF_NUMBERS
"""What scores are called in sentences."""
ERRORS = ("error", "tail_error")
"""Scores in the unit of the number."""
LIMITS = {
    "mcc": (-1.0, 1.0),
    **dict.fromkeys(("balanced_skill", "skill"), (-math.inf, 1.0)),
    **dict.fromkeys(ERRORS, (0.0, math.inf)),
}
"""Between what scores lie that are no shares."""
MOST_CELLS = 4_000_000
"""How many weights of examples are ranked at a time."""


class Outcome(ABC):
    """What one classifier, perhaps trained from several seeds, said of n test examples of k classes."""

    slow: ClassVar[frozenset[str]] = frozenset()
    """Scores that take long: where no verdict rests on them, fewer resamples have to do."""
    n_train: int
    """Examples it was trained on."""
    threshold: float | None
    """Probability from which on the rare one of two classes is predicted, if that was tuned."""
    positive: int | None
    """The rare one of two classes, which the scores are of; None where they are means over all."""
    note: str = ""
    """What to say of how it was trained, in a sentence."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many numbers were said; what scores cost grows with it."""

    @property
    @abstractmethod
    def likeliest(self) -> np.ndarray:
        """The likeliest label of each example, int64, shape (repeats, n)."""

    @abstractmethod
    def score(self, weights: np.ndarray, fewer: int) -> dict[str, np.ndarray]:
        """Return scores by name under weights of the examples, such as those of a bootstrap.

        Args:
            weights: How often each example counts, shape (n, d).
            fewer: How many of the columns the scores in `slow` answer for.

        Returns:
            Shape (d, repeats), of slow scores (fewer, repeats); `BY_CLASS` has shape (d, repeats, k), NaN for a class
            without examples.
        """

    def tuned(self, others: Sequence[Self]) -> Self:
        """Return the same with a threshold tuned by what others, trained in the same way, said of other examples."""
        return self

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all but the true labels as arrays (`gensynth.evaluate.kept_arms`); nothing where it is not kept."""
        return {}


@final
@dataclass(frozen=True, eq=False)
class Probabilities(Outcome):
    """Class probabilities.

    Of two classes, scores that rank or calibrate are those of `positive`; of more classes, or where that is None, the
    mean over the classes, each one against the rest. Classes without examples are left out of all means.

    Attributes:
        y: True labels, int64, shape (n,).
        raw: Probabilities as the classifier gives them, shape (repeats, n, k).
        n_train: Examples it was trained on.
        positive: See above.
        shares: Shares of the classes among the real training examples, shape (k,); None for probabilities that are
            not to be corrected: then the likeliest class is predicted.
        trained: Shares of the classes in training, weights and synthetic examples counted, shape (k,).
        threshold: See `gensynth.evaluate.probabilities.decide`.
        moved: Whether the threshold counts for balanced accuracy, too, instead of one half.
        note: As `Outcome.note`.
    """

    y: np.ndarray
    raw: np.ndarray
    n_train: int
    positive: int | None = None
    shares: np.ndarray | None = None
    trained: np.ndarray | None = None
    threshold: float | None = None
    moved: bool = False
    note: str = ""

    slow: ClassVar[frozenset[str]] = frozenset(list(OF_LABELS)[6:])

    @property
    def size(self) -> int:
        """As `Outcome.size`."""
        return self.raw.size

    @property
    def likeliest(self) -> np.ndarray:
        """As `Outcome.likeliest`."""
        return self.raw.argmax(-1)

    @cached_property
    def p(self) -> np.ndarray:
        """The probabilities after `prior_correct`, shape (repeats, n, k)."""
        if self.shares is None or self.trained is None:
            return self.raw
        return prior_correct(self.raw, self.trained, self.shares)

    def tuned(self, others: Sequence[Probabilities]) -> Probabilities:
        """As `Outcome.tuned`; of more than two classes there is no threshold."""
        if self.shares is None or self.positive is None:
            return self
        rare = self.positive
        y, p = (np.concatenate(each) for each in zip(*((o.y == rare, o.p[0, :, rare]) for o in others), strict=True))
        return replace(self, threshold=tune_threshold(y, p))

    def score(self, weights: np.ndarray, fewer: int) -> dict[str, np.ndarray]:
        """As `Outcome.score`; recalls, and means of them, are of what is predicted (at the threshold)."""
        if self.shares is None:
            found = _counted(self.y, self.likeliest, weights, self.raw.shape[-1])
        else:
            predicted = decide(self.p, self.threshold, self.shares, self.positive)
            found = _counted(self.y, predicted, weights, self.raw.shape[-1])
            found["balanced_accuracy_tuned"] = found["balanced_accuracy"]
            if not self.moved:
                at_half = _counted(self.y, self.likeliest, weights, self.raw.shape[-1])
                found["balanced_accuracy"] = at_half["balanced_accuracy"]
        columns = weights[:, :fewer]
        parts = np.array_split(columns, max(1, columns.size // MOST_CELLS), axis=1)
        ranked = [self._ranked(part.astype(np.float64)) for part in parts]
        return found | {name: np.concatenate([part[name] for part in ranked]) for name in ranked[0]}

    def arrays(self) -> dict[str, np.ndarray]:
        """As `Outcome.arrays`, empty where there is nothing."""
        fields = ("raw", "n_train", "positive", "shares", "trained", "threshold", "moved", "note")
        return {name: np.array([] if getattr(self, name) is None else getattr(self, name)) for name in fields}

    @staticmethod
    def of_arrays(y: np.ndarray, k: int, arrays: Mapping[str, np.ndarray]) -> Probabilities:
        """Return what `arrays` gave, with the true labels, of k classes; ValueError for something else."""
        raw, shares, trained = (arrays[name] for name in ("raw", "shares", "trained"))
        fits = raw.ndim == 3 and raw.shape[1:] == (len(y), k) and raw.dtype.kind == "f"
        fits = fits and {shares.shape, trained.shape} <= {(0,), (k,)}
        if not fits or not np.allclose(raw.sum(-1), 1, atol=1e-3):
            raise ValueError(f"probabilities of shape {raw.shape} are not those of {len(y)} examples of {k} classes.")
        n, positive, threshold, moved = (arrays[name] for name in ("n_train", "positive", "threshold", "moved"))
        return Probabilities(
            *(y, raw, int(n)),
            positive=int(positive) if positive.size else None,
            shares=shares if shares.size else None,
            trained=trained if trained.size else None,
            threshold=float(threshold) if threshold.size else None,
            moved=bool(moved),
            note=str(arrays.get("note", "")),
        )

    def _ranked(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """Return the slow scores under weights of shape (n, d), each of shape (d, repeats)."""
        classes = np.unique(self.y) if self.positive is None else np.array([self.positive])
        counts = np.array([w[self.y == c].any(0) for c in classes])  # a class that counts nowhere is left out
        if self.positive is not None:
            counts[:] = True
        found: dict[str, list[np.ndarray]] = {}

        def add(name: str, of_classes: list[np.ndarray]) -> None:
            found.setdefault(name, []).append(np.array(of_classes).mean(0, where=counts))

        for p, raw in zip(self.p, self.raw, strict=True):
            ranks = [ranking(self.y == c, p[:, c], w) for c in classes]
            add("average_precision", [area for area, _ in ranks])
            add("roc_auc", [area for _, area in ranks])
            for end, of in (("", p), ("_raw", raw)) if self.shares is not None else (("", p),):
                add(f"brier{end}", [(of[:, c] - (self.y == c)) ** 2 @ w / w.sum(0) for c in classes])
                add(f"calibration_error{end}", [calibration_error(self.y == c, of[:, c], w) for c in classes])
        return {name: np.stack(repeats, axis=1) for name, repeats in found.items()}


def limits(name: str) -> tuple[float, float]:
    """Return the lowest and the highest value that a score can have."""
    return LIMITS.get(name, (0.0, 1.0))


def shown(name: str, value: float) -> str:
    """Return a score for people: a share as percentage, an error in the unit of the number."""
    return f"{value:.4g}" if name in ERRORS else f"{value:.1%}"


def class_score(metric: str) -> str:
    """Return what `BY_CLASS` is beside a metric: the recall of labels, or the skill of predictions of a number."""
    return "skill" if metric in OF_NUMBERS else "recall"


def rarer(y: np.ndarray, k: int) -> int | None:
    """Return the rarer one of two classes, of equal ones the second; None for more classes."""
    return int(np.argsort(-np.bincount(y, minlength=2), kind="stable")[1]) if k == 2 else None


def _counted(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray, k: int) -> dict[str, np.ndarray]:
    """Return the scores of predicted labels, shape (repeats, n), that need no more than counts."""
    shape = (weights.shape[1], len(predicted), k)
    hits, guesses = np.zeros(shape), np.zeros(shape)
    n = np.zeros((shape[0], 1, k))
    for c in np.unique(y):
        mine = np.flatnonzero(y == c)
        chosen = np.moveaxis(predicted[:, mine, None] == np.arange(k), 1, 0).reshape(len(mine), -1)
        found = (weights[mine].T @ chosen.astype(weights.dtype)).reshape(shape)
        guesses += found
        hits[..., c] = found[..., c]
        n[..., c] = weights[mine].sum(0)[:, None]
    recall = np.divide(hits, n, out=np.full(shape, np.nan), where=n > 0)
    return {
        "balanced_accuracy": np.nanmean(recall, -1),
        "macro_f1": macro_f1(hits, guesses, n),
        "g_mean": geometric_mean(recall),
        "mcc": matthews(hits, guesses, n),
        "worst_recall": np.nanmin(recall, -1),
        BY_CLASS: recall,
    }
