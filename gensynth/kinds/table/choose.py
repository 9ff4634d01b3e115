"""choose_rows: which way to treat the rare classes of a table, if any, among samplers of rows.

Rebalancing seldom ranks rows better than doing nothing, which is why doing nothing is in the race.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from sklearn.base import clone
from threadpoolctl import threadpool_limits

from gensynth.choose.choose import choose
from gensynth.choose.results import Choice
from gensynth.choose.search import Source
from gensynth.data.labeled import LabeledData
from gensynth.data.words import counted
from gensynth.evaluate.intervals import FEWEST_TEST
from gensynth.evaluate.ways import REAL
from gensynth.kinds.table.config import TableChooseConfig
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.catalog import get_table_sampler
from gensynth.mix.targets import target_counts
from gensynth.sampler.base import Sampler


def choose_rows(
    train: LabeledData,
    samplers: Sequence[str | Sampler],
    config: TableChooseConfig,
    folder: Path | None = None,
    quiet: bool = False,
) -> Choice:
    """Choose a way to treat the rare classes.

    Args:
        train: Real training rows.
        samplers: Names out of `gensynth.kinds.table.samplers.catalog`, or samplers, which are copied and need no fit.
        config: How to choose.
        folder: As `gensynth.choose.choose.choose`.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).

    Raises:
        ValueError: if `train` is no table, a class has fewer than 2 different rows, or two samplers share a name.
    """
    width, counts = len(rows_of(train).schema.columns), train.class_counts
    made = [get_table_sampler(s)() if isinstance(s, str) else s for s in samplers]
    wide = [s.name for s in made if isinstance(s, TableSampler) and width > s.widest]
    rarest = min(counts, key=counts.__getitem__)
    if counts[rarest] < FEWEST_TEST:
        n = counted(counts[rarest], "row")
        why = f"Nothing is added: class {rarest!r} has {n}, too few to tell whether anything helps."
        return Choice("", "", REAL, REAL, {}, None, why, config.metric, (), 0, 0, train.noun, (), schema=2)
    targets = {to: target_counts(counts, to) for to in config.targets or _shares(counts)}
    targets = {to: adds for to, adds in targets.items() if any(adds.values())}
    sources = [Source(s.name, partial(_fitted, s)) for s in made if s.name not in wide]
    notes = tuple(f"{name} is left out: it is too slow for {width} columns." for name in wide)
    with threadpool_limits(config.threads):
        return choose(train, None, sources, targets, config, folder, notes, quiet)


def _fitted(sampler: Sampler, part: LabeledData) -> Sampler:
    fitted: Sampler = clone(sampler).fit(part)
    return fitted


def _shares(class_counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return two shares of the largest class on the way from the rarest one's to 1, in equal steps of the logarithm."""
    now = min(class_counts.values()) / max(class_counts.values())
    return tuple(f"{max(round(now**power, 4), 1e-4)}" for power in (2 / 3, 1 / 3))
