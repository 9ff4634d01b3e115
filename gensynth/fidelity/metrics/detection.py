"""Detection: can boosted trees tell synthetic examples from real ones? As SDMetrics has it, with another classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

FOLDS = 5
DETECTOR: dict[str, Any] = {"max_iter": 60, "max_leaf_nodes": 15, "early_stopping": False, "random_state": 0}


def detection_auc(real: np.ndarray, synthetic: np.ndarray, seed: int) -> float:
    """Cross-validated area under the ROC curve of gradient-boosted trees that tell synthetic examples from real ones.

    0.5 where they cannot, 1 where they always can. Below 0.5, by more than chance, synthetic examples are copies of
    real ones, which carry the wrong label from the folds that are learned to those that are tested.

    Args:
        real: Real examples, at least `FOLDS` of them, shape (n, d); NaN is missing.
        synthetic: Synthetic examples, likewise.
        seed: Seed of the folds.
    """
    x = np.concatenate([real, synthetic])
    is_synthetic = np.arange(len(x)) >= len(real)
    p = np.empty(len(x))
    for learn, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, is_synthetic):
        # Without class weights: they gained nothing, and with them scikit-learn takes ten times as long to bin.
        model = HistGradientBoostingClassifier(**DETECTOR, min_samples_leaf=int(np.clip(len(learn) // 10, 2, 20)))
        p[test] = model.fit(x[learn], is_synthetic[learn]).predict_proba(x[test])[:, 1]
    return float(roc_auc_score(is_synthetic, p))


def detection_score(auc: float) -> float:
    """1 - 2 max(AUC - 1/2, 0): 1 where synthetic rows cannot be told from real ones, 0 where they always can."""
    return 1 - 2 * max(auc - 0.5, 0.0)


def expected_detection_score(n_real: int, n_synthetic: int) -> float:
    """E[detection score | one distribution] = 1 - 2 sd / sqrt(2 pi), with sd^2 = (n + m + 1) / (12 n m) of an AUC.

    Mann and Whitney 1947 for the variance; the AUC is taken as normal around 1/2.
    """
    n, m = n_real, n_synthetic
    return float(1 - 2 * np.sqrt((n + m + 1) / (12 * n * m) / (2 * np.pi)))
