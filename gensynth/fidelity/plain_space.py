"""PlainSpace: a space of examples that are compared as points, and need nothing more."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.class_scores import COPYING
from gensynth.fidelity.class_verdict import Limit
from gensynth.fidelity.near_copies import NearCopies
from gensynth.fidelity.space import Found, Seen, Space
from gensynth.fidelity.verdict import Score
from gensynth.sampler.synthetic import Synthetic


class PlainSpace(Space):
    """Near copies are told by the distance of points, and no scores come beside those that all kinds have.

    A kind derives a class that has `stamp` and writes `see`, with points as places.

    Args:
        train: Real training examples, at least 2 of each class.
    """

    limits: ClassVar[Mapping[str, Limit]] = {"copying": COPYING}

    def __init__(self, train: LabeledData) -> None:
        self.at, self.real = np.arange(len(train)), self.see(train.x)
        self.hashes = self.real.hashes
        self.copies = NearCopies.fit(train, self.at, self.real.points)
        # A held-out example is not looked for beyond exact copies: real ones may lie as near to each other.
        self.near_held_out, self.near_synthetic = np.zeros(len(train.classes)), self.copies.near_synthetic

    @abstractmethod
    def see(self, x: Any) -> Seen:
        """As `Space.see`."""

    def found(
        self, seen: Seen, y: np.ndarray, parents: Sequence[tuple[str, ...]], distance: np.ndarray, closest: np.ndarray
    ) -> Found:
        """As `Space.found`."""
        return self.copies(seen.points, y, parents, distance, closest)

    def scores(self, label: int, at: np.ndarray, synthetic: Synthetic, seen: Seen, tests: int) -> Sequence[Score]:
        """As `Space.scores`."""
        return ()
