"""RebalanceConfig: what a run is to make, where a kind of data says no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gensynth.mix.targets import check_target
from gensynth.rebalance.run import AUTO


@dataclass(frozen=True)
class RebalanceConfig:
    """What to make."""

    sampler: str = AUTO
    """auto chooses by cross-validation of the training examples, and may choose to do nothing; or the name of a
    sampler."""
    to: str | None = None
    """How far to fill: rare, classes with less than half the examples of the largest one, up to that one; balance, all
    classes; 5x, rare ones up to 5 times their real examples; 200, all up to that many; 0.29, all up to that share of
    the largest one. If not given, 5x; the sampler auto then tries several (see choose.targets)."""
    settings: dict[str, Any] | None = None
    """Settings of a named sampler."""
    sample_seed: int = 0
    """Seed of the samples."""

    def __post_init__(self) -> None:
        if self.to is not None:
            check_target(self.to)
        if self.sampler == AUTO and self.settings:
            raise ValueError("settings are those of a named sampler; name one, such as --sampler smote.")
