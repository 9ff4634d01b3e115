"""draw_accepted: draw until enough samples pass the fidelity gate."""

from __future__ import annotations

import math

import numpy as np

from gensynth.data.labeled import numbers_within
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.verdict import Verdict
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

COPIES = ("dup_exact", "held_out_parent", "dup_near")
MOST_DRAWS = 10
"""Draws per wanted sample after which a class is left short rather than drawn forever."""


def draw_accepted(sampler: Sampler, checker: FidelityChecker, label: str, n: int, seed: int) -> Synthetic:
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


def as_drawn(samples: Synthetic, verdict: Verdict) -> Synthetic:
    """Return as many samples of each label as are accepted, the first that were drawn: what would be without the gate.

    Where some equal a held-out example, no copy is among them, lest a classifier be tested on what it was trained on.

    Args:
        samples: All that were drawn.
        verdict: The fidelity checker's answer for them.
    """
    usable = np.ones(len(samples), dtype=bool)
    if verdict.contamination:  # the reasons do not say of what a sample is a copy
        usable = ~np.isin(verdict.samples.reason, COPIES)
    wanted = np.bincount(samples.y[verdict.samples.accepted], minlength=len(samples.classes))
    at = np.lexsort((samples.index, samples.y))
    at = at[usable[at]]
    return samples.subset(np.sort(at[numbers_within(samples.y[at]) < wanted[samples.y[at]]]))
