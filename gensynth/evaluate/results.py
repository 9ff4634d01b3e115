"""The answers to 'did it help?' and 'does it teach a shortcut?', and their files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from gensynth.data.files import write_text
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.evaluate.intervals import Estimate

LEAKS, NO_LEAK = "LEAKS", "NO LEAK"


@dataclass(frozen=True)
class Arm:
    """Result of one classifier on one arm.

    Attributes:
        name: A way to train, with or without synthetic examples, see `gensynth.evaluate.ways`.
        model: Name of the classifier.
        n_train: Examples it was trained on (the mean over splits).
        scores: By name, those of `gensynth.evaluate.outcome.WORDS` that it has, between its `limits`.
        threshold: Tuned threshold of the corrected probability (the mean over splits); None where there is none.
        recall: Recall by class name, at that threshold; skill where a number is predicted (`outcome.class_score`).
    """

    name: str
    model: str
    n_train: float
    scores: dict[str, Estimate]
    threshold: float | None
    recall: dict[str, Estimate]


@dataclass(frozen=True)
class Comparison:
    """An arm with synthetic examples minus the strongest one without, for one classifier.

    Attributes:
        arm: Name of the arm with synthetic examples.
        model: Name of the classifier.
        baseline: Name of the strongest arm without them, by the metric.
        difference: In the metric.
        rare_recall_difference: In the mean recall of the rare classes; likewise.
        p_value: Of a difference of 0 in the metric, corrected by Holm for the number of comparisons (and that of a loss
            by Bonferroni for the number of baselines of which the strongest was picked).
        verdict: HELPS, NO MEASURABLE EFFECT, HURTS, CANNOT TELL, or NO GAIN OVER THE BEST MODEL where the classifier
            gains, but the best one without synthetic examples is as good.
        why: The figures behind it, in one sentence.
    """

    arm: str
    model: str
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
        arms: Every arm with every classifier.
        comparisons: Every arm with synthetic examples and every classifier.
        verdict: Of the best arm with the first synthetic examples given that passed the gate, with the classifier that
            does best over these and the arms without synthetic examples.
        why: Its sentence, and another one where the verdicts of other classifiers differ.
        metric: What the verdict rests on, one of `gensynth.evaluate.outcome.WORDS`.
        intervals: What the intervals are, in one sentence.
        positive: The rare one of two classes, which the scores that rank are of; None where they are means over all.
        rare: The rare classes that were filled with synthetic examples, or all that were filled where none is rare,
            the rarest first.
        n_test: Different test examples by class name.
        splits: Splits into training and test part.
        seeds: Trainings per arm, classifier and split.
        steps: Gradient steps per training; 0 where there are none.
        noun: What one example is called.
        notes: What was left out, in sentences.
        schema: Version of this file.
    """

    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    verdict: str
    why: str
    metric: str
    intervals: str
    positive: str | None
    rare: tuple[str, ...]
    n_test: dict[str, int]
    splits: int
    seeds: int
    steps: int
    noun: str
    notes: tuple[str, ...]
    schema: Literal[2]

    @property
    def headline(self) -> Comparison:
        """The comparison that the verdict is of."""
        return next(c for c in self.comparisons if self.why.startswith(c.why))

    @property
    def models(self) -> list[str]:
        """Names of the classifiers, that of the headline first."""
        return list(dict.fromkeys((self.headline.model, *(arm.model for arm in self.arms))))


@dataclass(frozen=True)
class Leak:
    """How far a classifier takes changed examples for a rare class, see `gensynth.evaluate.leak`.

    Shares are in [0, 1], None where it cannot be told.

    Attributes:
        rare: The rare classes that are filled.
        n_changed: Changed examples of other classes that were shown.
        n_original: Different originals they were compared with.
        paired: Whether those are the training examples the changed ones were made from, else held-out ones.
        share_changed: Share of the changed examples that was taken for a rare class.
        share_original: The same of their original partners.
        difference: The first minus the second.
        verdict: LEAKS if the difference is above 0.05 and its 95 % interval above 0, NO LEAK if the interval ends
            below 0.05, else CANNOT TELL.
        why: The figures behind it, in one sentence.
    """

    rare: tuple[str, ...]
    n_changed: int
    n_original: int
    paired: bool
    share_changed: float | None
    share_original: float | None
    difference: Estimate | None
    verdict: str
    why: str

    @property
    def leaks(self) -> bool:
        """Whether the verdict is LEAKS."""
        return self.verdict == LEAKS


def save_evaluation(evaluation: Evaluation, path: str | Path) -> None:
    """Write an evaluation as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(evaluation), indent=1) + "\n")


def load_evaluation(path: str | Path) -> Evaluation:
    """Read what `save_evaluation` wrote.

    Raises:
        ValueError: if it is something else, or another version of gensynth wrote it.
    """
    return read_json(path, Evaluation, "an evaluation of this version of gensynth", MAKE_AGAIN)


def save_leak(leak: Leak, path: str | Path) -> None:
    """Write a measurement as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(leak), indent=1) + "\n")


def load_leak(path: str | Path) -> Leak:
    """Read what `save_leak` wrote; ValueError if it is something else."""
    return read_json(path, Leak, "a measurement of the shortcut", MAKE_AGAIN)
