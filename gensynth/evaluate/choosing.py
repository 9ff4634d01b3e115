"""How a model is set: so that real examples that it has not seen are predicted best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from sklearn.model_selection import StratifiedKFold

T = TypeVar("T")
FOLDS = 3
"""Folds of the cross-validation that chooses."""


def best_setting(grid: Sequence[T], y: np.ndarray, seed: int, loss: Callable[[T, np.ndarray, np.ndarray], float]) -> T:
    """Return the setting with the least loss in cross-validation; the first where a class has a single example.

    Args:
        grid: What to choose from, the simplest first.
        y: Labels of the real examples, by which folds are stratified, shape (n,).
        seed: Of the folds.
        loss: Takes a setting, and the positions of the examples that are seen and of those to be predicted.
    """
    folds = min(FOLDS, int(np.unique(y, return_counts=True)[1].min()))
    if len(grid) == 1 or folds < 2:
        return grid[0]
    splits = [*StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y)]
    return min(grid, key=lambda setting: sum(loss(setting, *split) for split in splits))


def taught_loss(p: np.ndarray, y: np.ndarray, trained: np.ndarray, real: np.ndarray) -> float:
    """Return the log loss of probabilities, the classes weighted as in training.

    A model of filled classes is not to be held back for the shares that it was taught.

    Args:
        p: Probabilities, shape (n, k).
        y: True labels, int64, shape (n,).
        trained: Shares of the classes in training, shape (k,).
        real: Shares among the real examples, shape (k,).
    """
    weights = trained / np.maximum(real, 1e-9)
    return float(np.average(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-9)), weights=weights[y]))
