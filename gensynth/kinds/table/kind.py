"""TableKind: what tables say of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, final

from gensynth.kind import Kind
from gensynth.kinds.table.names import is_table, table_suffixes
from gensynth.sampler.saved import kind_of_saved

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from gensynth.choose.design import Design
    from gensynth.data.labeled import LabeledData
    from gensynth.data.split import Parts
    from gensynth.evaluate.classifier import Classifier
    from gensynth.evaluate.config import ArmsConfig
    from gensynth.fidelity.space import Space
    from gensynth.kinds.table.config import TableChooseConfig
    from gensynth.mix.files import Files
    from gensynth.report.contents import Contents
    from gensynth.report.markup import Html
    from gensynth.sampler.base import Sampler


@final
class TableKind(Kind):
    """Tables: a file of rows with a label column."""

    name: ClassVar[str] = "table"
    plural: ClassVar[str] = "tables"
    noun: ClassVar[str] = "row"
    sources: ClassVar[str] = f"a table's name ends in {', '.join(table_suffixes)}"
    configs: ClassVar[Mapping[str, str]] = {
        "ReadConfig": "gensynth.kinds.table.config.TableConfig",
        "FilesConfig": "gensynth.kinds.table.config.FrameConfig",
        "CheckConfig": "gensynth.kinds.table.config.RowCheckConfig",
        "EvaluateConfig": "gensynth.kinds.table.config.TableEvaluateConfig",
    }
    commands: ClassVar[str] = "gensynth.kinds.table.commands"

    def claims(self, source: str) -> bool:
        """As `Kind.claims`."""
        return is_table(source) or kind_of_saved(source) in (self.name, "")

    def parts(self, source: str, config: Any) -> Parts:
        """As `Kind.parts`."""
        from gensynth.kinds.table.read import read_table_parts

        return read_table_parts(source, config)

    def against(self, source: str, holdout: str | None, config: Any) -> Parts:
        """As `Kind.against`."""
        from gensynth.data.split import Parts
        from gensynth.kinds.table.read import read_like, read_real_table, read_table_parts

        if holdout is None:
            return read_table_parts(source, config)
        reference = read_real_table(source, config)
        fresh = read_like(holdout, reference)
        return Parts(reference.noting(fresh.notes, holdout), fresh, fresh.subset([]))

    def files(self, config: Any = None) -> Files:
        """As `Kind.files`: one table."""
        from gensynth.kinds.table.files import FrameFiles

        return FrameFiles()

    def report(self, run: Path, data: str | None, test_data: str | None, download: bool) -> Path:
        """As `Kind.report`."""
        from gensynth.kinds.table.rebalance import report_table

        return report_table(run, data, test_data).report

    def samplers(self) -> Sequence[str]:
        """As `Kind.samplers`."""
        from gensynth.generator.registry import generator_names  # imports torch
        from gensynth.kinds.table.samplers.catalog import table_sampler_names

        return (*table_sampler_names(), *generator_names(self.name))

    def made(self, sampler: str, settings: dict[str, Any] | None) -> Any:
        """As `Kind.made`."""
        from gensynth.kinds.table.samplers.catalog import made_sampler

        return made_sampler(sampler, settings)

    def classifiers(self, train: LabeledData, config: ArmsConfig, own: Any = None) -> Sequence[Classifier]:
        """As `Kind.classifiers`: boosted trees, a random forest and logistic regression; `own` is not taken."""
        from gensynth.kinds.table.classifiers import table_classifiers
        from gensynth.kinds.table.config import TableEvaluateConfig

        if not isinstance(config, TableEvaluateConfig) or own is not None:
            wrong = "a classifier of your own" if own is not None else type(config).__name__
            raise TypeError(f"tables are tested by the models that TableEvaluateConfig names, got {wrong}.")
        return table_classifiers(train, config.models, config.seed, config.folds, config.threads)

    def design(self, train: LabeledData, validation: LabeledData | None, config: TableChooseConfig) -> Design:
        """As `Kind.design`: cross-validation of the training rows, for there are seldom enough to hold out."""
        from gensynth.choose.choose import TUNED
        from gensynth.choose.designs import CrossValidation
        from gensynth.evaluate.folds import Folds
        from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
        from gensynth.kinds.table.classifiers import table_classifiers

        folds = Folds(train, config.folds, config.repeats, config.seed)
        classifiers = table_classifiers(train, config.models, config.seed, 0, config.threads)
        # A threshold changes no rank: where ranks count it is no way of its own.
        ways = (REAL, THRESHOLD, WEIGHTS) if config.metric == TUNED else (REAL, WEIGHTS)
        return CrossValidation(folds, classifiers, ways, (REAL,))

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
