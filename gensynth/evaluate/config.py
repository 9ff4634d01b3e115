"""How synthetic examples are tested: what the settings of all kinds of data share, and those of networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gensynth.evaluate.ways import AUGMENTED, MIXUP, OVERSAMPLED, REAL, SYNTHETIC, WEIGHTS, added_to, arms_of

PASSES, FEWEST_STEPS, MOST_STEPS = 7, 300, 3000
"""On 9,000 images (MNIST, Fashion-MNIST, 4,000 to 40 a class) 300 steps leave ten points that 1,000 learn, and class
weights look better there than augmentation, which beats them in the end."""


@dataclass(frozen=True)
class ArmsConfig:
    """What the settings of all kinds of data share."""

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


@dataclass(frozen=True)
class EvaluateConfig(ArmsConfig):
    """How synthetic images are tested, by small networks."""

    ways: ClassVar[tuple[str, ...]] = (REAL, WEIGHTS, OVERSAMPLED, AUGMENTED, MIXUP)
    metrics: ClassVar[tuple[str, ...]] = ("balanced_accuracy", "macro_f1", "average_precision")

    metric: str = "balanced_accuracy"
    """What the verdict rests on: balanced_accuracy, macro_f1 or average_precision."""
    arms: tuple[str, ...] = (*ways[:4], "oversampled + synthetic", "augmented + synthetic")
    """Ways to train, separated by commas: real, class weights, oversampled, augmented, mixup, each of these followed by
    ' + synthetic' or ' + ungated' (as many, whatever the gate says), and synthetic only."""
    seeds: int = 5
    """Classifiers trained per arm, each from its own seed, at least 2."""
    steps: int | None = None
    """Gradient steps per network, at least 10; by default seven passes over the real training images, but 300 at least
    and 3,000 at most."""
    batch_size: int = 64
    """Images per gradient step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("seeds", 2), ("steps", 10), ("batch_size", 2)):
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}.")

    def steps_for(self, n: int) -> int:
        """Return the gradient steps where there are n real training images."""
        return self.steps or min(max(PASSES * n // self.batch_size, FEWEST_STEPS), MOST_STEPS)

    @property
    def network_seeds(self) -> list[int]:
        """One seed per network."""
        return [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(self.seed).spawn(self.seeds)]
