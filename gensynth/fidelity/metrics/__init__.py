"""Fidelity metrics as pure functions of feature arrays, float64, shape (n, d), one row per image.

Memory stays bounded: distances and kernels are computed in blocks of rows. `all_metrics()` lists those that compare two
sets; each says how it is read (`kid.higher_is_better`, `kid.citation`).
"""

from gensynth.fidelity.metrics.clipped import clipped_coverage, clipped_density, expected_clipped_coverage
from gensynth.fidelity.metrics.copying import (
    CopyingTest,
    DistanceShare,
    authentic,
    authenticity,
    copying_test,
    distance_share,
    near_duplicate_ratio,
    nearest_real,
    typical_distance,
)
from gensynth.fidelity.metrics.distances import leave_one_out_nearest, nearest
from gensynth.fidelity.metrics.frechet import fid, rows_for_fid
from gensynth.fidelity.metrics.kernel import kid, kid_interval, kid_permutation_test, kid_permutations
from gensynth.fidelity.metrics.metric import Metric, all_metrics
from gensynth.fidelity.metrics.neighbours import (
    Prdc,
    coverage,
    coverage_counts,
    default_k,
    density,
    density_counts,
    expected_coverage,
    prdc,
    precision,
    recall,
)
from gensynth.fidelity.metrics.power import smallest_detectable_shift
from gensynth.fidelity.metrics.rank_sum import rank_sum_test
from gensynth.fidelity.metrics.spread import diversity
from gensynth.fidelity.metrics.statistics import bootstrap_interval, holm, permutation_p, wilson_interval
from gensynth.fidelity.metrics.structural import mean_pairwise_ssim, ssim, ssim_diversity
from gensynth.fidelity.metrics.two_sample import (
    expected_nn_accuracy,
    nn_accuracy,
    nn_permutation_test,
    nn_permutations,
)
from gensynth.fidelity.metrics.vendi import vendi_of_kernel, vendi_ratio, vendi_score

__all__ = [
    "CopyingTest",
    "DistanceShare",
    "Metric",
    "Prdc",
    "all_metrics",
    "authentic",
    "authenticity",
    "bootstrap_interval",
    "clipped_coverage",
    "clipped_density",
    "copying_test",
    "coverage",
    "coverage_counts",
    "default_k",
    "density",
    "density_counts",
    "distance_share",
    "diversity",
    "expected_clipped_coverage",
    "expected_coverage",
    "expected_nn_accuracy",
    "fid",
    "holm",
    "kid",
    "kid_interval",
    "kid_permutation_test",
    "kid_permutations",
    "leave_one_out_nearest",
    "mean_pairwise_ssim",
    "near_duplicate_ratio",
    "nearest",
    "nearest_real",
    "nn_accuracy",
    "nn_permutation_test",
    "nn_permutations",
    "permutation_p",
    "prdc",
    "precision",
    "rank_sum_test",
    "recall",
    "rows_for_fid",
    "smallest_detectable_shift",
    "ssim",
    "ssim_diversity",
    "typical_distance",
    "vendi_of_kernel",
    "vendi_ratio",
    "vendi_score",
    "wilson_interval",
]
