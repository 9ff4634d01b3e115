"""Conformal p-values against real examples, and how low one must be for an example to be called atypical.

Bates et al. 2023, "Testing for Outliers with Conformal p-values", arXiv 2104.08279.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.metrics import leave_one_out_nearest

NEIGHBORS = 3
"""How typical an example is, is told by its mean distance to this many real ones."""
SMALL = 50
"""With fewer real references the smallest p-value is too large for the procedure of Benjamini and Hochberg to fire."""
DISCOVERIES, MOST = 0.1, 0.05
"""From `SMALL` references on: largest expected share of genuine examples among those rejected, and the p-value above
which none ever is."""
FEW_LEVEL, DOUBT = 0.02, 0.05
"""With fewer: the p-value up to which examples are rejected, and up to which a person should look. Rejecting at 0.05
took, with the other filters, 6 to 8 % of genuine images of digits, MNIST and Fashion-MNIST at 20 references."""


def conformal_p(real: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return (1 + #{real >= value}) / (n + 1) for each value; small where `values` exceed nearly all real ones.

    Args:
        real: Scores of real examples, each against the others, sorted ascending, shape (n,).
        values: Scores of other examples, shape (m,).
    """
    return (1 + len(real) - np.searchsorted(real, values)) / (len(real) + 1)


def cutoff(p_values: np.ndarray, n_real: int) -> float:
    """Return the p-value up to which examples are rejected, 0 where none is.

    Under `SMALL` references a fixed one; else that of the procedure of Benjamini and Hochberg at a false discovery rate
    of 0.1 over all examples given, which takes next to nothing from a set without fault.

    Args:
        p_values: Conformal p-values of all examples of the class, shape (m,).
        n_real: Real examples of the class.
    """
    if n_real < SMALL:
        return FEW_LEVEL
    ordered = np.sort(p_values)
    passing = np.flatnonzero(ordered <= DISCOVERIES * np.arange(1, len(ordered) + 1) / max(1, len(ordered)))
    return min(MOST, float(ordered[passing[-1]])) if len(passing) else 0.0


def spread(points: np.ndarray) -> np.ndarray:
    """Return the mean distance of each real point to its nearest others, shape (n,); empty below 2 points."""
    if len(points) < 2:
        return np.zeros(0)
    return leave_one_out_nearest(points, min(NEIGHBORS, len(points) - 1))[0].mean(axis=1)


def scaled(distances: np.ndarray) -> tuple[np.ndarray, float]:
    """Return distances over their median, and the median; 1 where it is 0 or there are none."""
    scale = (float(np.median(distances)) if len(distances) else 0.0) or 1.0
    return distances / scale, scale


def pooled(values: Sequence[np.ndarray], train: LabeledData) -> list[np.ndarray]:
    """Return for each label the values to calibrate on: its own, or those of all classes of fewer than `SMALL`.

    Args:
        values: By label, values of its real examples, each of shape (some,).
        train: The training examples, which say how large the classes are.
    """
    small = np.bincount(train.y, minlength=len(train.classes)) < SMALL
    together = np.concatenate([np.zeros(0), *(v for v, few in zip(values, small, strict=True) if few)])
    return [together if few else own for own, few in zip(values, small, strict=True)]
