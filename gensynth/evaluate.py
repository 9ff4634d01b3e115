"""Did it help? Classifiers trained with and without the synthetic images, tested on real ones.

The arms (see `gensynth.arms`) share the splits, the classifier, the number of gradient steps and the seeds. Each arm
with synthetic images is compared with the strongest one without: what oversampling, class weights or augmentation do
alone is no gain of synthetic images. The headline is the best arm with them. The strongest baseline is picked by its
result on the test images, which flatters the baseline, never the synthetic images.

Two ways to tell:

    evaluate          one split; intervals from a paired bootstrap of the test images within their class, and from the
                      seeds. They speak of other test images and seeds, not of other training images.
    evaluate_splits   several splits, each with a generator fitted in its training part; intervals corrected for the
                      images that the splits share (Nadeau and Bengio). They speak of other training images, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from gensynth.arms import ARMS, MADE, UNGATED, WAYS, Training, train_arm
from gensynth.arms import join as join
from gensynth.classifier import Build
from gensynth.data.labeled import LabeledData
from gensynth.estimator import check_estimator
from gensynth.evaluate_results import Arm, Comparison, Evaluation
from gensynth.evaluate_results import load_evaluation as load_evaluation  # who evaluates also keeps the answer
from gensynth.evaluate_results import save_evaluation as save_evaluation
from gensynth.fidelity.metrics.statistics import holm
from gensynth.intervals import (
    CANNOT_TELL,
    COUNTED,
    DRAWS,
    FEWEST_TEST,
    RANKED,
    Estimate,
    Spread,
    as_points,
    by_images_and_seeds,
    by_splits,
    least_variance,
    least_variance_of_mean,
    resampled_scores,
    verdict_of,
)
from gensynth.intervals import HELPS as HELPS
from gensynth.intervals import HURTS as HURTS
from gensynth.intervals import NO_EFFECT as NO_EFFECT
from gensynth.samplers.base import Synthetic

Split = tuple[LabeledData, Synthetic, LabeledData]
"""Real training images, synthetic images made from these alone, and real test images."""

LEVEL = 0.05
PASSES, FEWEST_STEPS, MOST_STEPS = 7, 300, 3000
"""On 9,000 images (MNIST, Fashion-MNIST, 4,000 to 40 a class) 300 steps leave ten points that 1,000 learn, and class
weights look better there than augmentation, which beats them in the end."""


@dataclass(frozen=True)
class EvaluateConfig:
    """How the synthetic images are tested.

    Attributes:
        seeds: Classifiers trained per arm, each from its own seed, at least 2.
        steps: Gradient steps per network, at least 10; by default seven passes over the real training images, but 300
            at least and 3,000 at most.
        batch_size: Images per gradient step.
        seed: Seed of weights, batches and bootstrap: the same seed gives the same answer.
        arms: Ways to train, separated by commas: real, class weights, oversampled, augmented, mixup, each of these
            followed by ' + synthetic' or ' + ungated' (as many, whatever the gate says), and synthetic only.
        rope: Differences of balanced accuracy up to this one count as none, between 0 and 1; 0.01 is one point.
    """

    seeds: int = 5
    steps: int | None = None
    batch_size: int = 64
    seed: int = 0
    arms: tuple[str, ...] = (*list(WAYS)[:4], "oversampled + synthetic", "augmented + synthetic")
    rope: float = 0.01

    def __post_init__(self) -> None:
        if unknown := [name for name in self.arms if name not in ARMS]:
            raise ValueError(f"arms {', '.join(map(repr, unknown))} are unknown; allowed: {', '.join(ARMS)}.")
        for needed, why in ((WAYS, "to compare synthetic images with"), (MADE, "to compare")):
            if not any(name in needed for name in self.arms):
                raise ValueError(f"arms must name at least one of {', '.join(needed)}, {why}; got {self.arms}.")
        for name, least in (("seeds", 2), ("steps", 10), ("batch_size", 2), ("seed", 0)):
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}.")
        if not 0 <= self.rope < 1:
            raise ValueError(f"rope must be at least 0 and less than 1, got {self.rope}.")

    def steps_for(self, n: int) -> int:
        """Return the gradient steps where there are n real training images."""
        return self.steps or min(max(PASSES * n // self.batch_size, FEWEST_STEPS), MOST_STEPS)

    @property
    def network_seeds(self) -> list[int]:
        """One seed per network."""
        return [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(self.seed).spawn(self.seeds)]


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


def evaluate(
    train: LabeledData,
    synthetic: Synthetic,
    test: LabeledData,
    config: EvaluateConfig,
    quiet: bool = False,
    rare: Sequence[str] | None = None,
    classifier: Any | Build | None = None,
    ungated: Synthetic | None = None,
) -> Evaluation:
    """Train the arms on one split and compare them on its test part.

    Args:
        train: Real training images.
        synthetic: Accepted synthetic images of the same shape and classes.
        test: Real images that neither the generator nor the gate has seen. A class without test images is
            left out of the averages, and the verdict is then CANNOT TELL.
        config: How to test.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).
        rare: Names of the rare classes; None for all with synthetic images. Name them where other classes
            received some too, only so that the treatment gives no class away.
        classifier: An estimator of scikit-learn with `predict_proba` (it sees flattened pixels in [0, 1]; augmented
            and mixed images are copies made beforehand), or a function that makes an nn.Module from (channels,
            n_classes) (it sees pixels in [0, 1], gives logits, and is trained as ours is). None for ours.
        ungated: As many synthetic images of each class as they were drawn, for the arms that ask for them
            (`gensynth.draw.as_drawn`).

    Raises:
        TypeError: if the classifier is neither.
        ValueError: if there are no synthetic or test images, shapes or classes differ, or an arm needs images as they
            were drawn and there are none.
    """
    given = None if ungated is None else [ungated]
    return evaluate_splits([(train, synthetic, test)], config, quiet, rare, classifier, given)


def evaluate_splits(
    splits: Sequence[Split],
    config: EvaluateConfig,
    quiet: bool = False,
    rare: Sequence[str] | None = None,
    classifier: Any | Build | None = None,
    ungated: Sequence[Synthetic] | None = None,
) -> Evaluation:
    """Train the arms on each of several splits of the same data and compare them over all test parts.

    Args:
        splits: Training images, synthetic images made from these alone, and test images of each split.
        config: How to test.
        quiet: As `evaluate`.
        rare: As `evaluate`.
        classifier: As `evaluate`.
        ungated: As `evaluate`, for each split.

    Raises:
        TypeError: as `evaluate`.
        ValueError: as `evaluate`, or if there are no splits.
    """
    if not splits:
        raise ValueError("splits is empty; give at least one of (train, synthetic, test).")
    if needing := [name for name in config.arms if name in UNGATED and ungated is None]:
        raise ValueError(f"arms {', '.join(map(repr, needing))} need images as they were drawn; give ungated.")
    raw = [synthetic for _, synthetic, _ in splits] if ungated is None else ungated
    for (train, synthetic, test), drawn in zip(splits, raw, strict=True):
        for given in (synthetic, drawn):
            _check(train, given, test, splits[0][0].classes)
    of_sklearn = hasattr(classifier, "fit")
    if of_sklearn:
        check_estimator(classifier, [name for name in config.arms if ARMS[name].weighted or ARMS[name].mixed])
    elif classifier is not None and not callable(classifier):
        raise TypeError(
            f"classifier must be an estimator of scikit-learn or a function of (channels, n_classes), got "
            f"{type(classifier).__name__}."
        )
    classes = splits[0][0].classes
    filled = np.unique(np.concatenate([synthetic.y for _, synthetic, _ in splits]))
    if rare is not None:
        filled = filled[np.isin(filled, [splits[0][0].label_of(name) for name in rare])]
    n_real = np.sum([np.bincount(train.y, minlength=len(classes)) for train, _, _ in splits], axis=0)
    rarest_first = [classes[k] for k in filled[np.argsort(n_real[filled], kind="stable")]]
    steps = config.steps_for(max(len(train) for train, _, _ in splits))
    training = Training(config.network_seeds, steps, config.batch_size, classifier)
    tested = [Predicted(test, {}, {}) for _, _, test in splits]
    arms = [name for name in ARMS if name in config.arms]
    with tqdm(total=len(splits) * len(arms) * steps, desc="evaluate", disable=True if quiet else None) as bar:
        for (train, synthetic, test), drawn, of in zip(splits, raw, tested, strict=True):
            for arm in arms:
                bar.set_postfix_str(arm)
                given = drawn if arm in UNGATED else synthetic
                of.p[arm], of.n_train[arm] = train_arm(arm, train, given, test, filled, training, bar.update)
    ratio = float(np.mean([len(test) / len(train) for train, _, test in splits]))
    return compare(tested, rarest_first, ratio, config, 0 if of_sklearn else steps)


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
    # What the gate rejects is never mixed, so it may not answer for what is.
    base, best = (max(names, key=lambda name: arms[name].balanced_accuracy.value) for names in (baselines, passed))
    gaps = {name: counted[:, at[name]] - counted[:, at[base]] for name in made}
    differences = {name: spread(gap[..., 0], mean_floor) for name, gap in gaps.items()}
    # The baseline was picked for being the best of several, which alone makes a loss likely: Bonferroni for that.
    picked = np.minimum([d.p_value * (len(baselines) if d.value < 0 else 1) for d in differences.values()], 1)
    # Two families: who also looks at images without the gate gets the same answer about those that are mixed.
    p_values = np.concatenate([holm(picked[: len(passed)]), holm(picked[len(passed) :])])
    labels = [k for k in known if classes[k] in rare]
    few = [name for name, n in zip(classes, independent, strict=True) if n < (FEWEST_TEST if name in rare else 1)]
    rests_on, counts = _rests_on(tested)
    comparisons = []
    for name, p in zip(made, p_values, strict=True):
        family = passed if name in MADE else ungated
        difference = differences[name].estimate((-1, 1))
        rare_difference = Estimate(0.0, -1.0, 1.0)  # nothing is known without test images
        if labels:
            gap = gaps[name][..., [len(COUNTED) + k for k in labels]].mean(-1)
            rare_difference = spread(gap, floor[labels].mean() / len(labels)).estimate((-1, 1))
        tiny = max(-difference.low, difference.high) <= config.rope
        verdict = CANNOT_TELL if few else verdict_of(difference, bool(p < LEVEL) and not tiny, config.rope)
        why = (
            f"Balanced accuracy of '{name}' is {arms[name].balanced_accuracy.value:.1%}, of '{base}', the strongest "
            f"without synthetic images, {arms[base].balanced_accuracy.value:.1%}: {as_points(difference)}, p {_p(p)}"
            + (f" corrected for {len(family)} comparisons" if len(family) > 1 else "")
            + f"; mean recall of the rare classes: {as_points(rare_difference)}; {config.seeds} seeds, "
            + rests_on
            + (f", of which too few of {', '.join(map(repr, few))} to tell." if few else ".")
        )
        comparisons.append(Comparison(name, base, difference, rare_difference, float(p), verdict, why))
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


def _check(train: LabeledData, synthetic: Synthetic, test: LabeledData, classes: tuple[str, ...]) -> None:
    for name, part in (("synthetic", synthetic), ("train", train), ("test", test)):
        if not len(part):
            raise ValueError(f"{name} has no images; at least one is needed to tell whether they help.")
        if part.classes != classes:
            raise ValueError(f"classes of {name} are {part.classes}, those of train {classes}; they must agree.")
        if tuple(part.x.shape[1:]) != train.shape:
            raise ValueError(
                f"{name} images have shape {tuple(part.x.shape[1:])}, train images {train.shape}; they must agree."
            )


def _rests_on(tested: Sequence[Predicted]) -> tuple[str, np.ndarray]:
    """Return on how much the answer rests, in words, and the number of test images by class."""
    different = {id: label for of in tested for id, label in zip(of.test.ids, of.test.y.tolist(), strict=True)}
    groups = {group for of in tested for group in of.test.groups or ()}
    words = f"{len(tested)} splits, " * (len(tested) > 1) + f"{len(different)} test images"
    if groups:
        words += f" in {len(groups)} groups" + " that were resampled as wholes" * (len(tested) == 1)
    return words, np.bincount(list(different.values()), minlength=len(tested[0].test.classes))


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


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
