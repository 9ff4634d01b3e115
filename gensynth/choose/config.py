"""ChooseConfig: how the choice is made, what the settings of all kinds of data share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gensynth.mix.targets import check_target


@dataclass(frozen=True)
class ChooseConfig:
    """How the choice is made."""

    metrics: ClassVar[tuple[str, ...]]
    """What a choice may rest on."""

    metric: str = ""
    """What counts."""
    targets: tuple[str, ...] = ()
    """How far samplers fill, each as `to` takes it, such as 0.1,0.5 or 5x,rare; none for those that suit the data."""
    standard_errors: float = 1.0
    """How far ahead of a simpler way another one has to be, in standard errors."""
    seconds: float = 300.0
    """What would take longer is not begun; slow samplers are left out. Where that happens, the choice depends on the
    machine, and a note says so."""
    seed: int = 0
    """Seed of all that is drawn."""

    @property
    def most(self) -> int | None:
        """Of a larger training part this many examples are used, drawn by class; None for all of them."""
        return None

    def __post_init__(self) -> None:
        if self.metric not in self.metrics:
            raise ValueError(f"metric {self.metric!r} is unknown; allowed: {', '.join(self.metrics)}.")
        for name in ("standard_errors", "seconds", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}.")
        for to in self.targets:
            check_target(to)
