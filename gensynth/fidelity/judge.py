"""Judge: says which class an example shows; fitted on real ones only, each asked of a model that did not see it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

FOLDS = 5
INVERSE_PENALTY = 3.0  # for features of unit norm; 1 to 10 differ by under a point


@final
@dataclass(frozen=True, eq=False)
class Judge:
    """Class-balanced multinomial logistic regression on the wide features.

    Attributes:
        n_classes: Number of classes, also those without examples.
        model: The fitted model, or None where examples of only one class were given.
        out_of_fold: Probabilities of the examples it was fitted on, each from a model that did not see it,
            float64, shape (n, n_classes).
    """

    n_classes: int
    model: LogisticRegression | None
    out_of_fold: np.ndarray

    @staticmethod
    def fit(
        wide: np.ndarray,
        y: np.ndarray,
        n_classes: int,
        seed: int,
        refitted: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> Judge:
        """Fit a judge, and for each fold of the examples one that did not see it.

        Args:
            wide: Features, float64, shape (n, p).
            y: Labels, int64, shape (n,).
            n_classes: Number of classes.
            seed: Seed of the folds, which are stratified.
            refitted: Given which examples are kept, bool (n,), returns features of all (n, q), fitted on those: fitted
                on all, they would have seen the fold. None where there are so many that it hardly matters.
        """
        rng = np.random.default_rng(seed)
        fold = np.empty(len(y), dtype=np.int64)
        for label in range(n_classes):
            at = rng.permutation(np.flatnonzero(y == label))
            fold[at] = (np.arange(len(at)) + label) % FOLDS
        out_of_fold = np.empty((len(y), n_classes))
        for f in range(FOLDS):
            x = wide if refitted is None else refitted(fold != f)
            model = _logistic(x[fold != f], y[fold != f])
            out_of_fold[fold == f] = _probabilities(model, x[fold == f], n_classes)
        return Judge(n_classes, _logistic(wide, y), out_of_fold)

    def __call__(self, wide: np.ndarray) -> np.ndarray:
        """Return probabilities, float64, shape (n, n_classes)."""
        return _probabilities(self.model, wide, self.n_classes)


def _logistic(wide: np.ndarray, y: np.ndarray) -> LogisticRegression | None:
    if len(np.unique(y)) < 2:
        return None
    model = LogisticRegression(C=INVERSE_PENALTY / wide.shape[1], class_weight="balanced", max_iter=200, tol=1e-3)
    # Matrices this small lose far more to the start of BLAS threads than they gain from them.
    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)  # far past the point where decisions change
        return model.fit(wide, y)


def _probabilities(model: LogisticRegression | None, wide: np.ndarray, n_classes: int) -> np.ndarray:
    if model is None or not len(wide):
        return np.ones((len(wide), n_classes))
    out = np.zeros((len(wide), n_classes))
    out[:, model.classes_] = model.predict_proba(wide)
    return out
