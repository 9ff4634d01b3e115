"""SynthesizeConfig: what a whole synthetic data set is to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gensynth.data.settings import refuse_unused
from gensynth.mix.targets import check_counts
from gensynth.rebalance.run import AUTO


@dataclass(frozen=True)
class SynthesizeConfig:
    """What to make."""

    n: int | None = None
    """How many examples, the classes in their real shares; by default as many as there are real ones."""
    counts: dict[str | int, int] | None = None
    """How many of each class instead: NAME=N,NAME=N."""
    where: str | None = None
    """Only rows of a table for which this holds, such as "age >= 60 and region == 'north'": comparisons, + - * / %,
    and, or, not; names with blanks stand in backquotes. A row in which a named column is missing does not match. Rows
    are drawn until enough do."""
    given: str | None = None
    """A table with some of the columns, such as age and sex: one row is made for each of its rows, in their order,
    with these cells as they stand there. It has the label column, too, where --target names one."""
    sampler: str = AUTO
    """auto takes the sampler whose examples are hardest to tell from real ones, of those that give no training example
    away; or the name of a sampler, or the file of one that `train` wrote."""
    settings: dict[str, Any] | None = None
    """Settings of a named sampler."""
    epsilon: float | None = None
    """Draw rows of a table under differential privacy with this bound, smaller is stronger, for one row added or
    removed. The columns, levels and ranges in --schema count as public and are not covered; nothing is left out of what
    is drawn by looking at real rows."""
    delta: float = 1e-6
    """With --epsilon: the probability with which the bound may fail, below 1 / rows."""
    by: str | None = None
    """Column of few levels, such as sex: what classifiers score that are trained on synthetic rows alone is told for
    each of its levels, too."""
    sample_seed: int = 0
    """Seed of what is drawn."""

    def __post_init__(self) -> None:
        check_counts(self.n, self.counts)
        if self.given is not None:
            refuse_unused(self, ("n", "counts", "where"), "--given says how many rows are made, and of what")
        if self.sample_seed < 0:
            raise ValueError(f"sample_seed must be at least 0, got {self.sample_seed}.")
        if self.sampler == AUTO and self.settings:
            raise ValueError("settings are those of a named sampler; name one, such as --sampler mixture.")
        if self.epsilon is None:
            refuse_unused(self, ("delta",), "it belongs to --epsilon")
        elif self.sampler != AUTO:
            raise ValueError("--epsilon takes the one sampler that gives a bound; leave --sampler out.")
