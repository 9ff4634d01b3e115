"""How near the samples come to the real rows: copies, and what is too close to be new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from gensynth.fidelity.metrics.distances import leave_one_out_nearest, nearest
from gensynth.fidelity.metrics.metric import metric
from gensynth.fidelity.metrics.rank_sum import rank_sum_test
from gensynth.fidelity.metrics.statistics import permutation_p, wilson_interval
from gensynth.fidelity.metrics.two_sample import nearest_ties


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


def authentic(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Say which samples lie farther from their nearest real row t than t lies from its own nearest other row.

    The distance of t must be taken at t's position among the *real* rows. Alaa et al. 2022, arXiv 2102.08921.

    Returns:
        bool, shape (m,).
    """
    distance, at = nearest(synthetic, real)
    return distance[:, 0] > leave_one_out_nearest(real)[0][at[:, 0], 0]


@metric(None, highest=1.0, ideal=None, sized=True, smallest_n=20, citation="Alaa et al. 2022, arXiv 2102.08921")
def authenticity(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Share of `authentic` samples: 0 for copies, 1 for rows far from all real ones.

    For fresh rows it is neither 0 nor 1 but between 0.4 (2 independent features) and 0.8 (64), so it describes rather
    than tests. At 20 rows its standard deviation is 0.15; at 10 it is 0.2, and fresh rows reach 0, which is why fewer
    than 20 say nothing. Where a holdout exists, `copying_test` says more. Alaa et al. 2022, arXiv 2102.08921.
    """
    return float(authentic(real, synthetic).mean())


@final
@dataclass(frozen=True)
class CopyingTest:
    """Are samples nearer to the training rows than fresh real rows are?

    Attributes:
        p_value: One-sided, of 'no nearer than fresh rows'.
        effect: Probability that a sample is nearer to its nearest training row than a holdout row is, ties counting a
            half: 1/2 for fresh rows, 1 for copies, 0 for samples that lie farther off than any fresh row.
        n_train: Training rows.
        n_holdout: Real rows that nothing was trained on.
        n_synthetic: Samples.
    """

    p_value: float
    effect: float
    n_train: int
    n_holdout: int
    n_synthetic: int


def copying_test(train: np.ndarray, holdout: np.ndarray, synthetic: np.ndarray) -> CopyingTest:
    """Test whether samples copy: Mann-Whitney of distances to the nearest training row, samples against a holdout.

    Exact at every size and with ties, given that holdout and samples are independent of each other. A few copies among
    many fresh samples escape it: look at `near_duplicate_ratio` sample by sample as well. Meehan et al. 2020,
    arXiv 2004.05675, with one cell and an exact p-value in place of Z_U < -3.

    Args:
        train: What the generator learnt from, shape (n, d).
        holdout: Other real rows of the same class, shape (k, d); with fewer than 20 the test has little power.
        synthetic: Shape (m, d).

    Raises:
        ValueError: if one of them is empty.
    """
    _not_empty(train=train, holdout=holdout, synthetic=synthetic)
    of_synthetic, of_holdout = (nearest(x, train)[0][:, 0] for x in (synthetic, holdout))
    p_value, effect = rank_sum_test(of_synthetic, of_holdout)
    return CopyingTest(p_value, effect, len(train), len(holdout), len(synthetic))


@final
@dataclass(frozen=True)
class DistanceShare:
    """How many samples are nearer to the training rows than to as many real rows that nothing was trained on?

    Attributes:
        share: The share, a tie counting a half; 1/2 where the samples know nothing of the training rows.
        interval: Its 95 % Wilson interval over samples, for these real rows.
        p_value: One-sided, of 'no nearer to train'.
        n: Rows of train and of holdout that were used, each.
        n_synthetic: Samples.
    """

    share: float
    interval: tuple[float, float]
    p_value: float
    n: int
    n_synthetic: int


def distance_share(
    train: np.ndarray, holdout: np.ndarray, synthetic: np.ndarray, seed: int = 0, permutations: int = 1000
) -> DistanceShare:
    """Share of samples nearer to train than to an equally large holdout ('DCR share').

    The larger of the two is cut at random to the size of the smaller one. The p-value is that of exchanging rows
    between train and holdout: many samples beside one training row are one piece of evidence, which a binomial test
    would count many times over: at 20 real rows and 1000 samples it calls 36 % of innocent sets copies at a level of
    5 %. The share is no evidence of privacy: arXiv 2505.01524.

    Args:
        train: What the generator learnt from, shape (n, d).
        holdout: Other real rows of the same class, shape (k, d).
        synthetic: Shape (m, d).
        seed: Seed of the cut and the exchanges.
        permutations: Number of exchanges.

    Raises:
        ValueError: if one of them is empty.
    """
    _not_empty(train=train, holdout=holdout, synthetic=synthetic)
    n, rng = min(len(train), len(holdout)), np.random.default_rng(seed)
    pooled = np.concatenate([x if len(x) == n else rng.permutation(x)[:n] for x in (train, holdout)])
    in_train = np.arange(2 * n) < n
    splits = np.stack([in_train, *(rng.permutation(in_train) for _ in range(permutations))], axis=1).astype(np.float64)
    hits = np.zeros(splits.shape[1])
    for near in nearest_ties(synthetic, pooled):
        hits += near.shape[0] / 2 + ((near @ splits > 0).astype(np.float64) - (near @ (1 - splits) > 0)).sum(axis=0) / 2
    return DistanceShare(
        float(hits[0] / len(synthetic)),
        wilson_interval(float(hits[0]), len(synthetic)),
        permutation_p(hits),
        n,
        len(synthetic),
    )


def _not_empty(**rows: np.ndarray) -> None:
    for name, x in rows.items():
        if not len(x):
            raise ValueError(f"{name} has no rows; the test needs training, holdout and synthetic rows.")
