"""NearCopies: which points all but repeat a real one, however close real ones lie to each other by nature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.blend import is_blend
from gensynth.fidelity.conformal import pooled, scaled
from gensynth.fidelity.metrics import leave_one_out_nearest, nearest
from gensynth.fidelity.space import Found

NEAR = 0.36
"""A ratio of distances below this is a near copy."""
NEAR_LEVEL = 0.01
"""Share of real examples that `dup_near` may cost: where they lie closer to each other by nature, `NEAR` is lowered."""
TAIL = 0.2
"""Share of the smallest distances between real examples from which it is estimated how many are smaller still."""
BLENDED = 20
"""A blend lies between its nearest real point and one of this many neighbours of that point."""

NEAR_SYNTHETIC = 0.25
"""The part of the distance of a near copy below which an example is an accepted synthetic one once more. Of fresh real
rows, up to five times as many as training rows, that takes 0.2 to 0.4 % on Adult (40, 200 and 1,000 training rows of a
class, five draws of each, at most 1 %), and none on scikit-learn's breast cancer and diabetes."""


@final
@dataclass(frozen=True, eq=False)
class NearCopies:
    """Finds near copies of real points.

    Attributes:
        train: The training examples.
        at: Positions of the m that have a point, int64, shape (m,).
        points: Their points, float64, shape (m, d).
        scale: By label, the median distance of a real point to the nearest different one, float64, shape (classes,).
        near: By label, the share of it below which a distance is that of a near copy, float64, shape (classes,).
    """

    train: LabeledData
    at: np.ndarray
    points: np.ndarray
    scale: np.ndarray
    near: np.ndarray

    @staticmethod
    def fit(train: LabeledData, at: np.ndarray, points: np.ndarray) -> NearCopies:
        """Calibrate on real points; see the attributes."""
        of_class = [points[train.y[at] == c] for c in range(len(train.classes))]
        apart, scale = zip(*(scaled(_distances_apart(x)) for x in of_class), strict=True)
        near = np.array([_near(distances) for distances in pooled(apart, train)])
        return NearCopies(train, at, points, np.array(scale), near)

    @property
    def near_synthetic(self) -> np.ndarray:
        """As `Space.near_synthetic`."""
        return NEAR_SYNTHETIC * self.near * self.scale

    def __call__(
        self,
        points: np.ndarray,
        y: np.ndarray,
        parents: Sequence[tuple[str, ...]],
        distance: np.ndarray,
        closest: np.ndarray,
    ) -> Found:
        """Return which points are near copies; what is given is described at `Space.found`."""
        ratio, nearest_real = distance / self.scale[y], self.at[closest]
        copies = ratio < self.near[y]
        for c in np.unique(y[copies]):
            at, real = np.flatnonzero(copies & (y == c)), self.points[self.train.y[self.at] == c]
            neighbours = nearest(self.points[closest[at]], real, min(BLENDED + 1, len(real)))[1]
            for i, others in zip(at, neighbours, strict=True):
                copies[i] = not is_blend(points[i], self.points[closest[i]], real[others])
        ids = self.train.ids
        own = np.array([ids[i] in names for i, names in zip(nearest_real, parents, strict=True)], dtype=bool)
        flags = {"dup_near": copies & ~own, "dup_parent": copies & own}
        scores = {"near_duplicate": ratio, "parent_distance": np.where(own, ratio, np.nan)}
        return Found(flags, {}, nearest_real, scores)


def _distances_apart(points: np.ndarray) -> np.ndarray:
    """Return the distance of each different point to the nearest other one; empty below 2 of them."""
    different = np.unique(np.round(points, 5), axis=0)
    return leave_one_out_nearest(different)[0][:, 0] if len(different) > 1 else np.zeros(0)


def _near(apart: np.ndarray) -> float:
    """Return the distance below which a point is a near copy: `NEAR`, or where `NEAR_LEVEL` of real ones lie closer.

    Below their `TAIL` quantile r, distances follow P(distance < x) = TAIL (x / r)^d, with 1 / d = mean of log(r / x)
    (Hill 1975, "A simple general approach to inference about the tail of a distribution"; Weissman 1978). To look up
    the 1 % quantile would not do: of 20 rows of one number, that is the smallest distance, and 8 % of fresh rows lie
    closer, as against 4 % here.

    Args:
        apart: Distance of each real point to the nearest other one, over their median, above 0, shape (n,).
    """
    if len(apart) < 2:
        return NEAR
    r = float(np.quantile(apart, TAIL))
    return min(NEAR, r * (NEAR_LEVEL / TAIL) ** float(np.log(r / apart[apart <= r]).mean()))
