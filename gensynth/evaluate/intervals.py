"""What scores of classifiers prove: intervals for other examples, seeds and splits, and the words for a difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.metrics.statistics import holm

DRAWS = 1000

HELPS, HURTS = "HELPS", "HURTS"
NO_EFFECT, CANNOT_TELL = "NO MEASURABLE EFFECT", "CANNOT TELL"
NOT_BEST = "NO GAIN OVER THE BEST MODEL"
"""A classifier gains, but not so much that it is surely ahead of the best one without synthetic examples."""
LEVEL = 0.05
"""A difference with a smaller p-value, corrected for all comparisons, is not put down to chance."""
FEWEST_TEST = 10
"""Fewer test examples of a rare class: CANNOT TELL."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds or splits with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """A mean with its variance, and the degrees of freedom of Student's t that belong to that."""

    value: float
    variance: float
    freedom: float

    def estimate(self, limits: tuple[float, float]) -> Estimate:
        """Return the mean with its 95 % interval, cut to `limits`."""
        half = float(student_t.ppf(0.975, self.freedom) * np.sqrt(self.variance))
        return Estimate(self.value, max(limits[0], self.value - half), min(limits[1], self.value + half))

    @property
    def p_value(self) -> float:
        """Two-sided p-value of a true mean of 0; 1 where nothing varies and nothing differs."""
        if not self.variance:
            return float(self.value == 0)
        return float(2 * student_t.sf(abs(self.value) / np.sqrt(self.variance), self.freedom))


def resamples(
    y: np.ndarray,
    rng: np.random.Generator,
    draws: int = DRAWS,
    groups: Sequence[str] | np.ndarray | None = None,
) -> np.ndarray:
    """Return how often each test example counts: first as they are, then in bootstrap resamples of them.

    Examples are resampled within their class. Those of one patient are right or wrong together, so that groups are
    resampled as wholes: Davison and Hinkley 1997, "Bootstrap methods and their application", section 3.8; Field and
    Welsh 2007, "Bootstrapping clustered data". Groups with examples of one class are drawn among those of that class,
    the others among each other.

    Args:
        y: Labels, shape (n,).
        rng: Draws the resamples.
        draws: Number of resamples.
        groups: What each example belongs to, such as a patient, length n; None where each stands for itself.

    Returns:
        float32, shape (n, 1 + draws). Scoring all arms with the same resamples keeps them paired.
    """
    group = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    first, last = np.full(len(y), y.max() + 1), np.zeros(len(y), dtype=np.int64)
    np.minimum.at(first, group, y)
    np.maximum.at(last, group, y)
    stratum = np.where(first == last, first, y.max() + 1)[group]
    times = np.ones((len(y), 1 + draws), dtype=np.float32)
    for rows in (np.flatnonzero(stratum == each) for each in np.unique(stratum)):
        names, member = np.unique(group[rows], return_inverse=True)
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
        times[rows, 1:] = drawn.T[member]
    return times


def least_variance(n: Any) -> Any:
    """Return the least variance that is believed of a recall, or a difference of recalls, on n examples.

    No fewer than about one example of a class is undecided: the variance of a share of 0 of n has Jeffreys' posterior
    0.5 / n^2. Without this, arms that agree on ten examples would be "surely equal".
    """
    return 0.5 / np.maximum(n, 1) ** 2


def least_variance_of_mean(n: np.ndarray) -> float:
    """Return the same for the mean recall of the classes that have examples at all."""
    return float(least_variance(n[n > 0]).mean() / np.count_nonzero(n))


def by_examples_and_seeds(scores: np.ndarray, floor: float) -> Spread:
    """Return the mean over seeds with its variance for other test examples and other seeds.

    The variance has two parts: examples (bootstrap, V_example), and what seeds vary beyond what the choice of
    examples explains (V_seed - V_both, as in two-way clustering: Cameron, Gelbach and Miller 2011, "Robust
    inference with multiway clustering"). Student's t with Satterthwaite's degrees of freedom accounts for
    the few seeds; resampling five seeds instead gives 0 to 10 % false alarms where 5 % are announced. A classifier
    without seeds has the first part only, and a normal distribution.

    Args:
        scores: Score by resample and seed, shape (1 + draws, seeds), the examples as they are first.
        floor: Least variance that is believed.
    """
    by_seed, deviation = scores[0], scores[1:] - scores[0]
    seeds = len(by_seed)
    v_example = deviation.mean(1).var()
    if seeds == 1:
        return Spread(float(by_seed[0]), float(max(v_example, floor)), np.inf)
    v_seed = by_seed.var(ddof=1) / seeds
    v_both = deviation.var(1, ddof=1).mean() / seeds
    variance = max(v_example + max(v_seed - v_both, 0.0), floor)
    freedom = (seeds - 1) * max(1.0, variance / max(v_seed, 1e-12)) ** 2
    return Spread(float(by_seed.mean()), float(variance), float(freedom))


def split_variance(scores: np.ndarray, ratio: float) -> float:
    """Return the variance of the mean over train-test splits.

        variance = (1 / J + n_test / n_train) s^2

    Nadeau and Bengio 2003, "Inference for the generalization error": the J splits share rows, so that s^2 / J alone is
    several times too small. For repeated cross-validation: Bouckaert and Frank 2004.

    Args:
        scores: Score by split, shape (J,), J at least 2.
        ratio: n_test / n_train.
    """
    return float((1 / len(scores) + ratio) * scores.var(ddof=1))


def by_splits(scores: np.ndarray, ratio: float, floor: float) -> Spread:
    """Return the mean over splits with its variance for other training and test examples: the corrected resampled t.

    Student's t with J - 1 degrees of freedom and `split_variance`.

    Args:
        scores: Score by split, shape (J,), J at least 2.
        ratio: n_test / n_train.
        floor: Least variance that is believed.
    """
    return Spread(float(scores.mean()), max(split_variance(scores, ratio), floor), len(scores) - 1)


def corrected(differences: Sequence[Spread], n_baselines: int) -> np.ndarray:
    """Return the p-values of differences to the strongest of several baselines, corrected for all of them, shape (n,).

    That one was picked for being the best, which alone makes a loss likely: Bonferroni for that, then Holm.

    Args:
        differences: One for each arm that is compared.
        n_baselines: Number of baselines of which the strongest was picked.
    """
    picked = [min(1.0, d.p_value * (n_baselines if d.value < 0 else 1)) for d in differences]
    return holm(np.array(picked, dtype=np.float64))


def verdict_of(difference: Estimate, p_value: float, rope: float) -> str:
    """Return the word for a difference of arms.

    Args:
        difference: Of the arm with synthetic examples and the one without.
        p_value: Of no difference, as `corrected` gives it.
        rope: An interval within +- `rope` is NO MEASURABLE EFFECT, however sure a difference is.
    """
    if max(-difference.low, difference.high) <= rope:
        return NO_EFFECT
    if p_value < LEVEL:
        return HELPS if difference.value > 0 else HURTS
    return CANNOT_TELL


def as_points(gap: Estimate) -> str:
    """Return a difference of shares for people, such as `+1.0 points (-0.5 to +2.5)`."""
    return f"{100 * gap.value:+.1f} points ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})"


def as_p(p_value: float, n: int) -> str:
    """Return a p-value for people that was corrected for n comparisons, such as `p = 0.563`."""
    shown = "< 0.001" if p_value < 0.001 else f"= {p_value:.3f}"
    return f"p {shown}" + (f" corrected for {n} comparisons" if n > 1 else "")


def independent_examples(parts: Sequence[LabeledData]) -> np.ndarray:
    """Return by class how many examples are right or wrong on their own.

    A group counts as one, and so does an example of several parts.
    """
    own = {unit for part in parts for unit in zip(part.y.tolist(), part.groups or part.ids, strict=True)}
    return np.bincount([label for label, _ in own], minlength=len(parts[0].classes))
