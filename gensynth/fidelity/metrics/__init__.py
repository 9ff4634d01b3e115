"""Fidelity metrics as pure functions of feature arrays, float64, shape (n, d), one row per image.

Memory stays bounded: distances and kernels are computed in blocks of rows. `all_metrics()` lists those that compare two
sets; each says how it is read (`kid.higher_is_better`, `kid.citation`).
"""

from gensynth.fidelity.metrics.copying import near_duplicate_ratio, nearest_real, typical_distance
from gensynth.fidelity.metrics.distances import leave_one_out_nearest, nearest
from gensynth.fidelity.metrics.kernel import kid, kid_permutation_test, kid_permutations
from gensynth.fidelity.metrics.metric import Metric, all_metrics
from gensynth.fidelity.metrics.neighbours import coverage, default_k, density, density_counts, expected_coverage
from gensynth.fidelity.metrics.spread import diversity
from gensynth.fidelity.metrics.statistics import bootstrap_interval, holm, permutation_p, wilson_interval

__all__ = [
    "Metric",
    "all_metrics",
    "bootstrap_interval",
    "coverage",
    "default_k",
    "density",
    "density_counts",
    "diversity",
    "expected_coverage",
    "holm",
    "kid",
    "kid_permutation_test",
    "kid_permutations",
    "leave_one_out_nearest",
    "near_duplicate_ratio",
    "nearest",
    "nearest_real",
    "permutation_p",
    "typical_distance",
    "wilson_interval",
]
