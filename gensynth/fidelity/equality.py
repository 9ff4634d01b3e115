"""Equality: which examples copy a real one exactly, where real ones may be equal by nature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import final

import numpy as np
from scipy.stats import binom

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.conformal import pooled
from gensynth.fidelity.metrics import wilson_interval
from gensynth.fidelity.space import Space

SHARED = 5
"""An example that this many real ones equal is no copy of any one of them, where equality is natural."""
EQUAL_LEVEL = 0.1
"""Share of real examples that `dup_exact` may cost: where more of them equal another one, `SHARED` is lowered."""
ALARM = 1e-3
"""Equality with held-out examples is an alarm where chance, as seen among training examples, gives it less than this.
"""


@final
class Equality:
    """What equality with real examples means.

    Args:
        space: Of the training examples.
        train: These.
    """

    def __init__(self, space: Space, train: LabeledData) -> None:
        self.counts = Counter(space.hashes)
        self.shared, self._chance = np.full(len(train.classes), np.iinfo(np.int64).max), 0.0
        if space.equal_by_nature:
            others = np.array([self.counts[h] - 1 for h in space.hashes])
            by_class = [others[train.y == c] for c in range(len(train.classes))]
            self.shared = np.array([_shared(twins) for twins in pooled(by_class, train)])
            self._chance = float(((others > 0) & (others < self.shared[train.y])).mean())
        self.held_out: Counter[bytes] = Counter()
        self._n = len(train)

    def known(self, hashes: Sequence[bytes]) -> np.ndarray:
        """Return which examples equal a training example, natural or not, bool, shape (n,)."""
        return np.array([h in self.counts for h in hashes], dtype=bool)

    def rare(self, hashes: Sequence[bytes], y: np.ndarray, held_out: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return which examples are shared by so few real ones that equality is not natural, and which are so copies.

        Args:
            hashes: Of the examples.
            y: Their labels, int64, shape (n,).
            held_out: Whether held-out examples are real ones, too.

        Returns:
            bool, shape (n,), each.
        """
        count = np.array([self.counts[h] + held_out * self.held_out[h] for h in hashes], dtype=np.int64)
        rare = count < self.shared[y]
        return rare, rare & (count > 0)

    def leaks(self, hashes: Sequence[bytes], copies: np.ndarray) -> np.ndarray:
        """Return which of the copies equal a held-out example, where those are more than chance makes equal."""
        leaked = copies & np.array([h in self.held_out for h in hashes], dtype=bool)
        chance = self._chance * min(1.0, self.held_out.total() / self._n)
        natural = leaked.any() and binom.sf(leaked.sum() - 1, len(leaked), chance) >= ALARM
        return leaked & (not natural)


def _shared(others: np.ndarray) -> int:
    """Return how many real examples must equal one for it to be no copy of any one of them; 0 where all is natural.

    Args:
        others: How many other real examples equal each, shape (n,).
    """
    for shared in range(SHARED, 1, -1):
        called = int(((others > 0) & (others < shared)).sum())
        if not called or wilson_interval(called, len(others))[0] <= EQUAL_LEVEL:
            return shared
    return 0
