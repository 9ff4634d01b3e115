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
    classes, splits = tested[0].test.classes, len(tested)
    at = {name: i for i, name in enumerate(name for name in ARMS if name in tested[0].p)}
    rng = np.random.default_rng(config.seed)
    draws = DRAWS if splits == 1 else 0
    found = [resampled_scores(np.stack([of.p[a] for a in at]), of.test.y, rng, draws, of.test.groups) for of in tested]
    # First axis: resamples of the only test part, or splits.
    counted, ranked = (np.concatenate([pair[i] for pair in found]) for i in (0, 1))

    def spread(scores: np.ndarray, floor: float) -> Spread:
        return by_images_and_seeds(scores, floor) if splits == 1 else by_splits(scores.mean(-1), ratio, floor)

    # A class that some test part lacks has no recall of its own.
    known = [k for k in range(len(classes)) if np.isfinite(counted[..., len(COUNTED) + k]).all()]
    independent = independent_images([of.test for of in tested])
    floor, mean_floor = least_variance(independent), least_variance_of_mean(independent)
    floors = dict.fromkeys((*COUNTED, *RANKED), mean_floor)
    floors |= {"worst_recall": float(floor[independent > 0].max()), "calibration_error": 0.0}

    def arm(name: str) -> Arm:
        i = at[name]
        values = {
            s: spread(counted[:, i, :, c], floors[s]).estimate((-1 if s == "mcc" else 0, 1))
            for c, s in enumerate(COUNTED)
        }
        values |= {s: spread(ranked[:, i, :, c], floors[s]).estimate((0, 1)) for c, s in enumerate(RANKED)}
        recall = {classes[k]: spread(counted[:, i, :, len(COUNTED) + k], floor[k]).estimate((0, 1)) for k in known}
        return Arm(name, round(np.mean([of.n_train[name] for of in tested])), **values, recall=recall)

    arms = {name: arm(name) for name in at}
    # Ties go to the simplest way to train, which stands first.
    baselines, passed, ungated = ([name for name in at if name in kind] for kind in (WAYS, MADE, UNGATED))
    made = passed + ungated
    # Images that the gate rejects are never mixed, so arms with them are not the headline.
    base, best = (max(names, key=lambda name: arms[name].balanced_accuracy.value) for names in (baselines, passed))
    gaps = {name: counted[:, at[name]] - counted[:, at[base]] for name in made}
    differences = {name: spread(gap[..., 0], mean_floor) for name, gap in gaps.items()}
    # Two families: to add arms without the gate must not change the answer about images that are mixed.
    p_values = [corrected([differences[name] for name in family], len(baselines)) for family in (passed, ungated)]
    labels = [k for k in known if classes[k] in rare]
    few = [name for name, n in zip(classes, independent, strict=True) if n < (FEWEST_TEST if name in rare else 1)]
    rests_on, counts = _rests_on(tested)
    comparisons = []
    for name, p in zip(made, np.concatenate(p_values).tolist(), strict=True):
        family = passed if name in MADE else ungated
        difference = differences[name].estimate((-1, 1))
        rare_difference = Estimate(0.0, -1.0, 1.0)  # nothing is known without test images
        if labels:
            gap = gaps[name][..., [len(COUNTED) + k for k in labels]].mean(-1)
            rare_difference = spread(gap, floor[labels].mean() / len(labels)).estimate((-1, 1))
        verdict = CANNOT_TELL if few else verdict_of(difference, p, config.rope)
        why = (
            f"Balanced accuracy of '{name}' is {arms[name].balanced_accuracy.value:.1%}, of '{base}', the strongest "
            f"without synthetic images, {arms[base].balanced_accuracy.value:.1%}: {as_points(difference)}, "
            f"{as_p(p, len(family))}; mean recall of the rare classes: {as_points(rare_difference)}; "
            f"{config.seeds} seeds, {rests_on}"
            + (f", of which too few of {', '.join(map(repr, few))} to tell." if few else ".")
        )
        comparisons.append(Comparison(name, base, difference, rare_difference, p, verdict, why))
    headline = comparisons[made.index(best)]
    return Evaluation(
        arms=tuple(arms.values()),
        comparisons=tuple(comparisons),
        verdict=headline.verdict,
        why=headline.why,
        intervals=_intervals(splits),
        rare=tuple(rare),
        splits=splits,
        seeds=config.seeds,
        steps=steps,
        n_test={name: int(n) for name, n in zip(classes, counts, strict=True)},
    )


def independent_images(parts: Sequence[LabeledData]) -> np.ndarray:
    """Return by class how many images are right or wrong on their own.

    A group counts as one, and so does an image of several parts.
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
