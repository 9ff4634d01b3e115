"""What tables add to a run: what the columns are, and how long a large fit takes.

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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from sklearn.base import clone

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import some_of
from gensynth.kinds.table.config import TableConfig
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.rebalance.run import SCHEMA
from gensynth.rebalance.saved import SavedJob, SavedRun

LARGE, TRIED = 200_000, 10_000
"""Training rows from which on a fit is announced, and rows of them that its time is estimated from."""


@final
class TableRunFiles(SavedRun):
    """A table beside the folder, and a sampler that draws its rows again."""

    @staticmethod
    def data_config(settings: Any, folder: Path, download: bool) -> TableConfig:  # noqa: ARG004
        """As `RunFiles.data_config`: a schema may have been moved, too, and the run has a copy."""
        config: TableConfig = settings["data"]
        return config if config.schema is None else replace(config, schema=str(folder / SCHEMA))

    @property
    def notes(self) -> Sequence[str]:
        """As `RunFiles.notes`: by class, the share of drawn rows that broke a rule of the schema."""
        broke = self.sampler.rejected_ if isinstance(self.sampler, TableSampler) else {}
        says = "{:.1%} of the rows of {!r} broke a rule and were drawn again."
        return [says.format(share, name) for name, share in broke.items() if share]


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class TableJob(SavedJob):
    """A run of a sampler of rows."""

    def begin(self) -> None:
        """As `Job.begin`: the schema."""
        rows_of(self.files.parts.train).schema.save(self.files.folder / SCHEMA)

    def fit(self, sampler: TableSampler) -> TableSampler:
        """As `SavedJob.fit`; what takes long is announced."""
        train = self.files.parts.train
        if len(train) >= LARGE:
            _announce(sampler, train)
        return sampler.fit(train)


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
