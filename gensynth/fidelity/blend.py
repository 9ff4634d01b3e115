"""A blend of two real examples is no copy of either."""

from __future__ import annotations

import numpy as np

BLEND = 0.1
"""An example on the line between two real ones, at least this share away from both, is no copy."""


def is_blend(point: np.ndarray, closest: np.ndarray, real: np.ndarray) -> bool:
    """Whether `point` lies between `closest` and another real row, at least BLEND away from both.

    Noise on a copy points anywhere, so it hardly ever points to another real one: cos^2 > 3/4 with one of
    1,000 random directions has a chance of about 1e-4 in 24 dimensions.
    """
    step, lines = point - closest, real - closest
    along, length2 = lines @ step, (lines**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share, cos2 = along / length2, along**2 / (length2 * (step @ step))
    return bool(((share >= BLEND) & (share <= 1 - BLEND) & (cos2 > 0.75)).any())
