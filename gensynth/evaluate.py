"""Did it help? Classifiers trained with and without the synthetic images, tested on real ones.

Four arms share the split, the network, the number of gradient steps and the seeds:

    real                            the real images, drawn uniformly
    oversampled                     the real images, every class drawn equally often
    real + synthetic                both, drawn uniformly: what a plain loader of the mixed folder does
    real + synthetic, oversampled   both, every class drawn equally often

Synthetic images are compared with the baseline that draws in the same way (1 with 3, 2 with 4): otherwise
a gain or loss could come from how often the classes are drawn, which needs no synthetic image. The headline
is the comparison with the stronger baseline. That one is picked by its result on the test images, which
flatters the baseline, never the synthetic images.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gensynth.classifier import train_and_predict
from gensynth.data.labeled import LabeledData
from gensynth.files import write_text
from gensynth.intervals import Estimate, estimate, resampled_scores
from gensynth.samplers.base import Synthetic

HELPS, HURTS = "HELPS", "HURTS"
NO_EFFECT, CANNOT_TELL = "NO MEASURABLE EFFECT", "CANNOT TELL"

ARMS = ("real", "oversampled", "real + synthetic", "real + synthetic, oversampled")
PAIRS = ((0, 2), (1, 3))
"""Positions in `ARMS`: baseline, and the arm that draws in the same way from real and synthetic images."""

# Fewer test images of a rare class, or an interval that holds 0 and reaches further: CANNOT TELL.
FEWEST_TEST, WIDE = 10, 0.03


@dataclass(frozen=True)
class EvaluateConfig:
    """How the synthetic images are tested.

    Attributes:
        seeds: Networks trained per arm, each from its own seed, at least 2.
        steps: Gradient steps per network, at least 10.
        batch_size: Images per gradient step.
        seed: Seed of weights, batches and bootstrap: the same seed gives the same answer.
    """

    seeds: int = 5
    steps: int = 300
    batch_size: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("seeds", 2), ("steps", 10), ("batch_size", 2), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}.")

    @property
    def network_seeds(self) -> list[int]:
        """One seed per network."""
        return [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(self.seed).spawn(self.seeds)]


@dataclass(frozen=True)
class Arm:
    """Result of one way to train, as shares in [0, 1]; averages run over the classes with test images.

    Attributes:
        name: One of `ARMS`.
        n_train: Images it was trained on.
        balanced_accuracy: Mean of the recalls.
        macro_f1: Mean of the classes' F1.
        g_mean: Geometric mean of the recalls.
        recall: Recall by class name.
    """

    name: str
    n_train: int
    balanced_accuracy: Estimate
    macro_f1: Estimate
    g_mean: Estimate
    recall: dict[str, Estimate]


@dataclass(frozen=True)
class Comparison:
    """Training with the synthetic images minus the baseline that draws in the same way (see `PAIRS`).

    Attributes:
        baseline: Name of the arm without synthetic images.
        difference: In balanced accuracy.
        rare_recall_difference: In the mean recall of the rare classes.
        verdict: HELPS, NO MEASURABLE EFFECT, HURTS or CANNOT TELL.
        why: The figures behind it, in one sentence.
    """

    baseline: str
    difference: Estimate
    rare_recall_difference: Estimate
    verdict: str
    why: str


@dataclass(frozen=True)
class Evaluation:
    """The answer.

    Attributes:
        arms: Results in the order of `ARMS`.
        comparisons: With `real`, then with `oversampled`.
        verdict: Verdict of the comparison with the baseline of the higher balanced accuracy.
        why: Its sentence.
        rare: The classes that were filled with synthetic images.
        seeds: Networks per arm.
        steps: Gradient steps per network.
        n_test: Test images by class name.
    """

    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    verdict: str
    why: str
    rare: tuple[str, ...]
    seeds: int
    steps: int
    n_test: dict[str, int]


def evaluate(
    train: LabeledData,
    synthetic: Synthetic,
    test: LabeledData,
    config: EvaluateConfig,
    quiet: bool = False,
    rare: Sequence[str] | None = None,
) -> Evaluation:
    """Train the four arms and compare them on the test part.

    Args:
        train: Real training images.
        synthetic: Accepted synthetic images of the same shape and classes.
        test: Real images that neither the generator nor the gate has seen. A class without test images is
            left out of the averages, and the verdict is then CANNOT TELL.
        config: How to test.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).
        rare: Names of the classes to fill; None for all with synthetic images. Name them where other classes
            received some too, only so that the treatment gives no class away.

    Raises:
        ValueError: if there are no synthetic or test images, or shapes or classes differ.
    """
    for name, part in (("synthetic", synthetic), ("train", train), ("test", test)):
        if not len(part):
            raise ValueError(f"{name} has no images; at least one is needed to tell whether they help.")
        if part.classes != train.classes:
            raise ValueError(f"classes of {name} are {part.classes}, those of train {train.classes}; they must agree.")
        if tuple(part.x.shape[1:]) != train.shape:
            raise ValueError(
                f"{name} images have shape {tuple(part.x.shape[1:])}, train images {train.shape}; they must agree."
            )
    n = len(train)
    y = np.concatenate([train.y, synthetic.y])
    images = join(train, synthetic)
    filled = np.unique(synthetic.y)
    if rare is not None:
        filled = filled[np.isin(filled, [train.label_of(name) for name in rare])]
    predicted = []
    with tqdm(total=len(ARMS) * config.steps, desc="evaluate", disable=True if quiet else None) as bar:
        for arm in range(len(ARMS)):
            bar.set_postfix_str(ARMS[arm])
            labels = y if arm >= 2 else train.y
            counts = np.bincount(labels) if arm % 2 else np.ones(len(train.classes))
            probability = 1 / counts[labels]
            predicted.append(
                train_and_predict(
                    images,
                    labels,
                    probability / probability.sum(),
                    test.x.__getitem__,
                    len(test),
                    len(train.classes),
                    config.network_seeds,
                    config.steps,
                    config.batch_size,
                    bar.update,
                )
            )
    n_train = (n, n, len(y), len(y))
    return compare(np.stack(predicted), test, filled, n_train, config)


def join(train: LabeledData, synthetic: Synthetic) -> Callable[[Tensor], Tensor]:
    """Return what maps positions, int64 (b,), to images, uint8 (b, c, h, w): the real ones first."""

    def images(at: Tensor) -> Tensor:
        is_real = at < len(train)
        x = torch.empty((len(at), *train.shape), dtype=torch.uint8)
        x[is_real] = train.x[at[is_real]]
        x[~is_real] = synthetic.x[at[~is_real] - len(train)]
        return x

    return images


def compare(
    predicted: np.ndarray,
    test: LabeledData,
    rare: np.ndarray,
    n_train: tuple[int, ...],
    config: EvaluateConfig,
) -> Evaluation:
    """Turn the predictions of the arms into the answer.

    Args:
        predicted: Predicted labels in the order of `ARMS`, int64, shape (4, seeds, n).
        test: The n test images.
        rare: Labels that were filled with synthetic images, ascending.
        n_train: Training images of each arm.
        config: What was run; its seed also seeds the bootstrap.
    """
    scores, tested = resampled_scores(predicted, test.y, len(test.classes), np.random.default_rng(config.seed))
    counts = np.bincount(test.y, minlength=len(test.classes))
    # No fewer than about one image per class is undecided: the variance of a share of 0 of n has Jeffreys'
    # posterior 0.5 / n^2. Without this, arms that agree on ten images would be "surely equal".
    floor = 0.5 / counts[tested] ** 2
    floor_mean = floor.mean() / len(tested)
    arms = tuple(
        Arm(
            ARMS[a],
            n_train[a],
            estimate(scores[:, a, :, 0], floor_mean, (0, 1)),
            estimate(scores[:, a, :, 1], floor_mean, (0, 1)),
            estimate(scores[:, a, :, 2], floor_mean, (0, 1)),
            {test.classes[k]: estimate(scores[:, a, :, 3 + i], floor[i], (0, 1)) for i, k in enumerate(tested)},
        )
        for a in range(len(ARMS))
    )
    columns = np.flatnonzero(np.isin(tested, rare))
    comparisons = []
    for baseline, treated in PAIRS:
        gap = scores[:, treated] - scores[:, baseline]
        difference = estimate(gap[..., 0], floor_mean, (-1, 1))
        rare_difference = Estimate(0.0, -1.0, 1.0)  # nothing is known without test images
        if len(columns):
            rare_gap = gap[..., 3 + columns].mean(-1)
            rare_difference = estimate(rare_gap, floor[columns].mean() / len(columns), (-1, 1))
        few = [test.classes[k] for k in range(len(counts)) if counts[k] < (FEWEST_TEST if k in rare else 1)]
        verdict = CANNOT_TELL if few else verdict_of(difference)
        why = (
            f"Balanced accuracy of '{ARMS[treated]}' is {arms[treated].balanced_accuracy.value:.1%}, of "
            f"'{ARMS[baseline]}' {arms[baseline].balanced_accuracy.value:.1%}: {_points(difference)}; mean "
            f"recall of the classes that were filled: {_points(rare_difference)}; "
            f"{predicted.shape[1]} seeds, {len(test)} test images"
            + (f", of which too few of {', '.join(map(repr, few))} to tell." if few else ".")
        )
        comparisons.append(Comparison(ARMS[baseline], difference, rare_difference, verdict, why))
    best = max(comparisons, key=lambda c: arms[ARMS.index(c.baseline)].balanced_accuracy.value)
    return Evaluation(
        arms=arms,
        comparisons=tuple(comparisons),
        verdict=best.verdict,
        why=best.why,
        rare=tuple(test.classes[k] for k in rare),
        seeds=config.seeds,
        steps=config.steps,
        n_test=test.class_counts,
    )


def verdict_of(difference: Estimate) -> str:
    """HELPS or HURTS if 0 is outside the interval, else NO MEASURABLE EFFECT if it is within +-3 points."""
    if difference.low > 0:
        return HELPS
    if difference.high < 0:
        return HURTS
    return NO_EFFECT if max(-difference.low, difference.high) <= WIDE else CANNOT_TELL


def save_evaluation(evaluation: Evaluation, path: str | Path) -> None:
    """Write an evaluation as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(evaluation), indent=1) + "\n")


def load_evaluation(path: str | Path) -> Evaluation:
    """Read what `save_evaluation` wrote."""
    fields: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    for arm in fields["arms"]:
        arm["recall"] = {name: Estimate(**e) for name, e in arm["recall"].items()}
        arm |= {name: Estimate(**arm[name]) for name in ("balanced_accuracy", "macro_f1", "g_mean")}
    for item in fields["comparisons"]:
        item |= {name: Estimate(**item[name]) for name in ("difference", "rare_recall_difference")}
    fields["arms"] = tuple(Arm(**arm) for arm in fields["arms"])
    fields["comparisons"] = tuple(Comparison(**item) for item in fields["comparisons"])
    fields["rare"] = tuple(fields["rare"])
    return Evaluation(**fields)


def _points(gap: Estimate) -> str:
    return f"{100 * gap.value:+.1f} points ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})"
