"""The answer to 'did it help?' for tables, and its file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from gensynth.data.files import write_text
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.evaluate.intervals import Estimate

NONE, WEIGHTS, THRESHOLD = "none", "class weights", "threshold"
BASELINES = (NONE, WEIGHTS, THRESHOLD)


@dataclass(frozen=True)
class TableArm:
    """Result of one classifier on one arm. Two classes: scores of the rare one; more: the mean of one-against-rest.

    Attributes:
        name: `none`, `class weights`, `threshold`, or a sampler.
        model: One of `gensynth.kinds.table.config.MODELS`.
        n_train: Rows it was trained on (the mean over splits).
        average_precision: In [0, 1], of the prior-corrected probabilities.
        roc_auc: In [0, 1], likewise.
        balanced_accuracy: Mean of the recalls of what is predicted at 0.5 (more than two classes: the likeliest one);
            of the arm `threshold`: at its tuned threshold.
        balanced_accuracy_tuned: The same at the tuned threshold (more than two classes: see `table_scores.decide`).
        brier: Mean of (p - y)^2 of the prior-corrected probabilities; lower is better.
        brier_raw: The same of the classifier's own probabilities.
        calibration_error: Expected calibration error of the corrected probabilities; lower is better.
        calibration_error_raw: The same of the classifier's own.
        threshold: Tuned threshold of the corrected probability (the mean over splits); None for more than two classes.
        recall: Recall by class name at the tuned threshold.
    """

    name: str
    model: str
    n_train: float
    average_precision: Estimate
    roc_auc: Estimate
    balanced_accuracy: Estimate
    balanced_accuracy_tuned: Estimate
    brier: Estimate
    brier_raw: Estimate
    calibration_error: Estimate
    calibration_error_raw: Estimate
    threshold: float | None
    recall: dict[str, Estimate]


@dataclass(frozen=True)
class TableComparison:
    """An arm with synthetic rows minus the strongest one without, for one classifier.

    Attributes:
        arm: Name of the arm with synthetic rows.
        model: One of `gensynth.kinds.table.config.MODELS`.
        baseline: The strongest of `none`, `class weights` and `threshold` in the metric.
        difference: In the metric.
        p_value: Of a difference of 0, corrected by Holm for the number of arms with synthetic rows (and that of a loss
            by Bonferroni for the number of baselines of which the strongest was picked).
        verdict: HELPS, NO MEASURABLE EFFECT, HURTS or CANNOT TELL.
        why: The figures behind it, in one sentence.
    """

    arm: str
    model: str
    baseline: str
    difference: Estimate
    p_value: float
    verdict: str
    why: str


@dataclass(frozen=True)
class TableEvaluation:
    """The answer.

    Attributes:
        arms: Every arm with every classifier.
        comparisons: Every arm with synthetic rows and every classifier.
        verdict: Of the first synthetic rows given, with the classifier that does best over all arms.
        why: Its sentence.
        metric: What the verdict rests on, one of `METRICS`.
        intervals: What the intervals are, in one sentence.
        positive: The rare one of two classes, which the scores are of; None for more classes.
        rare: The classes that were filled with synthetic rows.
        n_test: Real rows by class name that scores are of.
        notes: What was left out, in sentences.
    """

    arms: tuple[TableArm, ...]
    comparisons: tuple[TableComparison, ...]
    verdict: str
    why: str
    metric: str
    intervals: str
    positive: str | None
    rare: tuple[str, ...]
    n_test: dict[str, int]
    notes: tuple[str, ...]


def save_table_evaluation(evaluation: TableEvaluation, path: str | Path) -> None:
    """Write an evaluation as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(evaluation), indent=1) + "\n")


def load_table_evaluation(path: str | Path) -> TableEvaluation:
    """Read what `save_table_evaluation` wrote.

    Raises:
        ValueError: if it is something else, or another version of gensynth wrote it.
    """
    return read_json(path, TableEvaluation, "an evaluation of this version of gensynth", MAKE_AGAIN)
