"""Tail: the rare values of a number as a rare class, which all steps fill as any other."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

TAIL = "(tail)"
"""Name of the label column of a table whose classes are ranges of a number; no file holds it."""


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
