"""Points that lie near an earlier one."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from scipy.spatial import cKDTree


def near_earlier(points: np.ndarray, reach: float) -> np.ndarray:
    """Return whether each point lies within `reach` of an earlier one that does not; bool, shape (n,).

    Points that differ in a coordinate whose values all lie farther apart, such as that of a level, are not near: only
    among those that share all such coordinates are distances computed.
    """
    near, together = np.zeros(len(points), dtype=bool), defaultdict(list)
    apart = [np.diff(np.unique(x)).min(initial=np.inf) > reach for x in points.T]
    for i, key in enumerate(points[:, apart] + 0.0):  # without -0.0, whose bytes are others
        together[key.tobytes()].append(i)
    for at in (np.array(members) for members in together.values() if len(members) > 1):
        tree = cKDTree(points[at])
        for i in at:
            if not near[i]:
                around = at[tree.query_ball_point(points[i], reach)]
                near[around[around > i]] = True
    return near
