"""Privacy attacks: can the samples tell which real rows a generator was trained on?

Two attacks on each class. Members are the real training rows, non-members real rows that nothing was trained on.

- Membership by density ratio (van Breugel et al. 2023, "Membership Inference Attacks against Synthetic Data through
  Overfitting Detection", arXiv 2302.12580, called DOMIAS): where samples are denser than real rows, a member is near.
- Distance share: are samples nearer to the members than to as many non-members?

Failing to find a leak proves nothing: other attacks may (arXiv 2505.01524). A bound comes from training alone
(`gensynth.generator.private`). All features must come from an extractor that was fitted on members and non-members
alike, or on neither: one that was fitted on members tells them apart by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import final

import numpy as np
from scipy.optimize import brentq
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import hypergeom, norm

from gensynth.fidelity.metrics.copying import DistanceShare, distance_share, typical_distance
from gensynth.fidelity.metrics.distances import blocks
from gensynth.fidelity.metrics.rank_sum import rank_sum_test
from gensynth.fidelity.metrics.statistics import holm, wilson_interval

LEAKAGE, NOTHING_FOUND, CANNOT_TELL = (
    "leakage detected",
    "no leakage detected by these attacks",
    "cannot tell: too few",
)
LEVEL, POWER = 0.05, 0.8
"""Chance of calling a leak where there is none, over all classes and attacks; the power of what is called findable."""
FEWEST = 10
"""With fewer members, non-members or samples a class is not attacked: 10 and 10 find an AUC of 0.83 at best."""
FPR = 0.01
BANDWIDTH = 0.3
"""Of the densities, over the typical distance of real rows. On digits, 20 members, a tenth of the samples copies: 0.3
finds 85 %, 0.5 finds 50 %, 1 and the 3rd neighbour under 20 %. All samples copies under noise of 1.5 typical distances:
0.3 finds all, the nearest neighbour alone (which finds every tenth copy) 72 %."""


@final
@dataclass(frozen=True)
class MembershipAttack:
    """How well a density ratio tells members from non-members.

    Attributes:
        auc: Probability that a member scores higher than a non-member, ties a half; 1/2 where nothing leaks.
        interval: Its 95 % interval (`auc_interval`).
        p_value: One-sided and exact, of 'no higher'.
        tpr: Share of members found while `fpr` of the non-members are wrongly named.
        tpr_interval: Its 95 % Wilson interval, for this threshold.
        tpr_p_value: One-sided and exact, of finding that many by chance.
        fpr: 1 %, or as near as can be: 1 / non-members where there are fewer than 100.
    """

    auc: float
    interval: tuple[float, float]
    p_value: float
    tpr: float
    tpr_interval: tuple[float, float]
    tpr_p_value: float
    fpr: float


@final
@dataclass(frozen=True)
class ClassPrivacy:
    """The attacks on one class.

    Attributes:
        label: Class name.
        status: LEAKAGE, NOTHING_FOUND or CANNOT_TELL.
        n_members: Real training rows.
        n_non_members: Real rows that nothing was trained on.
        n_synthetic: Samples.
        membership: None where the class is too small.
        distance: None where the class is too small.
        adjusted: p-values over all classes and attacks by Holm: `auc`, `tpr` and `distance`; empty if too small.
        findable: Smallest AUC that would be found with 80 % power; None if too small.
        why: The reasons for the status, in sentences.
    """

    label: str
    status: str
    n_members: int
    n_non_members: int
    n_synthetic: int
    membership: MembershipAttack | None
    distance: DistanceShare | None
    adjusted: dict[str, float]
    findable: float | None
    why: tuple[str, ...]


@final
@dataclass(frozen=True)
class Privacy:
    """The attacks on a data set.

    Attributes:
        status: LEAKAGE if a class leaks, else CANNOT_TELL if one is too small, else NOTHING_FOUND.
        classes: Per class that has samples, in label order.
    """

    status: str
    classes: tuple[ClassPrivacy, ...]


def attack(
    members: tuple[np.ndarray, np.ndarray],
    non_members: tuple[np.ndarray, np.ndarray],
    synthetic: tuple[np.ndarray, np.ndarray],
    classes: Sequence[str],
    seed: int = 0,
) -> Privacy:
    """Attack the samples of every class.

    Args:
        members: Features of the training rows, float64, shape (n, d), and their labels, int64, shape (n,).
        non_members: The same of real rows that nothing was trained on.
        synthetic: The same of the samples, as they are to be published.
        classes: Names; a label is a position in it.
        seed: Seed of the exchanges that give the distance share its p-value.
    """
    labels = [int(c) for c in np.unique(synthetic[1])]
    real, others, samples = ({c: x[y == c] for c in labels} for x, y in (members, non_members, synthetic))
    counts = {c: (len(real[c]), len(others[c]), len(samples[c])) for c in labels}
    attacked = [c for c in labels if min(counts[c]) >= FEWEST]
    tests = 3 * len(attacked)
    # With this many exchanges the smallest p-value still counts after Holm.
    exchanges = max(1000, ceil(2 * tests / LEVEL))
    membership = {c: membership_attack(real[c], others[c], samples[c]) for c in attacked}
    distance = {c: distance_share(real[c], others[c], samples[c], seed, exchanges) for c in attacked}
    p_values = [(membership[c].p_value, membership[c].tpr_p_value, distance[c].p_value) for c in attacked]
    adjusted = holm(np.array(p_values, dtype=np.float64).ravel()).reshape(-1, 3)
    found = []
    for c in labels:
        m, n, s = counts[c]
        if c in membership:
            p = dict(zip(("auc", "tpr", "distance"), adjusted[attacked.index(c)].tolist(), strict=True))
            least = findable_auc(m, n, LEVEL / tests)
            status, why = _judge(membership[c], distance[c], p, least, n)
            found.append(ClassPrivacy(classes[c], status, m, n, s, membership[c], distance[c], p, least, why))
        else:
            too_few = f"{m} members, {n} non-members and {s} samples; it takes {FEWEST} of each."
            found.append(ClassPrivacy(classes[c], CANNOT_TELL, m, n, s, None, None, {}, None, (too_few,)))
    statuses = {c.status for c in found}
    return Privacy(next(s for s in (LEAKAGE, CANNOT_TELL, NOTHING_FOUND) if s in statuses), tuple(found))


def membership_attack(members: np.ndarray, non_members: np.ndarray, synthetic: np.ndarray) -> MembershipAttack:
    """Tell members from non-members by where samples are denser than real rows.

    Args:
        members: Shape (m, d), m at least 2.
        non_members: Shape (n, d), n at least 2.
        synthetic: Shape (s, d), s at least 1.
    """
    m, n = len(members), len(non_members)
    scores = density_ratios(np.concatenate([members, non_members]), synthetic)
    p_value, auc = rank_sum_test(scores[m:], scores[:m])
    named = max(1, int(FPR * n))
    hits = int((scores[:m] > np.sort(scores[m:])[-1 - named]).sum())
    # At least `hits` members stand above the threshold if the top hits + named rows hold at most `named` non-members.
    by_chance = float(hypergeom.cdf(named, m + n, n, hits + named)) if hits else 1.0
    return MembershipAttack(
        auc, auc_interval(auc, m, n), p_value, hits / m, wilson_interval(hits, m), by_chance, named / n
    )


def density_ratios(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Return log p_synthetic(x) - log p_real(x) at each real row x, up to a constant, float64, shape (n,).

    Both are Gaussian kernel densities of one bandwidth. p_real leaves x itself out and is fitted on members and
    non-members together. So no score depends on which of the two a row is, and where the samples know nothing of that
    either, the two can be exchanged: that makes tests of the scores exact. A reference of non-members only would
    flatter the attack, as each non-member, but no member, would meet its neighbours in it; one of members only would
    blind it.

    Rows that lie alone score high or low by chance, so that a few copies among many fresh samples can escape; the
    gate's distance of each sample to the training rows shows those.

    Args:
        real: Members and non-members, shape (n, d), n at least 2.
        synthetic: Shape (s, d).
    """
    h = BANDWIDTH * typical_distance(real)
    ratios = np.empty(len(real))
    for rows in blocks(len(real)):
        x = real[rows]
        of_real = _log_kernels(x, real, h)
        of_real[np.arange(len(x)), np.arange(rows.start, rows.stop)] = -np.inf
        ratios[rows] = logsumexp(_log_kernels(x, synthetic, h), axis=1) - logsumexp(of_real, axis=1)
    return ratios


def _log_kernels(x: np.ndarray, centres: np.ndarray, h: float) -> np.ndarray:
    return -cdist(x, centres, "sqeuclidean") / (2 * h * h)


def auc_interval(auc: float, m: int, n: int) -> tuple[float, float]:
    """95 % interval of an AUC from m and n rows: all t with |t - auc| <= z sqrt(V(t)), which serves at 0 and 1 too.

    V(t) = t (1 - t) (1 + (N - 1) ((1 - t)/(2 - t) + t/(1 + t))) / (m n), N = (m + n) / 2. Newcombe 2006, "Confidence
    intervals for an effect size measure based on the Mann-Whitney statistic. Part 2", method 5.
    """
    z, larger = norm.ppf(0.975), (m + n) / 2 - 1

    def excess(t: float) -> float:
        return (t - auc) ** 2 - z**2 * t * (1 - t) * (1 + larger * ((1 - t) / (2 - t) + t / (1 + t))) / (m * n)

    near = 1e-9  # beside the estimate, where the excess is negative even at 0 and 1
    low = brentq(excess, 0, max(auc - near, near / 2)) if auc > near else 0.0
    high = brentq(excess, min(auc + near, 1 - near / 2), 1) if auc < 1 - near else 1.0
    return float(low), float(high)


def findable_auc(m: int, n: int, level: float) -> float:
    """Smallest AUC of m and n rows that a one-sided test finds with 80 % power: 1/2 + (z_level + z_power) sd_0.

    It is at most 1. sd_0^2 = (m + n + 1) / (12 m n) is the variance of an AUC where nothing leaks.
    """
    return float(min(1.0, 0.5 + (norm.isf(level) + norm.ppf(POWER)) * sqrt((m + n + 1) / (12 * m * n))))


def _judge(
    membership: MembershipAttack, distance: DistanceShare, p: dict[str, float], least: float, n: int
) -> tuple[str, tuple[str, ...]]:
    low, high = membership.interval
    few = "" if n >= 1 / FPR else f" (1 % cannot be reached with {n})"
    told = {
        "auc": f"membership attack: AUC {membership.auc:.2f} ({low:.2f} to {high:.2f}), p = {p['auc']:.2g}",
        "tpr": f"it finds {membership.tpr:.0%} of the members ({membership.tpr_interval[0]:.0%} to "
        f"{membership.tpr_interval[1]:.0%}) at {membership.fpr:.1%} of the non-members{few}, p = {p['tpr']:.2g}",
        "distance": f"{distance.share:.0%} of the samples lie nearer to members than to as many non-members, "
        f"p = {p['distance']:.2g}",
    }
    leaks = [name for name in told if p[name] < LEVEL]
    if leaks:
        return LEAKAGE, tuple(told[name] + "." for name in leaks)
    return NOTHING_FOUND, (
        *(f"{told[name]}." for name in told),
        f"An AUC below {least:.2f} would be missed more than one time in five (p over all classes and attacks).",
    )
