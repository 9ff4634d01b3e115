"""Trained on synthetic examples alone, tested on real ones: what they are worth in place of the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import some_of
from gensynth.evaluate.intervals import (
    FEWEST_TEST,
    Estimate,
    by_examples_and_seeds,
    independent_examples,
    least_variance_of_mean,
    resamples,
)
from gensynth.evaluate.outcome import BY_CLASS, Outcome
from gensynth.evaluate.ways import REAL
from gensynth.kind import kinds
from gensynth.sampler.synthetic import Synthetic

LIMITS = (-1.0, 1.0)
MOST_LEVELS = 20
"""Levels of a column by which worth is told, at most."""


@dataclass(frozen=True)
class Scores:
    """What a classifier scores on held-out real examples.

    Attributes:
        real: Trained on real examples.
        synthetic: Trained on as many synthetic ones.
        difference: The second minus the first, for other test examples.
    """

    real: Estimate
    synthetic: Estimate
    difference: Estimate


@dataclass(frozen=True)
class Level:
    """What it scores on those of one level of a column.

    Attributes:
        name: The level.
        n: How many they are.
        scores: None where those of a class are fewer than `FEWEST_TEST`: too few to tell.
    """

    name: str
    n: int
    scores: Scores | None


@dataclass(frozen=True)
class Alone(Scores):
    """What one classifier scores.

    Attributes:
        classifier: Its name.
        metric: What is scored, one of `gensynth.evaluate.outcome.WORDS`.
        recalls: Recall of each class by its name, trained on real and on synthetic examples.
        levels: By level of a column, of the strongest classifier where that was asked for.
    """

    classifier: str
    metric: str
    recalls: dict[str, tuple[float, float]]
    levels: tuple[Level, ...] = ()


def alone(
    train: LabeledData, drawn: Synthetic, test: LabeledData, config: Any, *, by: str | None = None, quiet: bool
) -> tuple[Alone, ...]:
    """Train every classifier on real examples, and on as many synthetic ones of the same classes.

    Args:
        train: Real examples.
        drawn: Synthetic ones, in the classes' real shares.
        test: Real examples that no sampler has seen.
        config: An `EvaluateConfig` of their kind.
        by: A column by whose levels the strongest classifier is scored, too (`levels_of`).
        quiet: Whether to hide the progress bar.
    """
    if config.most is not None:
        train, test = (part.subset(some_of(part, config.most, config.seed)) for part in (train, test))
    instead = LabeledData(drawn.x, drawn.y, drawn.classes, tuple(map(str, range(len(drawn)))))
    instead = instead.subset(some_of(instead, len(train), config.seed))
    classifiers = kinds()[train.kind].classifiers(train, config)
    weights = resamples(test.y, np.random.default_rng(config.seed), groups=test.groups)
    found, said = [], {}
    with tqdm(total=2 * len(classifiers), desc="train on synthetic alone", disable=True if quiet else None) as bar:
        for classifier in classifiers:
            outcomes = []
            for part in (train, instead):
                outcomes.append(classifier.try_way(REAL, part, None, test, lambda _: None))
                bar.update()
            scores, recalls = _scored(outcomes, weights, config.metric, test)
            by_class = dict(zip(test.classes, recalls, strict=True))
            found.append(Alone(**vars(scores), classifier=classifier.name, metric=config.metric, recalls=by_class))
            said[classifier.name] = outcomes
    if by is None:
        return tuple(found)
    best = strongest(found)
    levels = _by_level(said[best.classifier], levels_of(test, by), config, test)
    return tuple(replace(each, levels=levels) if each is best else each for each in found)


def levels_of(data: LabeledData, by: str) -> np.ndarray:
    """Return the level of each example in a column by which worth is told, object, shape (n,).

    Raises:
        ValueError: if there is no such column, it has too many levels, or there are no classes to train on.
    """
    found = kinds()[data.kind].levels(data, by)
    if len(data.classes) < 2:
        raise ValueError("--by tells what classifiers score, and the data have no classes; name --target, too.")
    if (n := len(set(found))) > MOST_LEVELS:
        raise ValueError(f"--by {by!r} has {n} different values; name a column of at most {MOST_LEVELS}, or cut it.")
    return found


def _scored(
    outcomes: Sequence[Outcome], weights: np.ndarray, metric: str, test: LabeledData
) -> tuple[Scores, list[tuple[float, float]]]:
    """Return scores of what was said after training on real and on synthetic examples, and the recalls by class.

    Args:
        outcomes: Both.
        weights: How often each test example counts, shape (n, d).
        metric: What is scored.
        test: The test examples that count.
    """
    floor = least_variance_of_mean(independent_examples([test]))
    both = [said.score(weights, weights.shape[1]) for said in outcomes]
    real, synthetic = (score[metric] for score in both)
    estimates = (by_examples_and_seeds(x, floor).estimate(LIMITS) for x in (real, synthetic, synthetic - real))
    return Scores(*estimates), list(zip(*(score[BY_CLASS][0].mean(0).tolist() for score in both), strict=True))


def _by_level(outcomes: Sequence[Outcome], level: np.ndarray, config: Any, test: LabeledData) -> tuple[Level, ...]:
    """Return what is scored on the test examples of each level, each resampled on its own."""
    found = []
    for name in sorted(set(level)):
        at = np.flatnonzero(level == name)
        part, scores = test.subset(at), None
        if independent_examples([part]).min() >= FEWEST_TEST:
            own = resamples(part.y, np.random.default_rng(config.seed), groups=part.groups)
            weights = np.zeros((len(test), own.shape[1]), dtype=own.dtype)
            weights[at] = own
            scores, _ = _scored(outcomes, weights, config.metric, part)
        found.append(Level(name, len(at), scores))
    return tuple(found)


def strongest(found: Sequence[Alone]) -> Alone:
    """Return the classifier that does best where it is trained on real examples."""
    return max(found, key=lambda each: each.real.value)
