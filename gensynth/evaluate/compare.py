"""What the arms said of the test images -> the answer: scores, intervals, p-values, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.config import EvaluateConfig
from gensynth.evaluate.intervals import (
    CANNOT_TELL,
    COUNTED,
    DRAWS,
    FEWEST_TEST,
    RANKED,
    Estimate,
    Spread,
    as_p,
    as_points,
    by_images_and_seeds,
    by_splits,
    corrected,
    least_variance,
    least_variance_of_mean,
    resampled_scores,
    verdict_of,
)
from gensynth.evaluate.results import Arm, Comparison, Evaluation
from gensynth.evaluate.ways import ARMS, MADE, UNGATED, WAYS


@dataclass(frozen=True, eq=False)
class Predicted:
    """What the arms said of the test part of one split.

    Attributes:
        test: The n test images.
        p: Probabilities by arm, shape (seeds, n, classes).
        n_train: Number of training images by arm.
    """

    test: LabeledData
    p: dict[str, np.ndarray]
    n_train: dict[str, int]


def compare(
    tested: Sequence[Predicted], rare: Sequence[str], ratio: float, config: EvaluateConfig, steps: int
) -> Evaluation:
    """Turn what the arms said into the answer.

    Args:
        tested: What they said of the test part of each split; the same arms each time.
        rare: Names of the rare classes that were filled with synthetic images, the rarest first.
        ratio: Test images per training image.
        config: What was run; its seed also seeds the bootstrap.
        steps: Gradient steps per network.
    """
    scored = _scored(tested, ratio, config.seed)
    arms = {name: scored.arm(name) for name in scored.at}
    # Ties go to the simplest way to train, which stands first.
    baselines, passed, ungated = ([name for name in arms if name in kind] for kind in (WAYS, MADE, UNGATED))
    # Images that the gate rejects are never mixed, so arms with them are not the headline.
    base, best = (max(names, key=lambda name: arms[name].balanced_accuracy.value) for names in (baselines, passed))
    rests_on, counts = _rests_on(tested)
    lacking = scored.lacking(rare)
    comparisons = []
    # Two families: to add arms without the gate must not change the answer about images that are mixed.
    for family in (passed, ungated):
        differences = [scored.difference(name, base) for name in family]
        for name, gap, p in zip(family, differences, corrected(differences, len(baselines)), strict=True):
            difference, of_rare = gap.estimate((-1, 1)), scored.rare_difference(name, base, rare)
            verdict = CANNOT_TELL if lacking else verdict_of(difference, p, config.rope)
            why = (
                f"Balanced accuracy of '{name}' is {arms[name].balanced_accuracy.value:.1%}, of '{base}', the "
                f"strongest without synthetic images, {arms[base].balanced_accuracy.value:.1%}: "
                f"{as_points(difference)}, {as_p(p, len(family))}; mean recall of the rare classes: "
                f"{as_points(of_rare)}; {config.seeds} seeds, {rests_on}"
                + (f", of which too few of {', '.join(map(repr, lacking))} to tell." if lacking else ".")
            )
            comparisons.append(Comparison(name, base, difference, of_rare, float(p), verdict, why))
    headline = comparisons[passed.index(best)]
    return Evaluation(
        arms=tuple(arms.values()),
        comparisons=tuple(comparisons),
        verdict=headline.verdict,
        why=headline.why,
        intervals=_intervals(len(tested)),
        rare=tuple(rare),
        splits=len(tested),
        seeds=config.seeds,
        steps=steps,
        n_test={name: int(n) for name, n in zip(tested[0].test.classes, counts, strict=True)},
    )


@dataclass(frozen=True, eq=False)
class _Scored:
    """What the arms score. First axis: resamples of the only test part, or splits.

    Attributes:
        tested: What the arms said of the test part of each split.
        ratio: Test images per training image.
        at: Position of each arm.
        counted: `COUNTED`, then the recall of each class, shape (resamples or splits, arms, seeds, 5 + k).
        ranked: `RANKED`, shape (fewer resamples or splits, arms, seeds, 2).
        independent: Images of each class that are right or wrong on their own, int64, shape (k,).
    """

    tested: Sequence[Predicted]
    ratio: float
    at: dict[str, int]
    counted: np.ndarray
    ranked: np.ndarray
    independent: np.ndarray

    def arm(self, name: str) -> Arm:
        """Return the scores of one arm with their intervals."""
        counted, ranked = self.counted[:, self.at[name]], self.ranked[:, self.at[name]]
        floor, mean_floor = self._floors()
        floors = dict.fromkeys((*COUNTED, *RANKED), mean_floor)
        floors |= {"worst_recall": float(floor[self.independent > 0].max()), "calibration_error": 0.0}
        values = {
            s: self._spread(counted[..., c], floors[s]).estimate((-1 if s == "mcc" else 0, 1))
            for c, s in enumerate(COUNTED)
        }
        values |= {s: self._spread(ranked[..., c], floors[s]).estimate((0, 1)) for c, s in enumerate(RANKED)}
        recall = {
            self.classes[k]: self._spread(counted[..., len(COUNTED) + k], floor[k]).estimate((0, 1))
            for k in self._known()
        }
        return Arm(name, round(np.mean([of.n_train[name] for of in self.tested])), **values, recall=recall)

    def difference(self, name: str, base: str) -> Spread:
        """Return the difference of two arms in balanced accuracy."""
        return self._spread(self._gap(name, base)[..., 0], self._floors()[1])

    def rare_difference(self, name: str, base: str, rare: Sequence[str]) -> Estimate:
        """Return the difference of two arms in the mean recall of the rare classes."""
        labels = [k for k in self._known() if self.classes[k] in rare]
        if not labels:
            return Estimate(0.0, -1.0, 1.0)  # nothing is known without test images
        gap = self._gap(name, base)[..., [len(COUNTED) + k for k in labels]].mean(-1)
        return self._spread(gap, self._floors()[0][labels].mean() / len(labels)).estimate((-1, 1))

    def lacking(self, rare: Sequence[str]) -> list[str]:
        """Return the classes with too few test images to tell."""
        counts = zip(self.classes, self.independent, strict=True)
        return [name for name, n in counts if n < (FEWEST_TEST if name in rare else 1)]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.tested[0].test.classes

    def _known(self) -> list[int]:
        # A class that some test part lacks has no recall of its own.
        return [k for k in range(len(self.classes)) if np.isfinite(self.counted[..., len(COUNTED) + k]).all()]

    def _floors(self) -> tuple[np.ndarray, float]:
        return least_variance(self.independent), least_variance_of_mean(self.independent)

    def _gap(self, name: str, base: str) -> np.ndarray:
        return self.counted[:, self.at[name]] - self.counted[:, self.at[base]]

    def _spread(self, scores: np.ndarray, floor: float) -> Spread:
        if len(self.tested) == 1:
            return by_images_and_seeds(scores, floor)
        return by_splits(scores.mean(-1), self.ratio, floor)


def _scored(tested: Sequence[Predicted], ratio: float, seed: int) -> _Scored:
    at = {name: i for i, name in enumerate(name for name in ARMS if name in tested[0].p)}
    rng = np.random.default_rng(seed)
    draws = DRAWS if len(tested) == 1 else 0
    found = [resampled_scores(np.stack([of.p[a] for a in at]), of.test.y, rng, draws, of.test.groups) for of in tested]
    counted, ranked = (np.concatenate([pair[i] for pair in found]) for i in (0, 1))
    return _Scored(tested, ratio, at, counted, ranked, independent_examples([of.test for of in tested]))


def independent_examples(parts: Sequence[LabeledData]) -> np.ndarray:
    """Return by class how many examples are right or wrong on their own.

    A group counts as one, and so does an example of several parts.
    """
    own = {unit for part in parts for unit in zip(part.y.tolist(), part.groups or part.ids, strict=True)}
    return np.bincount([label for label, _ in own], minlength=len(parts[0].classes))


def _rests_on(tested: Sequence[Predicted]) -> tuple[str, np.ndarray]:
    """Return on how much the answer rests, in words, and the number of test images by class."""
    different = {id: label for of in tested for id, label in zip(of.test.ids, of.test.y.tolist(), strict=True)}
    groups = {group for of in tested for group in of.test.groups or ()}
    words = f"{len(tested)} splits, " * (len(tested) > 1) + f"{len(different)} test images"
    if groups:
        words += f" in {len(groups)} groups" + " that were resampled as wholes" * (len(tested) == 1)
    return words, np.bincount(list(different.values()), minlength=len(tested[0].test.classes))


def _intervals(splits: int) -> str:
    if splits == 1:
        return (
            f"95 % intervals for other test images and seeds, from {DRAWS:,} paired bootstrap resamples within each "
            "class; other training images may differ more."
        )
    return (
        f"95 % intervals for other training and test images, from {splits} splits, corrected for the images that the "
        "splits share (Nadeau and Bengio 2003)."
    )
