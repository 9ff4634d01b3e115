"""The models of rows by name: how each reads a table, and what cross-validation chooses between.

A model that overfits small tables makes synthetic rows look good: on eight tables of some thousand rows, boosted trees
of a fixed size gained two points from rows, and four points from smaller trees without any. So every model is fitted
with the `Setting` that predicts real rows best that it has not seen (`gensynth.kinds.table.classifiers.Fit`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from gensynth.kinds.table.config import BOOSTING, CATBOOST, FOREST, LIGHTGBM, LOGISTIC

MOST_BINS = 255
"""Bins of a number in boosted trees, scikit-learn's setting."""
RARE_LEVEL = 10
"""Levels with fewer rows share one column where levels become columns."""

Setting = dict[str, Any]
"""Arguments of a model."""

GRID: dict[str, list[Setting]] = {
    BOOSTING: [{"max_leaf_nodes": leaves, "max_iter": n} for leaves in (4, 12) for n in (40, 120)],
    LOGISTIC: [{"C": c} for c in (0.1, 1.0, 10.0)],
    FOREST: [{}],
    LIGHTGBM: [{"num_leaves": leaves, "n_estimators": n} for leaves in (4, 12) for n in (40, 120)],
    CATBOOST: [{"depth": depth, "iterations": n} for depth in (2, 5) for n in (80, 240)],
}
"""What cross-validation chooses between; the simplest first. Finer grids were not ahead (docs/benchmark.md)."""
RIDGE: list[Setting] = [{"alpha": alpha} for alpha in (100.0, 10.0, 1.0)]
"""The same of `LOGISTIC` where a number is predicted."""


class Bins(TransformerMixin, BaseEstimator):
    """Puts numbers of many different values into the 255 bins that boosted trees would put unweighted rows into.

    With weighted rows scikit-learn (1.9) takes ten times as long to bin as to fit, unless it finds the bins made.
    """

    def fit(self, X: np.ndarray, y: None = None) -> Bins:  # noqa: N803
        """Find the quantiles of each column of X, shape (n, p), NaN where missing."""
        self.edges_ = [_edges(x[~np.isnan(x)]) for x in X.T]
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return bins as numbers, NaN where missing; columns of few values as they are."""
        columns = [
            x if edges is None else np.where(np.isnan(x), x, np.searchsorted(edges, x))
            for x, edges in zip(X.T, self.edges_, strict=True)
        ]
        return np.stack(columns, axis=1)


def _edges(x: np.ndarray) -> np.ndarray | None:
    if len(np.unique(x)) <= MOST_BINS:
        return None
    return np.unique(np.percentile(x, np.linspace(0, 100, MOST_BINS + 1)[1:-1], method="averaged_inverted_cdf"))


def preparation(model: str, is_code: np.ndarray, weighted: bool) -> Any:
    """Return what turns encoded rows into what a model reads, unfitted.

    Args:
        model: One of `GRID`.
        is_code: Which columns hold codes, bool, shape (p,).
        weighted: Whether rows have weights.
    """
    if model == BOOSTING:  # has its own way with missing numbers and levels
        return Bins() if weighted else FunctionTransformer()
    numbers: Any = "passthrough"  # gradient boosting takes missing ones as they are
    if model in (LOGISTIC, FOREST):
        filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        numbers = make_pipeline(filled, StandardScaler())
    levels = OneHotEncoder(min_frequency=RARE_LEVEL, handle_unknown="infrequent_if_exist", sparse_output=False)
    return ColumnTransformer([("numbers", numbers, ~is_code), ("levels", levels, is_code)])


def made(model: str, setting: Setting, is_code: np.ndarray, seed: int, number: bool = False) -> Any:
    """Return an unfitted model, of classes or of a number.

    Raises:
        ModuleNotFoundError: if its package is not installed.
    """
    if model == BOOSTING:
        # Early stopping would look at synthetic rows.
        boosting = HistGradientBoostingRegressor if number else HistGradientBoostingClassifier
        return boosting(
            learning_rate=0.1, categorical_features=is_code, early_stopping=False, random_state=seed, **setting
        )
    if model == FOREST:
        return (RandomForestRegressor if number else RandomForestClassifier)(
            n_estimators=200, n_jobs=-1, random_state=seed
        )
    if model == LOGISTIC:
        return Ridge(**setting) if number else LogisticRegression(max_iter=1000, **setting)
    package = _extra(model)
    if model == LIGHTGBM:
        fixed = {"deterministic": True, "force_row_wise": True, "n_jobs": 1, "verbose": -1}
        light = package.LGBMRegressor if number else package.LGBMClassifier
        return light(learning_rate=0.1, random_state=seed, **fixed, **setting)
    fixed = {"thread_count": 1, "allow_writing_files": False, "verbose": False}
    return (package.CatBoostRegressor if number else package.CatBoostClassifier)(
        learning_rate=0.1, random_seed=seed, **fixed, **setting
    )


def _extra(model: str) -> Any:
    try:
        return import_module(model)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the classifier {model!r} needs a package that is not installed: pip install 'gensynth[{model}]', or name "
            f"others: {BOOSTING}, {LOGISTIC}, {FOREST}."
        ) from error
