"""How near the samples come to the real rows: copies, and what is too close to be new."""

from __future__ import annotations

import numpy as np

from gensynth.fidelity.metrics.distances import leave_one_out_nearest, nearest
from gensynth.fidelity.metrics.metric import metric


def typical_distance(real: np.ndarray) -> float:
    """Median distance of a real row to its nearest other one; equal rows, which say nothing, are left out.

    Returns:
        The median, above 0; 1.0 where all rows are equal or there are fewer than 2.
    """
    # Features of equal images may differ in the last digits, for they were computed in different batches.
    different = np.unique(np.round(real, 5), axis=0)
    return float(np.median(leave_one_out_nearest(different)[0])) if len(different) > 1 else 1.0


def near_duplicate_ratio(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Distance to the nearest real row over `typical_distance(real)`, float64, shape (n,).

    Around 1 for fresh real rows, 0 for copies.
    """
    return nearest(synthetic, real)[0][:, 0] / typical_distance(real)


@metric(None, ideal=1.0, smallest_n=10, citation="median over samples of the ratio in section 3 of Meehan et al. 2020")
def nearest_real(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Median of `near_duplicate_ratio`: about 1 for fresh rows, small for copies."""
    return float(np.median(near_duplicate_ratio(real, synthetic)))
