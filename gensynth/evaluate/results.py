"""The answer to 'did it help?' for images, and its file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from gensynth.data.files import write_text
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.evaluate.intervals import Estimate


@dataclass(frozen=True)
class Arm:
    """Result of one way to train, as shares in [0, 1]; averages run over the classes with test images.

    Attributes:
        name: One of `arms.ARMS`.
        n_train: Images it was trained on (the mean over splits).
        balanced_accuracy: Mean of the recalls.
        macro_f1: Mean of the classes' F1.
        g_mean: Geometric mean of the recalls.
        mcc: Matthews' correlation for several classes, in [-1, 1].
        worst_recall: The lowest recall of a class.
        average_precision: Area under the precision-recall curve, the mean over the classes, each against the rest.
        calibration_error: Expected calibration error of the likeliest class; lower is better.
        recall: Recall by class name.
    """

    name: str
    n_train: int
    balanced_accuracy: Estimate
    macro_f1: Estimate
    g_mean: Estimate
    mcc: Estimate
    worst_recall: Estimate
    average_precision: Estimate
    calibration_error: Estimate
    recall: dict[str, Estimate]


@dataclass(frozen=True)
class Comparison:
    """An arm with synthetic images minus the strongest arm without.

    Attributes:
        arm: Name of the arm with synthetic images.
        baseline: Name of the strongest arm without them, by balanced accuracy.
        difference: In balanced accuracy.
        rare_recall_difference: In the mean recall of the rare classes.
        p_value: Of a difference of 0 in balanced accuracy, corrected by Holm for the number of comparisons (and that of
            a loss by Bonferroni for the number of baselines of which the strongest was picked).
        verdict: HELPS, NO MEASURABLE EFFECT, HURTS or CANNOT TELL.
        why: The figures behind it, in one sentence.
    """

    arm: str
    baseline: str
    difference: Estimate
    rare_recall_difference: Estimate
    p_value: float
    verdict: str
    why: str


@dataclass(frozen=True)
class Evaluation:
    """The answer.

    Attributes:
        arms: Results in the order of `arms.ARMS`.
        comparisons: One for each arm with synthetic images.
        verdict: Verdict of the comparison of the best arm with synthetic images that passed the gate.
        why: Its sentence.
        intervals: What the intervals are, in one sentence.
        rare: The rare classes that were filled with synthetic images, or all that were filled where none is rare, the
            rarest first.
        splits: Splits into training and test part.
        seeds: Trainings per arm and split.
        steps: Gradient steps per network; 0 where the classifier is an estimator of scikit-learn.
        n_test: Different test images by class name.
    """

    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    verdict: str
    why: str
    intervals: str
    rare: tuple[str, ...]
    splits: int
    seeds: int
    steps: int
    n_test: dict[str, int]


def save_evaluation(evaluation: Evaluation, path: str | Path) -> None:
    """Write an evaluation as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(evaluation), indent=1) + "\n")


def load_evaluation(path: str | Path) -> Evaluation:
    """Read what `save_evaluation` wrote.

    Raises:
        ValueError: if it is something else, or another version of gensynth wrote it.
    """
    return read_json(path, Evaluation, "an evaluation of this version of gensynth", MAKE_AGAIN)
