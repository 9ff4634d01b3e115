"""Space: where examples of one kind of data are compared; all that the gate and the checker ask a kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from gensynth.fidelity.class_verdict import Limit
from gensynth.fidelity.earlier import near_earlier
from gensynth.fidelity.verdict import Score
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Seen:
    """What a space sees in n examples; a kind may derive a class that holds more.

    Attributes:
        hashes: Of their content: equal ones are exact copies. Length n.
        wide: What the judge reads, float64, shape (n, p).
        points: Where likeness is measured, float64, shape (n, d).
        places: Where copies are looked for, float64, shape (n, q).
        faults: By what is wrong, bool, shape (n,): which examples cannot be.
    """

    hashes: tuple[bytes, ...]
    wide: np.ndarray
    points: np.ndarray
    places: np.ndarray
    faults: Mapping[str, np.ndarray]


@final
@dataclass(frozen=True, eq=False)
class Found:
    """What a space finds wrong with n examples of labels, beside their faults.

    Attributes:
        flags: By reason code, bool, shape (n,): `dup_near` (a near copy of a real example that is not its parent),
            perhaps `dup_parent` (of its parent), `atypical` (unlike all real ones, whatever else was drawn) and
            `invalid` (what cannot be of its label).
        doubts: By reason code, bool, shape (n,): where a person should look.
        nearest: Position of the nearest real example of the label in the training data, int64, shape (n,).
        scores: As in `SampleVerdicts`.
    """

    flags: Mapping[str, np.ndarray]
    doubts: Mapping[str, np.ndarray]
    nearest: np.ndarray
    scores: Mapping[str, np.ndarray]


class Space(ABC):
    """A space that was fitted on real training examples.

    Attributes:
        stamp: What its coordinates depend on: scores of different stamps are never compared.
        at: Positions of the m training examples that others are compared with, int64, shape (m,).
        real: What it sees in them.
        hashes: Hashes of all training examples.
        near_held_out: By label, the distance between places below which an example is a held-out one; 0 for never.
        near_synthetic: By label, the distance below which it is an accepted one once more; 0 for never.
    """

    equal_by_nature: ClassVar[bool] = False
    """Whether real examples may be equal by chance, so that a copy is what equals few of them."""
    level: ClassVar[float | None] = None
    """p-value up to which an example is atypical; None where `conformal.cutoff` says it of all of a class together."""
    limits: ClassVar[Mapping[str, Limit]]
    """When its scores speak against a class."""

    stamp: Mapping[str, str]
    at: np.ndarray
    real: Seen
    hashes: tuple[bytes, ...]
    near_held_out: np.ndarray
    near_synthetic: np.ndarray

    @abstractmethod
    def see(self, x: Any) -> Seen:
        """Read examples once.

        Args:
            x: n >= 1 `Examples` of its kind.

        Raises:
            ValueError: if their layout is not that of the training examples.
        """

    def hashes_of(self, x: Any) -> tuple[bytes, ...]:
        """Return the hashes that `see` finds, where nothing else is asked for; arguments and errors as of `see`."""
        return self.see(x).hashes

    def refitted(self, kept: np.ndarray) -> np.ndarray:
        """Return what `real.wide` would be, had it been fitted on some of them only.

        By default it would be the same: what is fitted has hardly seen the single example.

        Args:
            kept: Which, bool, shape (m,).
        """
        return self.real.wide

    @abstractmethod
    def found(
        self, seen: Seen, y: np.ndarray, parents: Sequence[tuple[str, ...]], distance: np.ndarray, closest: np.ndarray
    ) -> Found:
        """Look for copies.

        Args:
            seen: What was seen in n examples.
            y: Their labels, int64, shape (n,), each with real examples.
            parents: Ids of the real examples each was made from, length n.
            distance: Distance between points to the nearest real example of the label, float64, shape (n,).
            closest: Where that is in `real`, int64, shape (n,).
        """

    @abstractmethod
    def scores(self, label: int, at: np.ndarray, synthetic: Synthetic, seen: Seen, tests: int) -> Iterable[Score]:
        """Return the scores of the samples of a class as a set, beside those that all kinds have.

        Args:
            label: The class, of `FEWEST` real examples or more.
            at: Positions of its samples, as many or more, int64.
            synthetic: All samples.
            seen: What was seen in them.
            tests: Number of p-values that are corrected together.
        """

    def near_earlier(self, seen: Seen, at: np.ndarray, label: int) -> np.ndarray:
        """Return which samples of a class all but equal an earlier one that does not, bool, shape (m,).

        By default those whose places lie within `near_synthetic`.

        Args:
            seen: What was seen in n samples.
            at: Positions of those that are compared with each other, int64, shape (m,), ascending.
            label: Their class.
        """
        if not self.near_synthetic.any():
            return np.zeros(len(at), dtype=bool)
        return near_earlier(seen.places[at], self.near_synthetic[label])

    def readable(self, seen: Seen) -> np.ndarray:
        """Return what boosted trees read to tell synthetic examples from real ones, shape (n, q); NaN is missing."""
        return seen.points

    def detectable(self, label: int, n: int, level: float) -> float | None:
        """Return the smallest shift that its tests find at a level among n samples; None where it is not measured."""
        return None

    def thresholds(self, labels: Sequence[int]) -> Mapping[str, float]:
        """Return the thresholds that it applies to samples of labels, by name, for the verdict."""
        return {}


def any_of(flags: Mapping[str, np.ndarray], n: int) -> np.ndarray:
    """Return which of n examples have at least one of the flags, bool, shape (n,)."""
    return np.any([np.zeros(n, dtype=bool), *flags.values()], axis=0)
