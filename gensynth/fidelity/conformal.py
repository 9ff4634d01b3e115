"""Conformal p-values against real images, and how low one must be for an image to be called atypical.

Bates et al. 2023, "Testing for Outliers with Conformal p-values", arXiv 2104.08279.
"""

from __future__ import annotations

import numpy as np

NEIGHBORS = 3
"""How typical an example is, is told by its mean distance to this many real ones."""
SMALL = 50
"""With fewer real references the smallest p-value is too large for the procedure of Benjamini and Hochberg to fire."""
DISCOVERIES, MOST = 0.1, 0.05
"""From `SMALL` references on: largest expected share of genuine images among those rejected, and the p-value above
which none ever is."""
FEW_LEVEL, DOUBT = 0.02, 0.05
"""With fewer: the p-value up to which images are rejected, and up to which a person should look. Rejecting at 0.05
took, with the other filters, 6 to 8 % of genuine images of digits, MNIST and Fashion-MNIST at 20 references."""


def conformal_p(real: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return (1 + #{real >= value}) / (n + 1) for each value; small where `values` exceed nearly all real ones.

    Args:
        real: Scores of real images, each against the others, sorted ascending, shape (n,).
        values: Scores of other images, shape (m,).
    """
    return (1 + len(real) - np.searchsorted(real, values)) / (len(real) + 1)


def cutoff(p_values: np.ndarray, n_real: int) -> float:
    """Return the p-value up to which images are rejected, 0 where none is.

    Under `SMALL` references a fixed one; else that of the procedure of Benjamini and Hochberg at a false discovery rate
    of 0.1 over all images given, which takes next to nothing from a set without fault.

    Args:
        p_values: Conformal p-values of all images of the class, shape (m,).
        n_real: Real images of the class.
    """
    if n_real < SMALL:
        return FEW_LEVEL
    ordered = np.sort(p_values)
    passing = np.flatnonzero(ordered <= DISCOVERIES * np.arange(1, len(ordered) + 1) / max(1, len(ordered)))
    return min(MOST, float(ordered[passing[-1]])) if len(passing) else 0.0
