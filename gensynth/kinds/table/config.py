"""How rows are made, how the way to make them is chosen, and how they are tested: the settings of runs for tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gensynth.choose.config import ChooseConfig
from gensynth.data.split import check_split
from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.mix.targets import check_target

AUTO = "auto"
REPEATS = "random"
"""The sampler that only repeats real rows: weighing the classes does the same, and the gate rejects copies."""
METRICS = ("average_precision", "roc_auc", "balanced_accuracy_tuned")
"""What a verdict or a choice may rest on."""
MODELS = ("boosting", "forest", "logistic")
"""HistGradientBoosting, random forest and logistic regression, with scikit-learn's settings."""
LEAST = {"folds": 2, "most_rows": 100, "threads": 1}


@dataclass(frozen=True)
class TableConfig:
    """How a real table is read and split."""

    target: str | None = None
    """Name of the label column; only builtin tables know theirs."""
    schema: str | None = None
    """A schema.json that says what the columns are, which bounds hold, and what rules every row obeys."""
    keep: dict[str | int, int] | None = None
    """Cuts the training part of a class to this many rows, to imitate a rare class: {NAME: N}."""
    test_data: str | None = None
    """A second table whose rows are the test part. By default a part of the first one."""
    test: float = 0.25
    """Share of each class that is held out for the test, between 0 and 1."""
    validation: float = 0.1
    """Share of each class that is held out to measure what the checks cost real rows, between 0 and 1."""
    split_seed: int = 0
    """Seed of the split: the same seed gives the same parts."""
    group: str | None = None
    """Column that says what a row belongs to (a patient, a device): a group stays in one part and one fold, and is
    resampled as a whole. Nothing is learned from it, and new rows have no value there."""

    def __post_init__(self) -> None:
        check_split(self.test, self.validation, self.split_seed, self.keep, "row")


@dataclass(frozen=True)
class FrameConfig:
    """How a table is written: there is nothing to choose."""


@dataclass(frozen=True)
class RowCheckConfig:
    """What rows are compared in: there is nothing to choose."""


@dataclass(frozen=True)
class TableRebalanceConfig:
    """What to make."""

    sampler: str = AUTO
    """auto chooses by cross-validation of the training rows, and may choose to do nothing; or the name of a sampler."""
    to: str | None = None
    """How far to fill: rare, classes with less than half the rows of the largest one, up to that one; balance, all
    classes; 5x, rare ones up to 5 times their real rows; 200, all up to that many; 0.29, all up to that share of the
    largest one. If not given, 5x; the sampler auto then tries several (see choose.targets)."""
    settings: dict[str, Any] | None = None
    """Settings of a named sampler, such as {"k_neighbors": 3} or {"variant": "borderline"} for smote."""
    sample_seed: int = 0
    """Seed of the samples."""

    def __post_init__(self) -> None:
        if self.to is not None:
            check_target(self.to)
        if self.sampler == AUTO and self.settings:
            raise ValueError("settings are those of a named sampler; name one, such as --sampler smote.")
        if self.sampler == REPEATS:
            raise ValueError(
                "the sampler 'random' repeats real rows, which the fidelity gate rejects as copies; give your model "
                "class weights instead, which do the same, or name another sampler."
            )
        if self.sampler != AUTO:
            from gensynth.kinds.table.samplers.catalog import (
                made_sampler,  # with pandas, which settings alone do without
            )

            made_sampler(self.sampler, self.settings)


@dataclass(frozen=True)
class TableChooseConfig(ChooseConfig):
    """How the choice is made."""

    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: str = "average_precision"
    """What counts: average_precision, roc_auc or balanced_accuracy_tuned."""
    models: tuple[str, ...] = ("boosting",)
    """Classifiers whose mean score counts: boosting, forest, logistic."""
    folds: int = 5
    """Folds of one cross-validation; fewer where the rarest class has fewer rows."""
    repeats: int = 3
    """Times that it is repeated with other folds."""
    most_rows: int = 20_000
    """Of larger tables this many rows are used, drawn by class."""
    threads: int = 1
    """Threads of the libraries that train."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_config(self, {"repeats": 1})

    @property
    def most(self) -> int:
        """As `ChooseConfig.most`."""
        return self.most_rows


@dataclass(frozen=True)
class TableEvaluateConfig(ArmsConfig):
    """How synthetic rows are tested."""

    ways: ClassVar[tuple[str, ...]] = (REAL, WEIGHTS, THRESHOLD)
    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: str = "average_precision"
    """What the verdict rests on: average_precision, roc_auc or balanced_accuracy_tuned."""
    arms: tuple[str, ...] = (*ways, "real + synthetic")
    """Ways to train, separated by commas: real, class weights, threshold, and each of these followed by ' + synthetic'
    or ' + ungated'."""
    models: tuple[str, ...] = MODELS
    """Classifiers: boosting, forest, logistic."""
    folds: int = 5
    """Folds of the cross-validation of the training rows that tunes the threshold."""
    most_rows: int = 20_000
    """Of larger training and test parts this many rows are used, drawn by class, and of the synthetic rows the same
    share as of the training rows."""
    threads: int = 1
    """Threads of the libraries that train; a forest takes all cores, and its answer is the same."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_config(self, {})

    @property
    def most(self) -> int:
        """As `ArmsConfig.most`."""
        return self.most_rows


def check_config(config: Any, least: Mapping[str, float]) -> None:
    """Raise ValueError unless models and numbers of a config are allowed; `least` adds to `LEAST`."""
    if not config.models or not set(config.models) <= set(MODELS):
        raise ValueError(f"models must be some of {', '.join(MODELS)}, got {', '.join(config.models) or 'none'}.")
    for name, low in (LEAST | dict(least)).items():
        if getattr(config, name) < low:
            raise ValueError(f"{name} must be at least {low}, got {getattr(config, name)}.")
