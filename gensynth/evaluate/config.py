"""EvaluateConfig: how synthetic images are tested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gensynth.evaluate.ways import ARMS, MADE, WAYS

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
