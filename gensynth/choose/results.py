"""What `choose` finds for images: how each way did, the choice, and the record that a killed search goes on from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import ClassVar, TypedDict

import numpy as np

from gensynth.data.files import write_text
from gensynth.data.plain import MAKE_AGAIN, read_json

BASELINES = {
    "real": "train on the real images as they are",
    "class weights": "give every class the same weight in the loss",
    "oversampled": "draw every class equally often",
    "augmented": "draw every class equally often, and shift, turn and scale each image a little",
}
"""Ways to train without synthetic images, the simplest first, in plain words."""


@dataclass(frozen=True)
class Tried:
    """How one way did on the validation part.

    Attributes:
        sampler: Name of the sampler; empty without synthetic images.
        to: How far it filled; empty without.
        arm: How the networks were trained, see `gensynth.evaluate.ways`.
        score: Balanced accuracy in [0, 1], the mean over classes with validation images and over seeds.
        gain: `score` minus that of the best way without synthetic images.
        standard_error: Of `gain`, for other validation images and seeds.
        seconds: Time for training and predicting; ways that were trained side by side share theirs equally.
    """

    sampler: str
    to: str
    arm: str
    score: float
    gain: float
    standard_error: float
    seconds: float

    @property
    def called(self) -> str:
        """What it is called on the page."""
        return f"{self.sampler} to {self.to}: {self.arm}" if self.sampler else self.arm


@dataclass(frozen=True)
class ImageChoice:
    """What to make.

    Attributes:
        sampler: Name of the chosen sampler; empty where none could be tried.
        to: How far to fill; empty likewise.
        arm: How to train with its images; empty likewise.
        baseline: The best way without synthetic images, one of `BASELINES`.
        why: In one sentence or two, with figures.
        candidates: All that was tried, the best first.
        n_validation: Images that the scores rest on.
        notes: What was left out, and what else to know, in sentences.
    """

    sampler: str
    to: str
    arm: str
    baseline: str
    why: str
    candidates: tuple[Tried, ...]
    n_validation: int
    notes: tuple[str, ...]

    metric: ClassVar[str] = "balanced_accuracy"
    """What counts."""

    @property
    def base(self) -> str:
        """What gains are over."""
        return self.baseline

    @property
    def chosen(self) -> str:
        """What the chosen way is called."""
        return f"{self.sampler} to {self.to}: {self.arm}" if self.sampler else ""

    @property
    def basis(self) -> str:
        """What the scores rest on, in sentences."""
        return (
            f"Networks were trained in each way and predicted {self.n_validation:,} real validation images; test "
            "images played no part. The best of many looks better than it is: whether it helps is for the test images "
            f"to say. Gains are over '{self.baseline}', the best without synthetic images."
        )


def save_choice(choice: ImageChoice, path: str | Path) -> None:
    """Write a choice as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(choice), indent=1) + "\n")


def load_choice(path: str | Path) -> ImageChoice:
    """Read what `save_choice` wrote; ValueError if it is something else."""
    return read_json(path, ImageChoice, "a choice", MAKE_AGAIN)


Key = tuple[str, ...]


class Found(TypedDict):
    """What the file of a `Record` holds."""

    predicted: list[tuple[Key, list[list[int]]]]
    seconds: list[tuple[Key, float]]
    estimates: dict[str, float]
    accepted: list[tuple[Key, int]]
    left_out: list[Key]
    notes: list[str]


@dataclass
class Record:
    """What is known so far, in a file that is written whole after every step, so that a killed search goes on.

    Attributes:
        path: The file.
        predicted: Predicted labels by (sampler, target, arm), shape (seeds, n).
        seconds: Time spent on each of these, by the same key, and on the rest, such as (sampler, "fit"); what was
            interrupted counts, unless the process was killed outright.
        estimates: Seconds that a whole fit is thought to take, by sampler.
        accepted: Number of samples that passed the check, by sampler and target.
        left_out: Samplers, and pairs of sampler and target, that are not tried any further.
        notes: Sentences for the reader.
    """

    path: Path
    predicted: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict)
    seconds: dict[tuple[str, ...], float] = field(default_factory=dict)
    estimates: dict[str, float] = field(default_factory=dict)
    accepted: dict[tuple[str, ...], int] = field(default_factory=dict)
    left_out: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @staticmethod
    def open(path: Path) -> Record:
        """Read the file, if there is one."""
        if not path.exists():
            return Record(path)
        found: Found = read_json(path, Found, "the record of a search", MAKE_AGAIN)
        predicted = {key: np.array(labels) for key, labels in found["predicted"]}
        seconds, accepted = dict(found["seconds"]), dict(found["accepted"])
        return Record(path, predicted, seconds, found["estimates"], accepted, found["left_out"], found["notes"])

    def save(self) -> None:
        """Write the file."""
        fields = {
            "predicted": [(key, labels.tolist()) for key, labels in self.predicted.items()],
            "seconds": list(self.seconds.items()),
            "estimates": self.estimates,
            "accepted": list(self.accepted.items()),
            "left_out": self.left_out,
            "notes": self.notes,
        }
        write_text(self.path, json.dumps(fields) + "\n")

    @contextmanager
    def counting(self, *keys: tuple[str, ...]) -> Iterator[None]:
        """Add the seconds that something takes, however it ends, to each key an equal share, and write the file."""
        start = perf_counter()
        try:
            yield
        finally:
            spent = (perf_counter() - start) / len(keys)
            self.seconds |= {key: self.seconds.get(key, 0.0) + spent for key in keys}
            self.save()

    def note(self, sentence: str) -> None:
        """Keep a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)
            self.save()

    def leave_out(self, what: tuple[str, ...], why: str = "") -> None:
        """Keep that a sampler, or a sampler with a target, is not tried any further."""
        self.left_out.append(what)
        self.notes += [why] * bool(why)
        self.save()
