"""Quota: which of too many good samples to keep, so that variety stays and the rare ones are not left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gensynth.fidelity.verdict import SampleVerdicts

TAIL, TAIL_SHARE = 0.2, 0.2
"""A fifth of what is kept is from the tail: samples that are as far out as the outer fifth of the real examples."""
BLOCK = 4000


def choose(features: np.ndarray, typicality: np.ndarray, n: int) -> np.ndarray:
    """Choose `n` samples that lie far from one another, at least a fifth of them from the tail if it has that many.

    Each next one is the sample farthest from all chosen ones (Gonzalez 1985). A filter that prefers the most typical
    samples would leave easy prototypes only; this one drops what is nearly there already.

    Args:
        features: float64, shape (m, d).
        typicality: Conformal p-value of each sample among the real examples, shape (m,).
        n: How many to keep.

    Returns:
        Which are kept, bool, shape (m,); all of them if there are no more than n.
    """
    m = len(features)
    kept = np.zeros(m, dtype=bool)
    if m <= n:
        return ~kept
    # In blocks, each of which keeps its share: the cost grows with the square of a block.
    blocks = [np.arange(start, min(start + BLOCK, m)) for start in range(0, m, BLOCK)]
    done = 0
    for at in blocks:
        want = round(n * (at[-1] + 1) / m) - done
        done += want
        kept[at[_farthest(features[at], typicality[at] <= TAIL, want)]] = True
    return kept


def only_wanted(
    samples: SampleVerdicts, features: np.ndarray, y: np.ndarray, wanted: Mapping[int, int]
) -> SampleVerdicts:
    """Accept no more samples of a label than are wanted; the others are named `quota`.

    Args:
        samples: The gate's answer for n samples.
        features: float64, shape (n, d).
        y: Labels, int64, shape (n,).
        wanted: How many to accept at most, by label; none of one that is not named.
    """
    accepted = samples.accepted.copy()
    for label in np.unique(y):
        at = np.flatnonzero(samples.accepted & (y == label))
        accepted[at] = choose(features[at], samples.scores["typicality"][at], wanted.get(int(label), 0))
    spare = samples.accepted & ~accepted
    reason = tuple("quota" if left else given for left, given in zip(spare, samples.reason, strict=True))
    review = tuple("" if left else given for left, given in zip(spare, samples.review, strict=True))
    return replace(samples, accepted=accepted, reason=reason, review=review)


def _farthest(features: np.ndarray, tail: np.ndarray, n: int) -> list[int]:
    """Positions of n samples, farthest first: those of the tail until they are a fifth of n, then any."""
    from_tail = min(int(tail.sum()), math.ceil(TAIL_SHARE * n))
    distance, apart = np.full(len(features), np.inf), np.empty_like(features)
    chosen: list[int] = []
    for i in range(n):
        allowed = tail if i < from_tail else np.ones(len(features), dtype=bool)
        if i == 0:
            start = ((features - features.mean(axis=0)) ** 2).sum(axis=1)
            at = int(np.where(allowed, start, np.inf).argmin())
        else:
            at = int(np.where(allowed, distance, -1).argmax())
        chosen.append(at)
        np.subtract(features, features[at], out=apart)
        distance = np.minimum(distance, np.square(apart, out=apart).sum(axis=1))
        distance[at] = -0.5  # never again, not even where all distances are 0
    return chosen
