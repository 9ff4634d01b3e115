"""TrainConfig: how to train, whatever the generator. Apart from what trains, which needs seconds to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SIDES = (8, 256)
"""Shortest and longest allowed side of the images that generators see, in pixels."""


@dataclass(frozen=True)
class DPConfig:
    """Differentially private training; `gensynth.generator.private` says what the bound covers."""

    epsilon: float = 8.0
    """The bound to keep: with and without one training image, any outcome is equally likely up to a factor e^epsilon.
    Smaller is stronger, and images are worse; 1 is strong, above 10 little is promised."""
    delta: float = 1e-5
    """What any probability may exceed that factor by; below 1 / (number of training images)."""
    clip: float = 1.0
    """Norm to which each image's gradient is cut."""

    def __post_init__(self) -> None:
        if min(self.epsilon, self.clip) <= 0 or not 0 < self.delta < 1:
            raise ValueError(
                f"dp.epsilon and dp.clip must be positive and dp.delta in (0, 1), got {self.epsilon}, {self.clip} and "
                f"{self.delta}."
            )


@dataclass(frozen=True)
class TrainConfig:
    """How to train, whatever the generator."""

    steps: int = 2000
    """Number of training steps."""
    batch_size: int = 64
    """Images per step, over all devices together."""
    seed: int = 0
    """Seeds weights, batches and noise."""
    balance: float = 0.5
    """Classes are drawn in proportion to (images of the class)^balance: 1 as they are, 0.5 square root, 0 equally."""
    save_every: int = 250
    """Steps between two saves that a killed run continues from."""
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    """Lightning's precision; `auto` is bf16-mixed where the hardware computes bf16 natively, else 32-true."""
    accelerator: str = "auto"
    """Lightning's accelerator: auto, cpu, gpu, ..."""
    devices: int = 1
    """Devices on each node."""
    num_nodes: int = 1
    """Number of nodes."""
    strategy: str = "auto"
    """Lightning's strategy: auto, ddp, ..."""
    dp: DPConfig | None = None
    """Train with a privacy bound: dp.epsilon, dp.delta, dp.clip. Only where the generator can, and never repeatable."""

    def __post_init__(self) -> None:
        if self.dp is not None and not isinstance(self.dp, DPConfig):  # from the command line, a namespace
            object.__setattr__(self, "dp", DPConfig(**vars(self.dp)))
        for name in ("steps", "batch_size", "save_every", "devices", "num_nodes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if self.batch_size % (self.devices * self.num_nodes):
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of devices x nodes = {self.devices * self.num_nodes}."
            )
        if not 0 <= self.balance <= 1:
            raise ValueError(f"balance must lie in [0, 1], got {self.balance}.")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}.")


class TrainingDiverged(RuntimeError):
    """A loss or a weight is no longer finite."""
