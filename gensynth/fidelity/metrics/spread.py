"""Diversity: the spread of the samples over that of the real rows."""

from __future__ import annotations

import numpy as np

from gensynth.fidelity.metrics.metric import metric


@metric(None, ideal=1.0, smallest_n=10, citation="root of the ratio of total variances")
def diversity(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Spread of the synthetic features over that of the real ones, sqrt(tr cov(synthetic) / tr cov(real)).

    Density and coverage look near each real image and miss samples that huddle around the class mean; this
    ratio of root mean square distances does not. 1 where both come from one distribution, 0 for one image.

    Args:
        real: Shape (n, d), n at least 2.
        synthetic: Shape (m, d), m at least 2.
    """
    spread = [float(x.var(axis=0, ddof=1).sum()) for x in (synthetic, real)]
    return float(np.sqrt(spread[0] / spread[1])) if spread[1] > 0 else 1.0
