"""EvaluateConfig: how synthetic images are tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.ways import AUGMENTED, MIXUP, OVERSAMPLED, REAL, WEIGHTS

PASSES, FEWEST_STEPS, MOST_STEPS = 7, 300, 3000
"""On 9,000 images (MNIST, Fashion-MNIST, 4,000 to 40 a class) 300 steps leave ten points that 1,000 learn, and class
weights look better there than augmentation, which beats them in the end."""


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
