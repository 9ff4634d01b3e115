"""What `choose` finds: how each way did, and the choice."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from gensynth.data.files import write_text
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.evaluate.ways import AUGMENTED, OVERSAMPLED, REAL, THRESHOLD, WEIGHTS, way_of

WAYS = {
    REAL: ("doing nothing", "train on the real {noun}s as they are"),
    WEIGHTS: ("weighing the classes", "give every class the same weight in training"),
    THRESHOLD: ("moving the threshold", ""),  # what to do is for `Choice.to_do` to say
    OVERSAMPLED: ("oversampling", "draw every class equally often"),
    AUGMENTED: ("augmentation", "draw every class equally often, and change each {noun} a little, as a note says"),
}
"""Ways to train without synthetic examples in plain words, the simplest first: what it is called, what to do."""


@dataclass(frozen=True)
class Tried:
    """How one way to train did.

    Attributes:
        sampler: Name of the sampler; empty without synthetic examples.
        to: How far it filled, as `gensynth.mix.targets.target_counts` takes it; empty without.
        arm: How the classifier was trained, see `gensynth.evaluate.ways`.
        classifier: Its name; empty where only one was tried.
        score: The metric, the mean over splits and seeds.
        gain: `score` minus that of `Choice.baseline`.
        standard_error: Of `gain`; 0 for the baseline itself.
        seconds: Time for training and predicting in one split; ways that were trained side by side share it equally.
    """

    sampler: str
    to: str
    arm: str
    classifier: str
    score: float
    gain: float
    standard_error: float
    seconds: float

    @property
    def called(self) -> str:
        """What it is called on the page."""
        return _called(self.sampler, self.to, self.arm, self.classifier)


@dataclass(frozen=True)
class Choice:
    """What to do.

    Attributes:
        sampler: Name of the chosen sampler; empty where none is to be used.
        to: How far to fill; empty likewise.
        arm: How to train.
        classifier: What to train, of those that were tried; empty where it was one.
        baseline: What was chosen of the ways without synthetic examples, one of `WAYS`.
        adds: Synthetic examples for each class of the training part that needs some; empty for none.
        threshold: Probability (prior-corrected) from which on the rare class is predicted where the mean of the recalls
            shall be high; None where there is no such threshold.
        why: In one sentence or two, with figures.
        metric: What counted, one of `gensynth.evaluate.outcome.WORDS`.
        candidates: All that was tried, the best first.
        splits: Splits that the scores are the mean of; 1 for a validation part.
        examples: Real examples that the scores rest on.
        noun: What one example is called.
        notes: What was left out, and what else to know, in sentences.
        schema: Version of this file.
    """

    sampler: str
    to: str
    arm: str
    classifier: str
    baseline: str
    adds: dict[str, int]
    threshold: float | None
    why: str
    metric: str
    candidates: tuple[Tried, ...]
    splits: int
    examples: int
    noun: str
    notes: tuple[str, ...]
    schema: Literal[3]

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways without synthetic examples that were tried, the simplest first."""
        tried = {t.arm for t in self.candidates if not t.sampler}
        return tuple(way for way in WAYS if way in tried)

    @property
    def base(self) -> Tried:
        """What gains are over: `baseline` with the classifier that did best in it."""
        plain = (t for t in self.candidates if not t.sampler and t.arm == self.baseline)
        return max(plain, key=lambda t: t.score)

    @property
    def chosen(self) -> str:
        """What the chosen way is called. A threshold changes no rank: where ranks count, it is moved in `real`."""
        moved = self.arm == THRESHOLD and THRESHOLD not in self.ways
        return _called(self.sampler, self.to, REAL if moved else self.arm, self.classifier)

    @property
    def basis(self) -> str:
        """What the scores rest on, in sentences."""
        added = ", ".join(f"{n:,} {self.noun}s of {name}" for name, n in self.adds.items())
        where = (
            f"in {self.splits} splits of {self.examples:,} training {self.noun}s by cross-validation; samplers were "
            "fitted on the training side of each split alone"
            if self.splits > 1
            else f"with {self.examples:,} real validation {self.noun}s"
        )
        return (
            f"{f'It adds {added}. ' if added else ''}Each way to train was tried {where}. Test {self.noun}s played no "
            "part: whether it helps is for them to say. The best of many looks better than it is, so the simplest way "
            f"is chosen unless another one is far enough ahead. Gains are over '{self.base.called}', chosen among the "
            f"ways without synthetic {self.noun}s; seconds are by split. Behind a sampler stand how far it fills, as "
            "--to takes it (0.1 is a tenth of the largest class), and how classifiers were trained."
        )

    def to_do(self, way: str) -> str:
        """Return what to do to train in a way without synthetic examples."""
        if way != THRESHOLD:
            return WAYS[way][1].format(noun=self.noun)
        if self.threshold is None:
            return "divide each probability by the share of its class, and take the largest"
        return f"predict the rare class where its probability is at least {self.threshold:.2g}"


def _called(sampler: str, to: str, arm: str, classifier: str) -> str:
    """Return a short name: with a sampler, it goes without saying that there are synthetic examples."""
    return (f"{sampler} to {to}: {way_of(arm)}" if sampler else arm) + f", {classifier}" * bool(classifier)


def words_of(sampler: str, to: str, arm: str) -> str:
    """Return in words what was tried."""
    return f"filling with '{sampler}' to {to} (trained as '{arm}')" if sampler else WAYS[arm][0]


def save_choice(choice: Choice, path: str | Path) -> None:
    """Write a choice as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(choice), indent=1) + "\n")


def load_choice(path: str | Path) -> Choice:
    """Read what `save_choice` wrote.

    Raises:
        ValueError: if it is something else, or another version of gensynth wrote it.
    """
    return read_json(path, Choice, "a choice of this version of gensynth", MAKE_AGAIN)
