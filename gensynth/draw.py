"""draw_accepted: draw until enough samples pass the fidelity gate."""

from __future__ import annotations

import math

import numpy as np

from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.table_checker import TableChecker
from gensynth.samplers.base import Sampler, Synthetic

MOST_DRAWS = 10
"""Draws per wanted image after which a class is left short rather than drawn forever."""


def draw_accepted(
    sampler: Sampler, checker: FidelityChecker | TableChecker, label: str, n: int, seed: int
) -> Synthetic:
    """Draw samples 0, 1, 2, ... of a label until `n` of them pass the gate; the last one drawn is the n-th accepted.

    Gives up after `MOST_DRAWS` times n draws, and then returns all of them. Each round asks the gate about all samples
    again, for what is atypical depends on how many there are.
    """
    total = n
    while True:
        samples = sampler.sample(label, total, seed)
        accepted = checker.gate(samples).accepted
        if accepted.sum() >= n:
            return samples.subset(np.arange(np.flatnonzero(accepted)[n - 1] + 1))
        if total >= MOST_DRAWS * n:
            return samples
        rate = max(accepted.mean(), 1 / MOST_DRAWS)
        total = min(total + math.ceil((n - accepted.sum()) / rate), MOST_DRAWS * n)


def as_drawn(samples: Synthetic, accepted: np.ndarray) -> Synthetic:
    """Return as many samples of each label as are accepted, the first that were drawn: what would be without the gate.

    Args:
        samples: All that were drawn.
        accepted: Which of them the gate accepts, bool, shape (n,).
    """
    at = np.lexsort((samples.index, samples.y))
    wanted = np.bincount(samples.y[accepted], minlength=len(samples.classes))
    place = np.arange(len(at)) - np.searchsorted(samples.y[at], samples.y[at])
    return samples.subset(np.sort(at[place < wanted[samples.y[at]]]))
