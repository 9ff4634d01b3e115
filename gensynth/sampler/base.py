"""Sampler: draws label-conditioned examples. Every source of synthetic data is one of these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from gensynth.data.labeled import LabeledData, label_of
from gensynth.sampler.synthetic import Synthetic


class Sampler(ABC):
    """Draws label-conditioned examples.

    A sampler writes `_fit` and `_sample`; sample i must be a function of (what was fitted, seed, label, i). Those that
    are also imbalanced-learn samplers derive from `gensynth.kinds.image.samplers.base.ImageSampler` (images) or
    `gensynth.kinds.table.samplers.base.TableSampler` (rows).
    """

    conditions: ClassVar[bool] = False
    """Whether `given` draws the rest of examples of which a part is given, from `_given`."""
    needs: ClassVar[str] = ""
    """What has to be named before it can be fitted, in words, such as a folder of weights: it is then never tried by
    itself."""
    private: ClassVar[bool] = False
    """Whether it learns under a privacy bound: it is taken where one is asked for, and what it draws is not compared to
    real examples before it is published, which no bound would cover."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the sampler in the manifest."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """The classes it can draw."""

    @property
    def class_counts(self) -> Mapping[str, int]:
        """Real examples of each class that it learned from, of a `private` one about; absent where it does not know."""
        return {}

    @property
    def bound(self) -> str:
        """What a `private` one promises of its examples, and what not, as a sentence without its end; "" of others."""
        return ""

    @abstractmethod
    def _fit(self, data: LabeledData) -> None:
        """Learn from real training data."""

    @abstractmethod
    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        """Draw the samples numbered `index` (int64, ascending) of one label."""

    def seconds_to_fit(self, data: LabeledData) -> float:  # noqa: ARG002
        """Return about how long `fit` takes on this machine, where it takes so long that a choice has to know."""
        return 0.0

    def unsuited(self, data: LabeledData) -> str:  # noqa: ARG002
        """Return why a choice does not try it on training examples, in words; "" if it does."""
        return ""

    def fit(self, data: LabeledData) -> Self:
        """Learn from real training data; returns itself."""
        self._fit(data)
        return self

    def sample(self, label: str, n: int, seed: int, start: int = 0) -> Synthetic:
        """Draw samples number `start` to `start + n` of one label.

        Args:
            label: A class name out of `labels`.
            n: How many, at least 1.
            seed: Any non-negative int.
            start: Number of the first one: two halves are the same as one whole.

        Raises:
            ValueError: if the label is unknown, or a number is out of range.
        """
        label_of(label, self.labels)
        for name, value, least in (("n", n, 1), ("seed", seed, 0), ("start", start, 0)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}.")
        return self._sample(label, np.arange(start, start + n), seed)

    def given(self, cells: Any, seed: int, start: int = 0) -> Synthetic:
        """Draw the rest of examples of which a part is given; sample number `start` + i has part i, as it stands.

        Args:
            cells: What is given of each, such as a table with some of the columns.
            seed: Any non-negative int.
            start: Number of the first one: another draw for the same parts has another number.

        Raises:
            ValueError: if this sampler draws whole examples only, or what is given is in no real example.
        """
        if not self.conditions:
            raise ValueError(f"sampler {self.name!r} draws whole examples only; take one that conditions.")
        return self._given(cells, start, seed)

    def _given(self, cells: Any, start: int, seed: int) -> Synthetic:
        """Draw the samples from number `start` on, one for each part that is given."""
        raise NotImplementedError


def suited(samplers: Iterable[Sampler], data: LabeledData) -> tuple[list[Sampler], list[str]]:
    """Return those that a choice tries on training examples without being told to, and why others are left out."""
    alone = [sampler for sampler in samplers if not sampler.needs]
    why = [sampler.unsuited(data) for sampler in alone]
    notes = [f"{sampler.name} is left out: {reason}." for sampler, reason in zip(alone, why, strict=True) if reason]
    return [sampler for sampler, reason in zip(alone, why, strict=True) if not reason], notes


def check_seed(random_state: Any) -> None:
    """Raise ValueError unless it is a whole number of at least 0: what is drawn can be made again."""
    if not isinstance(random_state, int | np.integer) or random_state < 0:
        raise ValueError(f"random_state must be a whole number of at least 0, got {random_state!r}.")
