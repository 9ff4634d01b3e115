"""Cues: does one plain property of examples, such as their size, tell their classes apart?"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

FOLDS = 5


def comparable(y: np.ndarray) -> np.ndarray:
    """Return the labels that have enough examples for a fold each, int64, ascending."""
    return np.flatnonzero(np.bincount(y) >= FOLDS)


def cue(values: np.ndarray, y: np.ndarray, seed: int) -> float | None:
    """Return the out-of-fold balanced accuracy of a small decision tree that knows a property alone.

    Args:
        values: The property, shape (n,) or (n, p).
        y: Labels, int64, shape (n,); those that are not `comparable` are left out.
        seed: Chooses the folds.

    Returns:
        In [0, 1]; None where fewer than two classes are left, or all values are the same.
    """
    if len(labels := comparable(y)) < 2:
        return None
    rows = np.isin(y, labels)
    known = values[rows].reshape(rows.sum(), -1)
    if not (known != known[0]).any():
        return None
    tree = DecisionTreeClassifier(max_depth=4, class_weight="balanced", random_state=seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return float(balanced_accuracy_score(y[rows], cross_val_predict(tree, known, y[rows], cv=folds)))
