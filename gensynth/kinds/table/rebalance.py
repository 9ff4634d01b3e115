"""What tables add to a run: what draws rows, and how it is fitted and kept.

A run writes the table and NAME.metadata.csv, with a line for each of its rows, and beside them the folder NAME.run. In
it there are, beside what all kinds keep (`gensynth.rebalance.rebalance`):

    schema.json       what the columns are; edit a copy and give it with --schema
    NAME.sampler      what the sampler has learned
    rejected.csv      the rows that were rejected, and why

Accepted rows are not kept: sample i is a function of (sampler, seed, label, i), so they are drawn again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, TypedDict, final

from sklearn.base import clone

from gensynth.choose.results import Choice
from gensynth.data.labeled import LabeledData
from gensynth.data.words import some_counts
from gensynth.evaluate.evaluate import some_of
from gensynth.fidelity.verdict import SampleVerdicts, Verdict
from gensynth.kinds.table.choose import choose_rows
from gensynth.kinds.table.config import (
    REPEATS,
    TableChooseConfig,
    TableConfig,
    TableEvaluateConfig,
    TableRebalanceConfig,
)
from gensynth.kinds.table.files import FrameFiles
from gensynth.kinds.table.read import read_table_parts
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.catalog import load_sampler, made_sampler, table_sampler_names
from gensynth.kinds.table.tables import check_format, suffix_of
from gensynth.mix.mix import write_synthetic
from gensynth.mix.targets import target_counts
from gensynth.rebalance.job import Job, RunFiles
from gensynth.rebalance.run import AUTO, RECORD, SCHEMA, absolute
from gensynth.sampler import SAMPLER
from gensynth.sampler.synthetic import Synthetic

LARGE, TRIED = 200_000, 10_000
"""Training rows from which on a fit is announced, and rows of them that its time is estimated from."""


class Settings(TypedDict):
    """What `RunFiles.Settings` is for tables."""

    kind: Literal["table"]
    source: str
    out: str
    rebalance: TableRebalanceConfig
    data: TableConfig
    choose: dict[str, Any]
    evaluate: dict[str, Any]
    fingerprint: str


@final
class TableRunFiles(RunFiles):
    """A table beside the folder, and a sampler that draws its rows again."""

    Settings: ClassVar[Any] = Settings
    usual: ClassVar[str] = "5x"
    always: ClassVar[bool] = True

    @staticmethod
    def data_config(settings: Settings, folder: Path, download: bool) -> TableConfig:  # noqa: ARG004
        """As `RunFiles.data_config`: a schema may have been moved, too, and the run has a copy."""
        config = settings["data"]
        return config if config.schema is None else replace(config, schema=str(folder / SCHEMA))

    @property
    def data_set(self) -> Path:
        """As `RunFiles.data_set`: beside the folder, wherever both lie now."""
        ending = self.settings["out"][-len(suffix_of(self.settings["out"])) :]
        folder = self.folder.resolve()
        return folder.with_name(folder.name.removesuffix(".run") + ending)

    def keep(self, synthetic: Synthetic, samples: SampleVerdicts) -> None:
        """As `RunFiles.keep`: the rejected ones."""
        bad = ~samples.accepted
        if bad.any():
            write_synthetic(synthetic.subset(bad), samples.subset(bad), self.folder / "rejected.csv", FrameFiles())

    def read(self, verdict: Verdict) -> Synthetic:
        """As `RunFiles.read`."""
        assert self.sampler is not None
        seed = self.settings["rebalance"].sample_seed
        drawn = [self.sampler.sample(c.label, c.n_synthetic, seed) for c in verdict.classes]
        return Synthetic.concat(drawn).relabel(self.parts.train.classes)

    @cached_property
    def sampler(self) -> TableSampler | None:
        """What draws the rows; None where nothing does."""
        return next(map(load_sampler, self.folder.glob(f"*{SAMPLER}")), None)

    @property
    def provenance(self) -> Mapping[str, str]:
        """As `RunFiles.provenance`."""
        settings = self.settings["rebalance"].settings
        return {"sampler": self.sampler.name if self.sampler else "none", "settings": str(settings or "defaults")}

    @property
    def history(self) -> dict[str, dict[str, list[float]]]:
        """As `RunFiles.history`."""
        return getattr(self.sampler, "history_", {})

    @property
    def notes(self) -> Sequence[str]:
        """As `RunFiles.notes`: by class, the share of drawn rows that broke a rule of the schema."""
        broke = self.sampler.rejected_ if self.sampler else {}
        says = "{:.1%} of the rows of {!r} broke a rule and were drawn again."
        return [says.format(share, name) for name, share in broke.items() if share]


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class TableJob(Job):
    """See `table_job`."""

    config: TableRebalanceConfig
    choose_config: TableChooseConfig

    def begin(self) -> None:
        """As `Job.begin`: the schema."""
        rows_of(self.files.parts.train).schema.save(self.files.folder / SCHEMA)

    def choose(self) -> Choice:
        """As `Job.choose`, among all samplers but the one that only repeats rows."""
        config = self.choose_config
        if self.config.to is not None:
            config = replace(config, targets=(self.config.to,))
        samplers = [name for name in table_sampler_names() if name != REPEATS]
        return choose_rows(self.files.parts.train, samplers, config, self.files.folder, self.quiet)

    def fitted(self, sampler: str) -> TableSampler:
        """As `Job.fitted`."""
        path, train = self.files.folder / f"{sampler}{SAMPLER}", self.files.parts.train
        if not path.exists():
            made = made_sampler(sampler, self.config.settings)
            if len(train) >= LARGE:
                _announce(made, train)
            made.fit(train).save(path)
        return load_sampler(path)


def table_job(
    source: str,
    out: Path,
    config: TableRebalanceConfig,
    data_config: TableConfig,
    choose_config: TableChooseConfig,
    evaluate_config: TableEvaluateConfig,
    quiet: bool = False,
) -> TableJob:
    """Return the run that was asked for.

    The arguments are those of the verb, `gensynth.kinds.table.commands.rebalance`.

    Raises:
        ValueError: if the data or settings do not allow it, or `out` is something else.
    """
    check_format(out)
    folder, parts = run_folder(out), read_table_parts(source, data_config)
    settings = Settings(
        kind="table",
        source=str(absolute(source)),
        out=str(out.resolve()),
        rebalance=config,
        data=replace(data_config, test_data=absolute(data_config.test_data), schema=absolute(data_config.schema)),
        choose=asdict(choose_config),
        evaluate=asdict(evaluate_config),
        fingerprint=parts.fingerprint,
    )
    adds = _wanted(config, choose_config, parts.train.class_counts)
    if not (folder / RECORD).exists():
        FrameFiles().refuse_existing(out)
    return TableJob(
        files=TableRunFiles(folder, parts, settings),
        evaluate=evaluate_config,
        quiet=quiet,
        config=config,
        choose_config=choose_config,
        adds=adds,
    )


def _wanted(config: TableRebalanceConfig, choose_config: TableChooseConfig, counts: dict[str, int]) -> dict[str, int]:
    """Return how many rows of each class are to be added; none where several targets are tried.

    Raises:
        ValueError: if the target adds nothing, or there is one too many.
    """
    if config.to is not None and choose_config.targets:
        raise ValueError("--to names one target and --choose.targets several; give one of the two.")
    to = config.to or (None if config.sampler == AUTO else TableRunFiles.usual)
    if to is None:
        return {}
    adds = {name: n for name, n in target_counts(counts, to).items() if n}
    if not adds:
        raise ValueError(
            f"to={to!r} adds nothing to {some_counts(counts)}; give more, such as 'balance' or a number of rows."
        )
    return adds


def run_folder(out: Path) -> Path:
    """Return the folder of the run that writes a table: `balanced.csv` -> `balanced.run`."""
    return out.with_name(f"{out.name[: -len(suffix_of(out))]}.run")


def _announce(sampler: TableSampler, train: LabeledData) -> None:
    """Say what a fit takes at most, estimated from a small part of the rows."""
    part = train.subset(some_of(train, TRIED, 0))
    start = time.perf_counter()
    clone(sampler).fit(part)
    seconds = (time.perf_counter() - start) * len(train) / len(part)
    frame = rows_of(train).frame
    megabytes = frame.memory_usage(deep=True).sum() / 1e6
    print(
        f"{len(train)} rows x {len(frame.columns)} columns take {megabytes:.0f} MB; fitting {sampler.name!r} "
        f"takes at most about {seconds:.0f} seconds and a few times that memory",
        file=sys.stderr,
    )
