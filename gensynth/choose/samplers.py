"""choose_samplers: which sampler to fill the rare classes with, if any, where each is fitted anew on every split.

Rebalancing seldom ranks examples better than doing nothing, which is why doing nothing is in the race.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from sklearn.base import clone
from threadpoolctl import threadpool_limits

from gensynth.choose.choose import choose
from gensynth.choose.config import FoldsConfig
from gensynth.choose.results import Choice
from gensynth.choose.search import Source
from gensynth.data.labeled import LabeledData
from gensynth.data.words import counted
from gensynth.evaluate.intervals import FEWEST_TEST
from gensynth.evaluate.ways import REAL
from gensynth.kind import kinds
from gensynth.mix.targets import target_counts
from gensynth.sampler.base import Sampler


def choose_samplers(
    train: LabeledData,
    samplers: Sequence[str | Sampler] | None,
    config: FoldsConfig,
    folder: Path | None = None,
    quiet: bool = False,
) -> Choice:
    """Choose a way to treat the rare classes.

    Args:
        train: Real training examples.
        samplers: Their names, or samplers, which are copied and need no fit; None for those that the kind of data
            tries.
        config: How to choose.
        folder: As `gensynth.choose.choose.choose`.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).

    Raises:
        ValueError: if there is no such sampler, two share a name, or a class has fewer than 2 different examples.
    """
    kind = kinds()[train.kind]
    config = kind.suited(config, train)
    tried, notes = kind.tried(train) if samplers is None else (samplers, ())
    made = [kind.made(sampler, None) if isinstance(sampler, str) else sampler for sampler in tried]
    counts = train.class_counts
    rarest = min(counts, key=counts.__getitem__)
    if counts[rarest] < FEWEST_TEST:
        n = counted(counts[rarest], train.noun)
        why = f"Nothing is added: class {rarest!r} has {n}, too few to tell whether anything helps."
        return Choice("", "", REAL, "", REAL, {}, None, why, config.metric, (), 0, 0, train.noun, (), schema=3)
    targets = {to: target_counts(counts, to) for to in config.targets or _shares(counts)}
    targets = {to: adds for to, adds in targets.items() if any(adds.values())}
    sources = [Source(each.name, partial(_fitted, each), partial(each.seconds_to_fit, train)) for each in made]
    with threadpool_limits(config.threads):
        return choose(train, None, sources, targets, config, folder, notes, quiet)


def _fitted(sampler: Sampler, part: LabeledData) -> Sampler:
    fitted: Sampler = clone(sampler).fit(part)
    return fitted


def _shares(class_counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return two shares of the largest class on the way from the rarest one's to 1, in equal steps of the logarithm."""
    now = min(class_counts.values()) / max(class_counts.values())
    return tuple(f"{max(round(now**power, 4), 1e-4)}" for power in (2 / 3, 1 / 3))
