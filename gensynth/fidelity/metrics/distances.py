"""Nearest rows, computed in blocks so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial.distance import cdist

BLOCK = 1024


def nearest(query: np.ndarray, reference: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the k smallest Euclidean distances to `reference`, ascending, and where they are.

    Returns:
        Distances, float64, shape (n, k), and positions in `reference`, int64, shape (n, k).
    """
    return _nearest(query, reference, k, leave_one_out=False)


def leave_one_out_nearest(real: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return for each row its k nearest *other* rows, as `nearest` does."""
    return _nearest(real, real, k, leave_one_out=True)


def _nearest(query: np.ndarray, reference: np.ndarray, k: int, leave_one_out: bool) -> tuple[np.ndarray, np.ndarray]:
    most = len(reference) - leave_one_out
    if not 1 <= k <= most:
        raise ValueError(f"k must lie in 1..{most} for {len(reference)} reference rows, got {k}; lower k.")
    distances, positions = np.empty((len(query), k)), np.empty((len(query), k), dtype=np.int64)
    for rows in blocks(len(query)):
        d = cdist(query[rows], reference)
        if leave_one_out:
            d[np.arange(len(d)), np.arange(rows.start, rows.stop)] = np.inf
        at = np.argpartition(d, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(d, at, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        distances[rows] = np.take_along_axis(found, order, axis=1)
        positions[rows] = np.take_along_axis(at, order, axis=1)
    return distances, positions


def blocks(n: int) -> Iterator[slice]:
    """Yield slices of at most BLOCK rows that together cover n rows."""
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))
