"""How rows are made, how the way to make them is chosen, and how they are tested: the settings of runs for tables."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from gensynth.choose.config import FoldsConfig
from gensynth.data.settings import refuse_unused
from gensynth.data.split import SplitConfig
from gensynth.evaluate.config import ArmsConfig, check_classifiers
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.rebalance.config import RebalanceConfig
from gensynth.rebalance.run import AUTO

REPEATS = "random"
"""The sampler that only repeats real rows: weighing the classes does the same, and the gate rejects copies."""
METRICS = ("average_precision", "roc_auc", "balanced_accuracy_tuned")
"""What a verdict or a choice may rest on."""
TAIL_METRICS = ("balanced_skill",)
"""The same where a number is predicted."""
CLASSIFIERS = BOOSTING, LOGISTIC, FOREST, LIGHTGBM, CATBOOST = (
    "boosting",
    "logistic",
    "forest",
    "lightgbm",
    "catboost",
)
"""Models of rows; the last two are packages of their own."""
LARGEST_TAIL = 0.25
"""Share of the rows from which on the tail of a number is not rare."""
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
    rare: Literal["high", "low", "both"] | None = None
    """Takes the target for a number to be predicted, and its highest values, its lowest or both for a rare class, which
    is filled; each row, a synthetic one too, has its own number."""
    tail: float = 0.1
    """With rare: the share of the rows that are such values, on each side."""
    schema: str | None = None
    """A schema.json that says what the columns are, which bounds hold, and what rules every row obeys."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.tail < LARGEST_TAIL:
            raise ValueError(f"tail must lie between 0 and {LARGEST_TAIL}, got {self.tail}.")
        if self.rare is None:
            refuse_unused(self, ("tail",), "rare does not say of which side of a number")


@dataclass(frozen=True)
class WholeTableConfig(TableConfig):
    """How a real table is read and split of which a whole synthetic one is made."""

    needs_target: ClassVar[bool] = False

    target: str | None = None
    """Name of the label column, whose classes are drawn in their shares or as --counts says; without one the table has
    no classes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_unused(self, ("rare",), "a whole table has the real shares, its numbers included")


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
    """What counts: average_precision, roc_auc or balanced_accuracy_tuned; of a number (--rare) balanced skill does."""
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
    """What the verdict rests on: average_precision, roc_auc or balanced_accuracy_tuned; of a number (--rare) it is
    balanced skill."""
    arms: tuple[str, ...] = (*ways, "real + synthetic")
    """Ways to train, separated by commas: real, threshold (not of a number), class weights, and each of these followed
    by ' + synthetic' or ' + ungated'; if not given, of a number also class weights + synthetic."""
    classifiers: tuple[str, ...] = (BOOSTING, LOGISTIC, FOREST)
    """Classifiers, separated by commas: boosting, logistic, forest, lightgbm, catboost; of a number the regressors of
    these families, ridge regression for logistic."""
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


@dataclass(frozen=True)
class TailChooseConfig(TableChooseConfig):
    """How the choice is made where a number is predicted; weights move what is predicted, with synthetic rows, too."""

    metrics: ClassVar[tuple[str, ...]] = TAIL_METRICS
    made: ClassVar[tuple[str, ...]] = (REAL, WEIGHTS)

    metric: str = TAIL_METRICS[0]
    """What counts."""


@dataclass(frozen=True)
class TailEvaluateConfig(TableEvaluateConfig):
    """How synthetic rows are tested where a number is predicted; there is no threshold to move."""

    ways: ClassVar[tuple[str, ...]] = (REAL, WEIGHTS)
    metrics: ClassVar[tuple[str, ...]] = TAIL_METRICS

    metric: str = TAIL_METRICS[0]
    """What the verdict rests on."""
    arms: tuple[str, ...] = (*ways, "real + synthetic", "class weights + synthetic")
    """Ways to train."""


def of_a_number(config: TableChooseConfig | TableEvaluateConfig) -> TableChooseConfig | TableEvaluateConfig:
    """Return settings as they are where a number is predicted.

    Raises:
        ValueError: if a metric or a way of classes is asked for.
    """
    refuse_unused(config, ("metric",), f"what counts where a number is predicted is {TAIL_METRICS[0]}")
    cls = TailChooseConfig if isinstance(config, TableChooseConfig) else TailEvaluateConfig
    asked = {f.name: getattr(config, f.name) for f in fields(config)}
    return cls(**{f.name: asked[f.name] for f in fields(config) if asked[f.name] != f.default})


def check_config(config: Any) -> None:
    """Raise ValueError unless classifiers and numbers of a config are allowed."""
    check_classifiers(config.classifiers, CLASSIFIERS)
    if not config.classifiers:
        raise ValueError(f"classifiers names none; name some of {', '.join(CLASSIFIERS)}.")
    for name, low in LEAST.items():
        if getattr(config, name) < low:
            raise ValueError(f"{name} must be at least {low}, got {getattr(config, name)}.")
