"""ChooseConfig: how the choice is made, what the settings of all kinds of data share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from gensynth.evaluate.ways import REAL
from gensynth.mix.targets import check_target

UNITS = {"s": 1, "m": 60, "h": 3600}


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
    budget: str = "5m"
    """Time, such as 90s, 20m or 2h: of samplers and classifiers the cheapest that fit are tried. Where others are left
    out, the choice depends on the machine, and a note says so."""
    seed: int = 0
    """Seed of all that is drawn."""

    @property
    def most(self) -> int | None:
        """Of a larger training part this many examples are used, drawn by class; None for all of them."""
        return None

    def __post_init__(self) -> None:
        if self.metric not in self.metrics:
            raise ValueError(f"metric {self.metric!r} is unknown; allowed: {', '.join(self.metrics)}.")
        for name in ("standard_errors", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}.")
        for to in self.targets:
            check_target(to)
        _ = self.seconds

    @property
    def seconds(self) -> float:
        """The budget in seconds; ValueError if it is no time."""
        form = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh])", self.budget)
        if not form or not float(form[1]):
            raise ValueError(
                f"budget {self.budget!r} is not a time; give a number above 0 with s, m or h: 90s, 20m, 2h."
            )
        return float(form[1]) * UNITS[form[2]]


@dataclass(frozen=True)
class FoldsConfig(ChooseConfig):
    """How the choice is made, by cross-validation."""

    metrics: ClassVar[tuple[str, ...]] = ("average_precision", "roc_auc", "balanced_accuracy")
    made: ClassVar[tuple[str, ...]] = (REAL,)
    """Ways to train with synthetic examples."""

    metric: str = "average_precision"
    """What counts: average_precision, roc_auc or balanced_accuracy."""
    folds: int = 5
    """Folds of one cross-validation; fewer where the rarest class has fewer examples."""
    repeats: int = 3
    """Times that it is repeated with other folds."""
    threads: int = 1
    """Threads of the libraries that train."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("folds", 2), ("repeats", 1), ("threads", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}.")
