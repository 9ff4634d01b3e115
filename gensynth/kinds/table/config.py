"""How rows are made, how the way to make them is chosen, and how they are tested: the settings of runs for tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gensynth.choose.config import FoldsConfig
from gensynth.data.split import SplitConfig
from gensynth.evaluate.config import ArmsConfig, check_classifiers
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.rebalance.config import RebalanceConfig
from gensynth.rebalance.run import AUTO

REPEATS = "random"
"""The sampler that only repeats real rows: weighing the classes does the same, and the gate rejects copies."""
METRICS = ("average_precision", "roc_auc", "balanced_accuracy_tuned")
"""What a verdict or a choice may rest on."""
CLASSIFIERS = BOOSTING, LOGISTIC, FOREST, LIGHTGBM, CATBOOST = (
    "boosting",
    "logistic",
    "forest",
    "lightgbm",
    "catboost",
)
"""Models of rows; the last two are packages of their own."""
LEAST = {"folds": 2, "most_rows": 100, "threads": 1}


@dataclass(frozen=True)
class TableConfig(SplitConfig):
    """How a real table is read and split."""

    noun: ClassVar[str] = "row"
    paths: ClassVar[tuple[str, ...]] = ("test_data", "schema")
    needs_target: ClassVar[bool] = True
    """Whether a label column has to be named where nothing else tells it."""

    target: str | None = None
    """Name of the label column; only builtin tables know theirs."""
    schema: str | None = None
    """A schema.json that says what the columns are, which bounds hold, and what rules every row obeys."""


@dataclass(frozen=True)
class WholeTableConfig(TableConfig):
    """How a real table is read and split of which a whole synthetic one is made."""

    needs_target: ClassVar[bool] = False

    target: str | None = None
    """Name of the label column, whose classes are drawn in their shares or as --counts says; without one the table has
    no classes."""


@dataclass(frozen=True)
class TableRebalanceConfig(RebalanceConfig):
    """What to make."""

    settings: dict[str, Any] | None = None
    """Settings of a named sampler, such as {"k_neighbors": 3} or {"variant": "borderline"} for smote."""

    def __post_init__(self) -> None:
        super().__post_init__()
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
class TableChooseConfig(FoldsConfig):
    """How the choice is made."""

    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: str = "average_precision"
    """What counts: average_precision, roc_auc or balanced_accuracy_tuned."""
    classifiers: tuple[str, ...] = (BOOSTING, LOGISTIC)
    """Classifiers, separated by commas, each with and without synthetic rows in the race: boosting, logistic, forest,
    lightgbm, catboost."""
    most_rows: int = 20_000
    """Of larger tables this many rows are used, drawn by class."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_config(self)

    @property
    def most(self) -> int:
        """As `ChooseConfig.most`."""
        return self.most_rows


@dataclass(frozen=True)
class TableEvaluateConfig(ArmsConfig):
    """How synthetic rows are tested."""

    ways: ClassVar[tuple[str, ...]] = (REAL, THRESHOLD, WEIGHTS)
    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: str = "average_precision"
    """What the verdict rests on: average_precision, roc_auc or balanced_accuracy_tuned."""
    arms: tuple[str, ...] = (*ways, "real + synthetic")
    """Ways to train, separated by commas: real, threshold, class weights, and each of these followed by ' + synthetic'
    or ' + ungated'."""
    classifiers: tuple[str, ...] = (BOOSTING, LOGISTIC, FOREST)
    """Classifiers, separated by commas: boosting, logistic, forest, lightgbm, catboost."""
    folds: int = 5
    """Folds of the cross-validation of the training rows that tunes the threshold."""
    most_rows: int = 20_000
    """Of larger training and test parts this many rows are used, drawn by class, and of the synthetic rows the same
    share as of the training rows."""
    threads: int = 1
    """Threads of the libraries that train; a forest takes all cores, and its answer is the same."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_config(self)

    @property
    def most(self) -> int:
        """As `ArmsConfig.most`."""
        return self.most_rows


def check_config(config: Any) -> None:
    """Raise ValueError unless classifiers and numbers of a config are allowed."""
    check_classifiers(config.classifiers, CLASSIFIERS)
    if not config.classifiers:
        raise ValueError(f"classifiers names none; name some of {', '.join(CLASSIFIERS)}.")
    for name, low in LEAST.items():
        if getattr(config, name) < low:
            raise ValueError(f"{name} must be at least {low}, got {getattr(config, name)}.")
