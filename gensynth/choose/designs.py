"""Holdout and CrossValidation: a choice rests on examples that were held out once, or on all training examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import final

import numpy as np

from gensynth.choose.config import FoldsConfig
from gensynth.choose.design import Design
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.folds import Folds
from gensynth.evaluate.intervals import (
    Spread,
    by_examples_and_seeds,
    by_splits,
    independent_examples,
    least_variance_of_mean,
    resamples,
)
from gensynth.evaluate.outcome import TUNED, Outcome
from gensynth.evaluate.ways import THRESHOLD
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.draw import draw_accepted
from gensynth.mix.targets import filled_rare
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic


@final
class Holdout(Design):
    """Real examples that were held out for tuning. Samplers are fitted once, and what they draw has to pass the gate.

    Args:
        train: Real training examples.
        validation: Real examples that nothing was fitted on, and that are not for the test.
        classifiers: What is trained.
        ways: As `Design`.
        made: As `Design`.
        seed: Seed of the samples.
    """

    least = 1

    def __init__(
        self,
        train: LabeledData,
        validation: LabeledData,
        classifiers: Sequence[Classifier],
        ways: tuple[str, ...],
        made: tuple[str, ...],
        seed: int,
    ) -> None:
        self.parts, self.classifiers, self.ways, self.made = (train, validation), classifiers, ways, made
        self.checker, self.seed, self.examples = FidelityChecker(train, (validation,)), seed, len(validation)
        # Examples, or the groups they come in, are resampled as `evaluate` does, the same for all ways.
        self.weights = [resamples(validation.y, np.random.default_rng(0), groups=validation.groups)]

    def split(self, at: int) -> tuple[LabeledData, LabeledData]:
        """As `Design.split`."""
        return self.parts

    def drawn(self, at: int, sampler: Sampler, wanted: Mapping[str, int]) -> Synthetic:
        """As `Design.drawn`: those that pass the gate."""
        drawn = [draw_accepted(sampler, self.checker, name, n, self.seed) for name, n in wanted.items()]
        good = [samples.subset(self.checker.gate(samples).accepted) for samples in drawn]
        return Synthetic.concat(good).relabel(self.parts[0].classes)

    def spread(self, scores: np.ndarray) -> Spread:
        """As `Design.spread`, for other examples and seeds."""
        return by_examples_and_seeds(scores, least_variance_of_mean(independent_examples([self.parts[1]])))


@final
class CrossValidation(Design):
    """Repeated cross-validation of the training examples. Samplers are fitted anew in each split.

    What they draw is not checked: to fit the gate in each split would take longer than all else.

    Args:
        folds: The splits.
        classifiers: What is trained; their outcomes are tuned here.
        ways: As `Design`.
        made: As `Design`.
    """

    def __init__(
        self, folds: Folds, classifiers: Sequence[Classifier], ways: tuple[str, ...], made: tuple[str, ...]
    ) -> None:
        self.folds, self.classifiers, self.ways, self.made = folds, classifiers, ways, made
        self.weights = [np.ones((len(rows), 1)) for rows in folds.splits]
        self.least, self.examples = folds.folds, len(folds.train)
        self._split = lru_cache(maxsize=1)(folds.split)

    @staticmethod
    def of(
        train: LabeledData, classifiers: Sequence[Classifier], config: FoldsConfig, ways: Sequence[str]
    ) -> CrossValidation:
        """Return the design that settings ask for; `ways` are those that the kind of data knows, the simplest first."""
        folds = Folds(train, config.folds, config.repeats, config.seed)
        # A threshold changes no rank: where ranks count it is no way of its own.
        known = tuple(way for way in ways if way != THRESHOLD or config.metric == TUNED)
        return CrossValidation(folds, [c.untuned() for c in classifiers], known, config.made)

    def split(self, at: int) -> tuple[LabeledData, LabeledData]:
        """As `Design.split`."""
        return self._split(at)

    def share(self, at: int, adds: Mapping[str, int]) -> dict[str, int]:
        """As `Design.share`."""
        return self.folds.share(adds, at)

    def drawn(self, at: int, sampler: Sampler, wanted: Mapping[str, int]) -> Synthetic:
        """As `Design.drawn`."""
        return self.folds.drawn(at, sampler, wanted)

    def spread(self, scores: np.ndarray) -> Spread:
        """As `Design.spread`, for other training and test examples."""
        return by_splits(scores.mean(-1), self.folds.ratio, 0.0)

    def tuned(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """As `Design.tuned`: on the other folds."""
        return self.folds.tuned(outcomes)


def unseen_classes(train: LabeledData, validation: LabeledData, targets: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return which of the rare classes to fill have no validation examples.

    Raises:
        ValueError: if none of them has any.
    """
    names = dict.fromkeys(name for adds in targets.values() for name, n in adds.items() if n)
    most = {name: max(adds.get(name, 0) for adds in targets.values()) for name in names}
    rare, noun = filled_rare(train.class_counts, most), train.noun
    unseen = [name for name in rare if not validation.class_counts[name]]
    if len(unseen) == len(rare):
        raise ValueError(
            f"no rare class to fill ({', '.join(map(repr, rare))}) has validation {noun}s (a class of fewer than 10 "
            f"{noun}s gets none), so there is nothing to choose by; name a sampler, such as --sampler smote."
        )
    return unseen
