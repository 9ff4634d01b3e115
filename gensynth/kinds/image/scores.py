"""Scores of a class of images as a set: every metric beside the value that real images reach against real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gensynth.fidelity import metrics
from gensynth.fidelity.class_scores import COPYING
from gensynth.fidelity.class_verdict import Limit
from gensynth.fidelity.metrics import Metric
from gensynth.fidelity.metrics.kernel import kid_interval
from gensynth.fidelity.verdict import Score

SPLITS, MOST_HALF = 20, 200
"""Random halves of the real images that the yardstick is measured on, and at most how many images each has."""
VARIETY = {
    "coverage": "The samples reach {value:.0%} of the variety that real ones would.",
    "diversity": "The samples are alike: their spread is {value:.0%} of the real {noun}s'.",
    "vendi_ratio": "The samples are alike: they are worth {value:.0%} as many different {noun}s as real ones.",
}
LIMITS = {name: Limit(says, fails=0.5, warns=0.25, ideal=1.0) for name, says in VARIETY.items()} | {
    "density": Limit(
        "The samples lie where real {noun}s are rare: density at most {high:.2f}, real 1.",
        fails=0.5,
        ideal=1.0,
        surely=True,
    ),
    "kid": Limit(
        "As a set the samples differ from the real {noun}s: KID {value:.3f}{apart} (p = {p:.2g} over all classes and "
        "tests).",
        asks=0.1,
        ideal=0.0,
        test=True,
        relative=True,
    ),
    "copying": COPYING,
}
"""When scores speak against a class of images. A difference is large from a tenth of that to the nearest other class on
(in KID)."""


@dataclass(frozen=True, eq=False)
class Featured:
    """Images of one class with their features.

    Attributes:
        features: float64, shape (n, d).
        images: uint8, shape (n, c, h, w).
    """

    features: np.ndarray
    images: Tensor

    def take(self, at: np.ndarray) -> Featured:
        """Return those at the positions `at`."""
        return Featured(self.features[at], self.images[torch.from_numpy(at)])

    def __len__(self) -> int:
        return len(self.features)


def distribution_scores(real: Featured, synthetic: Featured, seed: int, permutations: int) -> dict[str, Score]:
    """Score the samples of a class as a set.

    Args:
        real: Its real training images, or as many of them as are to be used.
        synthetic: Its samples, likewise.
        seed: Seed of splits and permutations.
        permutations: Of each test; the smallest p-value is 1 / (permutations + 1).

    Returns:
        By name, a score for each metric of `gensynth.fidelity.metrics`.
    """
    rng = np.random.default_rng(seed)
    n, half = len(real), min(len(real) // 2, len(synthetic), MOST_HALF)
    thirds = []
    for _ in range(SPLITS):
        a, b = rng.permutation(n), rng.permutation(len(synthetic))
        thirds.append((real.take(a[:half]), real.take(a[half : 2 * half]), synthetic.take(b[:half])))
    kinds = metrics.all_metrics() | metrics.all_metrics("images")
    scores = {name: _beside(kind, real, synthetic, thirds) for name, kind in kinds.items()}
    x, y = real.features, synthetic.features
    if min(len(x), len(y)) >= metrics.kid.smallest_n:
        p = metrics.permutation_p(metrics.kid_permutations(x, y, seed, permutations))
        low, high = kid_interval(x, y)
        # The distance itself is never below 0: an interval that lies there says nothing.
        scores["kid"] = replace(scores["kid"], p_value=p, interval=(low, high) if high > 0 else None)
        p = metrics.nn_permutation_test(x, y, seed, permutations)
        scores["nn_accuracy"] = replace(scores["nn_accuracy"], p_value=p)
        counts = metrics.density_counts(x, y, metrics.default_k(n))
        scores["density"] = replace(scores["density"], interval=metrics.bootstrap_interval(counts, seed))
    return scores


def _beside(
    kind: Metric, real: Featured, synthetic: Featured, thirds: Sequence[tuple[Featured, Featured, Featured]]
) -> Score:
    """Value of one metric, beside that of real halves against each other."""

    def value(a: Featured, b: Featured) -> float:
        return kind(a.images, b.images) if kind.of == "images" else kind(a.features, b.features)

    half = len(thirds[0][0])
    if min(len(real), len(synthetic)) < kind.smallest_n:
        note = (
            f"Not given: {kind.smallest_n} real and synthetic images are needed, there are {len(real)} and "
            f"{len(synthetic)}."
        )
        return Score(kind.name, None, kind.higher_is_better, note=note)
    if half < max(6, kind.smallest_n / 2):
        note = f"Without a yardstick: halves of {len(real)} real images are too small."
        return Score(kind.name, value(real, synthetic), kind.higher_is_better, kind.ideal, note=note)
    real_vs_real = np.array([value(a, b) for a, b, _ in thirds])
    low, high = np.quantile(real_vs_real, [0.05, 0.95])
    note = f"Real against real: {half} and {half} images, random halves."
    if kind.sized:
        found = float(np.mean([value(a, c) for a, _, c in thirds]))
        note = f"Both at {half} and {half} images, for it depends on their number."
    else:
        found = value(real, synthetic)
    usual = float(low), float(high)
    return Score(kind.name, found, kind.higher_is_better, float(real_vs_real.mean()), note=note, usual=usual)
