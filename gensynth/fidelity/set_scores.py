"""Scores of a class as a set of points: every metric beside the value that real examples reach against real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gensynth.fidelity import metrics
from gensynth.fidelity.class_scores import COPYING
from gensynth.fidelity.class_verdict import FEWEST, Limit
from gensynth.fidelity.metrics import Metric
from gensynth.fidelity.metrics.kernel import kid_interval
from gensynth.fidelity.verdict import Score

SPLITS, MOST_HALF = 20, 200
"""Random halves of the real examples that the yardstick is measured on, and at most how many each has."""
MOST_OTHER = 300
"""Real examples of either class that tell how far two classes lie apart."""
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
"""When these scores speak against a class. A difference is large from a tenth of that to the nearest other class on (in
KID)."""


@dataclass(frozen=True, eq=False)
class Featured:
    """Examples of one class with their features.

    Attributes:
        features: float64, shape (n, d).
        examples: n examples in their own form, for metrics of them, indexed by positions; None for none.
        noun: What one is called in notes.
        further: Metrics of the examples, beside those of features, by name.
    """

    features: np.ndarray
    examples: Any
    noun: str
    further: Mapping[str, Metric] = field(default_factory=dict)

    def take(self, at: np.ndarray) -> Featured:
        """Return those at the positions `at`."""
        return replace(self, features=self.features[at], examples=None if self.examples is None else self.examples[at])

    def __len__(self) -> int:
        return len(self.features)


def set_scores(real: Featured, synthetic: Featured, seed: int, permutations: int) -> dict[str, Score]:
    """Score the samples of a class as a set.

    Args:
        real: Its real training examples, or as many of them as are to be used; its `further` metrics count.
        synthetic: Its samples, likewise.
        seed: Seed of splits and permutations.
        permutations: Of each test; the smallest p-value is 1 / (permutations + 1).

    Returns:
        By name, a score for each metric of `gensynth.fidelity.metrics` and each further one.
    """
    rng = np.random.default_rng(seed)
    n, half = len(real), min(len(real) // 2, len(synthetic), MOST_HALF)
    thirds = []
    for _ in range(SPLITS):
        a, b = rng.permutation(n), rng.permutation(len(synthetic))
        thirds.append((real.take(a[:half]), real.take(a[half : 2 * half]), synthetic.take(b[:half])))
    kinds = metrics.all_metrics() | dict(real.further)
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
        return kind(a.features, b.features) if kind.of == "features" else kind(a.examples, b.examples)

    half, noun = len(thirds[0][0]), real.noun
    if min(len(real), len(synthetic)) < kind.smallest_n:
        note = (
            f"Not given: {kind.smallest_n} real and synthetic {noun}s are needed, there are {len(real)} and "
            f"{len(synthetic)}."
        )
        return Score(kind.name, None, kind.higher_is_better, note=note)
    if half < max(6, kind.smallest_n / 2):
        note = f"Without a yardstick: halves of {len(real)} real {noun}s are too small."
        return Score(kind.name, value(real, synthetic), kind.higher_is_better, kind.ideal, note=note)
    real_vs_real = np.array([value(a, b) for a, b, _ in thirds])
    low, high = np.quantile(real_vs_real, [0.05, 0.95])
    note = f"Real against real: {half} and {half} {noun}s, random halves."
    if kind.sized:
        found = float(np.mean([value(a, c) for a, _, c in thirds]))
        note = f"Both at {half} and {half} {noun}s, for it depends on their number."
    else:
        found = value(real, synthetic)
    usual = float(low), float(high)
    return Score(kind.name, found, kind.higher_is_better, float(real_vs_real.mean()), note=note, usual=usual)


def apart(points: np.ndarray, y: np.ndarray, label: int) -> float | None:
    """Return the KID between a class and the nearest other one; None where there is none.

    Args:
        points: Of real examples, float64, shape (n, d).
        y: Their labels, int64, shape (n,).
        label: The class.
    """
    classes = {int(c): points[y == c][:MOST_OTHER] for c in np.unique(y)}
    mine = classes.pop(label)
    found = [metrics.kid(mine, x) for x in classes.values() if min(len(x), len(mine)) >= FEWEST]
    return min(found) if found and min(found) > 0 else None
