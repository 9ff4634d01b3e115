"""TableKind: what tables say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, final

from gensynth.data.frames import SUFFIXES
from gensynth.kinds.plain import PlainKind
from gensynth.kinds.table.names import is_table
from gensynth.sampler.saved import kind_of_saved

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from gensynth.data.labeled import LabeledData
    from gensynth.data.split import Parts
    from gensynth.evaluate.classifier import Classifier
    from gensynth.fidelity.space import Space
    from gensynth.mix.files import Files
    from gensynth.rebalance.job import Asked, Job, RunFiles
    from gensynth.report.contents import Contents
    from gensynth.report.markup import Html
    from gensynth.sampler.base import Sampler
    from gensynth.sampler.synthetic import Synthetic


@final
class TableKind(PlainKind):
    """Tables: a file of rows with a label column."""

    name: ClassVar[str] = "table"
    plural: ClassVar[str] = "tables"
    noun: ClassVar[str] = "row"
    sources: ClassVar[str] = f"a table's name ends in {', '.join(SUFFIXES)} (.parquet may be a folder)"
    configs: ClassVar[Mapping[str, str]] = {
        "ReadConfig": "gensynth.kinds.table.config.TableConfig",
        "EvaluateConfig": "gensynth.kinds.table.config.TableEvaluateConfig",
        "ChooseConfig": "gensynth.kinds.table.config.TableChooseConfig",
        "RebalanceConfig": "gensynth.kinds.table.config.TableRebalanceConfig",
        "WholeConfig": "gensynth.kinds.table.config.WholeTableConfig",
    }
    commands: ClassVar[str] = "gensynth.kinds.table.commands"

    def claims(self, source: str) -> bool:
        """As `Kind.claims`."""
        return is_table(source) or kind_of_saved(source) in (self.name, "")

    def read(self, source: str, config: Any) -> LabeledData:
        """As `Kind.read`; what the columns are is told from all rows."""
        from gensynth.kinds.table.read import read_real_table

        return read_real_table(source, config)

    def read_like(self, source: str, like: LabeledData, config: Any) -> LabeledData:
        """As `Kind.read_like`, as the schema of `like` describes the columns."""
        from gensynth.kinds.table.read import read_like

        return read_like(source, like, config)

    def fitted(self, parts: Parts, config: Any) -> Parts:
        """As `Kind.fitted`: what columns may hold (bounds, levels, decimals), unless `config.schema` says it."""
        from gensynth.kinds.table.read import with_training_schema

        return with_training_schema(parts, config)

    def files(self, config: Any = None) -> Files:
        """As `Kind.files`: one table."""
        from gensynth.kinds.table.files import RowFiles

        return RowFiles()

    def run_files(self) -> type[RunFiles]:
        """As `Kind.run_files`."""
        from gensynth.kinds.table.rebalance import TableRunFiles

        return TableRunFiles

    def job(self, asked: Asked) -> Job:
        """As `Kind.job`."""
        from gensynth.kinds.table.rebalance import TableJob, TableRunFiles
        from gensynth.rebalance.saved import saved_job

        return saved_job(self, asked, TableRunFiles, TableJob)

    def samplers(self) -> Sequence[str]:
        """As `Kind.samplers`."""
        from gensynth.generator.registry import generator_names  # imports torch
        from gensynth.kinds.table.samplers.catalog import table_sampler_names

        return (*table_sampler_names(), *generator_names(self.name))

    def made(self, sampler: str, settings: dict[str, Any] | None) -> Any:
        """As `Kind.made`."""
        from gensynth.kinds.table.samplers.catalog import made_sampler

        return made_sampler(sampler, settings)

    def load(self, path: Path, config: Any = None) -> Sampler:
        """As `Kind.load`."""
        from gensynth.kinds.table.samplers.catalog import load_sampler

        return load_sampler(path)

    def tried(self, train: LabeledData) -> tuple[Sequence[Any], Sequence[str]]:
        """As `Kind.tried`: all but the one that only repeats rows, and those that are too slow for many columns."""
        from gensynth.kinds.table.config import REPEATS
        from gensynth.kinds.table.samplers.catalog import get_table_sampler, table_sampler_names
        from gensynth.sampler.base import suited

        return suited([get_table_sampler(name)() for name in table_sampler_names() if name != REPEATS], train)

    def suited(self, config: Any, train: LabeledData) -> Any:
        """As `Kind.suited`: where classes are ranges of a number, that is what is predicted."""
        from gensynth.kinds.table.config import of_a_number
        from gensynth.kinds.table.rows import rows_of

        return config if rows_of(train).schema.tail is None else of_a_number(config)

    def classifiers(self, train: LabeledData, config: Any, own: Any = None) -> Sequence[Classifier]:
        """As `Kind.classifiers`: the models that settings name; `own` is not taken."""
        from gensynth.kinds.table.classifiers import table_classifiers
        from gensynth.kinds.table.config import TableChooseConfig, TableEvaluateConfig

        if not isinstance(config, TableEvaluateConfig | TableChooseConfig) or own is not None:
            wrong = "a classifier of your own" if own is not None else type(config).__name__
            raise TypeError(f"tables are tested by the classifiers that TableEvaluateConfig names, got {wrong}.")
        return table_classifiers(train, config.classifiers, config.seed, config.folds, config.threads)

    def reference(self) -> Sampler:
        """As `Kind.reference`: SMOTE."""
        from gensynth.kinds.table.samplers.smote import TableSmote

        return TableSmote()

    def space(self, train: LabeledData, seed: int = 0) -> Space:
        """As `Kind.space`."""
        from gensynth.kinds.table.space import RowSpace

        return RowSpace(train, seed)

    def blind_space(self, everyone: LabeledData) -> Space:
        """As `Kind.blind_space`: what columns may hold was told from training rows, and is not used."""
        from gensynth.kinds.table.read import only_kinds
        from gensynth.kinds.table.rows import rows_of

        rows = rows_of(everyone)
        return self.space(replace(everyone, x=replace(rows, schema=only_kinds(rows.schema))))

    def as_one(self, train: LabeledData) -> Callable[[Any], Any]:
        """As `Kind.as_one`: the label is a column like all others."""
        from gensynth.kinds.table.whole import as_one

        return as_one(train)

    def matching(self, data: LabeledData | Synthetic, where: str) -> np.ndarray:
        """As `Kind.matching`: a row matches if the predicate holds and nothing in it is missing."""
        from gensynth.kinds.table.whole import matching

        return matching(data, where)

    def given(self, source: str, train: LabeledData) -> tuple[pd.DataFrame, Mapping[str, int]]:
        """As `Kind.given`: a table with some of the columns."""
        from gensynth.kinds.table.whole import given

        return given(source, train)

    def private(self, epsilon: float, delta: float, config: Any) -> Any:
        """As `Kind.private`: a tree of columns, learned from noisy counts; what the schema says counts as public."""
        from gensynth.kinds.table.whole import private

        return private(epsilon, delta, config)

    def levels(self, data: LabeledData, column: str) -> np.ndarray:
        """As `Kind.levels`."""
        from gensynth.kinds.table.whole import levels

        return levels(data, column)

    def look(self, contents: Contents) -> Html:
        """As `Kind.look`: columns, relations of columns and a map."""
        from gensynth.kinds.table.report.look import look

        return look(contents)

    def pictures(
        self, contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None = None
    ) -> Html:
        """As `Kind.pictures`: rows of one table."""
        from gensynth.kinds.table.report.look import pictures

        return pictures(contents, at, texts, real)

    def sections(self, contents: Contents) -> Sequence[tuple[str, str, Html]]:
        """As `Kind.sections`: columns and rules."""
        from gensynth.kinds.table.report.schema import columns

        return [("schema", "Columns", columns(contents))]
