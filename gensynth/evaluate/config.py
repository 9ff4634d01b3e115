"""ArmsConfig: how synthetic examples are tested, what the settings of all kinds of data share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from gensynth.data.words import did_you_mean
from gensynth.evaluate.ways import REAL, SYNTHETIC, WEIGHTS, added_to, arms_of


@dataclass(frozen=True)
class ArmsConfig:
    """How synthetic examples are tested, whatever their kind."""

    ways: ClassVar[tuple[str, ...]]
    """The ways to train that the kind of data knows, the simplest first."""
    metrics: ClassVar[tuple[str, ...]]
    """What a verdict may rest on."""

    metric: str = ""
    """What the verdict rests on."""
    arms: tuple[str, ...] = ()
    """Ways to train, with and without synthetic examples, see `gensynth.evaluate.ways`."""
    seed: int = 0
    """Seed of all that is drawn: the same seed gives the same answer."""
    rope: float = 0.01
    """Differences in the metric up to this one count as none, between 0 and 1; 0.01 is one point."""

    def __post_init__(self) -> None:
        allowed = arms_of(self.ways)
        made = [name for name in allowed if added_to(name) == SYNTHETIC]
        if self.metric not in self.metrics:
            raise ValueError(f"metric {self.metric!r} is unknown; allowed: {', '.join(self.metrics)}.")
        if unknown := [name for name in self.arms if name not in allowed]:
            raise ValueError(f"arms {', '.join(map(repr, unknown))} are unknown; allowed: {', '.join(allowed)}.")
        for needed, why in ((self.ways, "to compare synthetic examples with"), (made, "to compare")):
            if not any(name in needed for name in self.arms):
                raise ValueError(f"arms must name at least one of {', '.join(needed)}, {why}; got {self.arms}.")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}.")
        if not 0 <= self.rope < 1:
            raise ValueError(f"rope must be at least 0 and less than 1, got {self.rope}.")

    @property
    def most(self) -> int | None:
        """Of larger parts this many examples are used, drawn by class; None for all of them."""
        return None


@dataclass(frozen=True)
class LinearConfig(ArmsConfig):
    """How synthetic examples are tested, by logistic regression."""

    ways: ClassVar[tuple[str, ...]] = (REAL, WEIGHTS)
    metrics: ClassVar[tuple[str, ...]] = ("average_precision", "roc_auc", "balanced_accuracy")

    metric: str = "average_precision"
    """What the verdict rests on: average_precision, roc_auc or balanced_accuracy."""
    arms: tuple[str, ...] = (*ways, "real + synthetic", "class weights + synthetic")
    """Ways to train, separated by commas: real, class weights, and each of these followed by ' + synthetic' or
    ' + ungated'."""


def check_classifiers(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise ValueError unless all classifiers that settings name are known to the kind of data."""
    if wrong := [name for name in names if name not in known]:
        raise ValueError(
            f"unknown classifiers {', '.join(map(repr, wrong))}; known: {', '.join(known)}."
            f"{did_you_mean(wrong[0], known)}"
        )
