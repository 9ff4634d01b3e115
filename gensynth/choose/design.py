"""Design: what a choice rests on, see `gensynth.choose.designs`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.intervals import Spread
from gensynth.evaluate.outcome import Outcome
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic


class Design(ABC):
    """Splits of real examples into a training and a test side, none of them for the test that follows.

    Attributes:
        classifiers: What is trained.
        ways: Ways to train without synthetic examples, the simplest first.
        made: Ways to train with them.
        weights: How often each test example counts, by split, shape (n, draws): what is scored.
        least: Splits that are done in any case; the others if there is time.
        examples: Number of real examples that scores rest on.
    """

    classifiers: Sequence[Classifier]
    ways: tuple[str, ...]
    made: tuple[str, ...]
    weights: Sequence[np.ndarray]
    least: int
    examples: int

    @abstractmethod
    def split(self, at: int) -> tuple[LabeledData, LabeledData]:
        """Return the training and the test side of split number `at`, the same objects if it is asked again at once."""

    @abstractmethod
    def drawn(self, at: int, sampler: Sampler, wanted: Mapping[str, int]) -> Synthetic:
        """Draw from a sampler that was fitted to the training side; ValueError if it cannot."""

    @abstractmethod
    def spread(self, scores: np.ndarray) -> Spread:
        """Return mean and variance of scores by weights of all splits and seeds, or of differences of such."""

    def share(self, at: int, adds: Mapping[str, int]) -> Mapping[str, int]:
        """Return how many examples of each class go to split number `at`, if `adds` go to all training examples."""
        return adds

    def tuned(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Return the outcomes of one way, by split, with a threshold that was not tuned on their own examples."""
        return outcomes
