"""Tail: the rare values of a number as a rare class, which all steps fill as any other."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from gensynth.kinds.table.config import LARGEST_TAIL

TAIL = "(tail)"
"""Name of the label column of a table whose classes are ranges of a number; no file holds it."""
HIGH, LOW, BOTH = "high", "low", "both"


@dataclass(frozen=True)
class Tail:
    """Which values of a number are rare.

    Attributes:
        column: Its name.
        low: Values up to this one are; None for none.
        high: Values from this one on are; None for none.
    """

    column: Hashable
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError(f"the tail of {self.column!r} has neither low nor high; give one of them.")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"the tail of {self.column!r} has low {self.low:g}, not below high {self.high:g}.")

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the ranges, ascending."""
        name, low, high = self.column, *("" if x is None else f"{x:.15g}" for x in (self.low, self.high))
        if low and high:
            return f"{name} <= {low}", f"{low} < {name} < {high}", f"{name} >= {high}"
        return (f"{name} <= {low}", f"{name} > {low}") if low else (f"{name} < {high}", f"{name} >= {high}")

    @property
    def rare(self) -> tuple[int, ...]:
        """Positions of the rare ones in `classes`."""
        last = len(self.classes) - 1
        return (0,) * (self.low is not None) + (last,) * (self.high is not None)

    def labels(self, x: np.ndarray) -> np.ndarray:
        """Return the range of each number as a position in `classes`, int64, any shape; 0 for NaN."""
        above = np.zeros(x.shape, dtype=np.int64)
        if self.low is not None:
            above += x > self.low
        if self.high is not None:
            above += x >= self.high
        return above


def tail_of(x: np.ndarray, column: Hashable, rare: str, share: float) -> Tail:
    """Return the tail of a column that holds a share of the rows, or a little more where values are equal.

    The cut is a quantile, an observed value. (The fences of the box plot, which Ribeiro and Moniz 2020, "Imbalanced
    regression and extreme value prediction", rest relevance on, leave many tables without a rare row.)

    Args:
        x: Its numbers, shape (n,).
        column: Its name.
        rare: `HIGH`, `LOW` or `BOTH`.
        share: Of the rows in each tail, in (0, `LARGEST_TAIL`).

    Raises:
        ValueError: if a tail would hold a single row, or `LARGEST_TAIL` of them or more.
    """
    low, high = (float(np.quantile(x, q, method=to)) for q, to in ((share, "lower"), (1 - share, "higher")))
    cuts = {LOW: (low, None), HIGH: (None, high), BOTH: (low, high)}[rare]
    inside = (x <= low).mean() * (cuts[0] is not None), (x >= high).mean() * (cuts[1] is not None)
    if max(inside) >= LARGEST_TAIL:
        raise ValueError(
            f"the {share:g} of the rows with the rarest {column!r} cannot be told from others: {max(inside):.0%} of "
            f"the rows reach as far, and below {LARGEST_TAIL:.0%} are allowed; name another rare, or a smaller tail."
        )
    tail = Tail(column, *cuts)
    counts = np.bincount(tail.labels(x), minlength=len(tail.classes))
    if few := [tail.classes[c] for c in tail.rare if counts[c] < 2]:
        raise ValueError(f"{few[0]} holds in a single one of {len(x)} rows; at least 2 are needed: raise tail.")
    return tail
