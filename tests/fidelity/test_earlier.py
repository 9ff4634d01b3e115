"""Copies of samples among themselves are found by hash before any distance is computed."""

from __future__ import annotations

import numpy as np
import pytest

from gensynth.fidelity import earlier
from gensynth.fidelity.earlier import near_earlier


def found_one_by_one(points: np.ndarray, reach: float) -> list[bool]:
    near: list[bool] = []
    for i, point in enumerate(points):
        distance = np.linalg.norm(points[:i] - point, axis=1)
        near.append(bool(((distance <= reach) & ~np.array(near, dtype=bool)).any()))
    return near


@pytest.mark.parametrize("levels", [0, 2, 40])
def test_near_points_are_those_by_distance(levels: int) -> None:
    rng = np.random.default_rng(levels)
    points = np.concatenate([rng.normal(size=(300, 2)), rng.integers(0, 2, (300, levels))], axis=1).astype(np.float64)
    points = np.concatenate(
        [points, points[:30], points[30:60] + 1e-3, points[60:90] * np.array([1, 1] + [-0.0] * levels)]
    )
    near = near_earlier(points, 0.1)
    assert near.tolist() == found_one_by_one(points, 0.1)
    assert near[300:360].all()


def test_no_distance_is_computed_between_points_of_other_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []
    whole = earlier.cKDTree
    monkeypatch.setattr(earlier, "cKDTree", lambda points: searched.append(len(points)) or whole(points))
    points = np.eye(50)[np.r_[np.arange(50), 7, 7]]
    assert np.flatnonzero(near_earlier(points, 0.5)).tolist() == [50, 51]
    assert searched == [3]
