"""InTurn: changes the real examples of a class in turn, in random order: none twice before each was once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np

from gensynth.data.examples import Examples
from gensynth.data.labeled import LabeledData
from gensynth.data.words import counted
from gensynth.sampler.kept import KeptSampler
from gensynth.sampler.synthetic import Synthetic

Made = tuple[Any, str, Sequence[int]]
"""A new example, how it was made, and the positions of the real ones that it was made from."""


class InTurn(KeptSampler):
    """Makes each new example of a real one whose turn it is.

    A concrete sampler writes `_examples` and `_made`, or `_made_at` if it makes many at once; `_suits`, `suited` and
    `fewest` if not every example will do or one is not enough; what `KeptSampler` says if it learns more than the
    examples; and `recipes` if it changes real ones.
    """

    fewest: ClassVar[int] = 1
    """Examples of a class that are needed to draw from it."""
    suited: ClassVar[str] = "that will do"
    """Which examples these are, in words, where `_suits` does not take every one."""
    instead: ClassVar[str]
    """The sampler that draws from any class."""

    @abstractmethod
    def _examples(self, made: Sequence[Any]) -> Examples:
        """Return new examples as such."""

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        """Make one example of a class.

        Args:
            label: The class.
            turn: Position of the real example whose turn it is to be changed.
            rng: All that is random comes from it.
        """
        raise NotImplementedError

    @classmethod
    def recipes(cls) -> dict[str, Self]:
        """Return, by name and unfitted, the ways in which it changes real examples, to measure which keep the label.

        By default there are none: it changes no real example, or `needs` something; such a one is measured where it is
        given to what measures label safety.
        """
        return {}

    def on(self, data: LabeledData) -> Self:
        """Return the same, with all that it has learned, but drawing from other examples of the same classes."""
        other = copy(self)
        other.data_ = data
        other._check()
        return other

    def each_once(self, seed: int) -> tuple[np.ndarray, Any]:
        """Change each real example that can be changed once.

        Returns:
            Positions of these, int64, and the `Examples` that became of them, None of none; of an example made of
            several, the first one's.
        """
        place = {name: i for i, name in enumerate(self.data_.ids)}
        at, found = list[int](), list[Examples]()
        for label in self.labels:
            try:
                drawn = self.sample(label, self.class_counts[label], seed)
            except ValueError:  # too few of its examples can be changed
                continue
            at += [place[parents[0]] for parents in drawn.parents]
            found.append(drawn.x)
        if not found:
            return np.array(at, dtype=np.int64), None
        first = np.sort(np.unique(at, return_index=True)[1])
        return np.array(at)[first], found[0].join(found[1:]).take(first)

    def _suits(self, example: Any) -> bool:  # noqa: ARG002
        """Return whether a new example can be made of a real one; by default of each."""
        return True

    def _check(self) -> None:
        """As `KeptSampler._check`; what was worked out of other examples is forgotten."""
        self._pools: dict[int, np.ndarray] = {}

    def _pool(self, label: int) -> np.ndarray:
        """Return the positions of the examples of a class that new ones are made of, int64.

        Raises:
            ValueError: if there are too few.
        """
        if label not in self._pools:
            own = np.flatnonzero(self.data_.y == label)
            pool = own[np.array([self._suits(self.data_.x[int(at)]) for at in own], dtype=bool)]
            if len(pool) < self.fewest:
                raise ValueError(
                    f"class {self.data_.classes[label]!r} has {counted(len(pool), self.data_.noun)} {self.suited}, and "
                    f"{self.name!r} needs at least {self.fewest}; use {self.instead!r} instead."
                )
            self._pools[label] = pool
        return self._pools[label]

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        made, how, parents = zip(*self._made_at(self.data_.label_of(label), index, seed), strict=True)
        return self.made(self._examples(made), label, index, seed, how, parents)

    def _made_at(self, label: int, index: np.ndarray, seed: int) -> Sequence[Made]:
        """Make the examples of a class that are numbered `index`, by default one after the other."""
        turns = _turns(self._pool(label), index, (seed, label))
        rngs = (np.random.default_rng([seed, label, int(i)]) for i in index)
        return [self._made(label, turn, rng) for turn, rng in zip(turns, rngs, strict=True)]


def _turns(pool: np.ndarray, index: np.ndarray, key: tuple[int, ...]) -> list[int]:
    """Return which example's turn it is in each sample: after each round of all of them comes another order."""
    n = len(pool)
    rounds = {r: np.random.default_rng([*key, r, 1]).permutation(pool) for r in np.unique(index // n).tolist()}
    return [int(rounds[i // n][i % n]) for i in index.tolist()]
