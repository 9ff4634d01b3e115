"""Classifier: what a kind of data trains to tell whether synthetic examples help."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.outcome import Outcome
from gensynth.evaluate.side_by_side import OnStep
from gensynth.sampler.synthetic import Synthetic


class Classifier(ABC):
    """A classifier of one kind of data; what it learned from one call is gone by the next."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the classifier in the answer."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say of it beside the answer, in sentences."""
        return ()

    @property
    def lacks(self) -> Mapping[str, str]:
        """Why it cannot be trained in some ways, by way."""
        return {}

    @property
    def steps(self) -> int:
        """Gradient steps of one training; 0 where there are none."""
        return 0

    @property
    def settings(self) -> str | None:
        """All that its answers depend on beside the data and the way; None where nothing tells."""
        return None

    @property
    def runs_side_by_side(self) -> bool:
        """Whether several trainings may run at once, each in a thread with one core."""
        return False

    def untuned(self) -> Classifier:
        """Return the same, whose outcomes are tuned later by others (`Outcome.tuned`)."""
        return self

    @abstractmethod
    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Outcome:
        """Train in a way and predict the test examples.

        Args:
            way: One of the names of `gensynth.evaluate.ways` that the kind of data knows.
            train: Real training examples.
            added: Synthetic examples of the same classes, or None.
            test: Real test examples.
            on_step: Called with the number of steps done since; without steps once, with 1.
        """
