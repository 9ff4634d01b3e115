"""Trained on synthetic examples alone, tested on real ones: what they are worth in place of the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import some_of
from gensynth.evaluate.intervals import (
    Estimate,
    by_examples_and_seeds,
    independent_examples,
    least_variance_of_mean,
    resamples,
)
from gensynth.evaluate.outcome import BY_CLASS
from gensynth.evaluate.ways import REAL
from gensynth.kind import kinds
from gensynth.sampler.synthetic import Synthetic

LIMITS = (-1.0, 1.0)


@dataclass(frozen=True)
class Alone:
    """What a classifier scores on held-out real examples.

    Attributes:
        classifier: Its name.
        metric: What is scored, one of `gensynth.evaluate.outcome.WORDS`.
        real: Trained on real examples.
        synthetic: Trained on as many synthetic ones.
        difference: The second minus the first, for other test examples.
        recalls: Recall of each class by its name, trained on real and on synthetic examples.
    """

    classifier: str
    metric: str
    real: Estimate
    synthetic: Estimate
    difference: Estimate
    recalls: dict[str, tuple[float, float]]


def alone(train: LabeledData, drawn: Synthetic, test: LabeledData, config: Any, quiet: bool) -> tuple[Alone, ...]:
    """Train every classifier on real examples, and on as many synthetic ones of the same classes.

    Args:
        train: Real examples.
        drawn: Synthetic ones, in the classes' real shares.
        test: Real examples that no sampler has seen.
        config: An `EvaluateConfig` of their kind.
        quiet: Whether to hide the progress bar.
    """
    if config.most is not None:
        train, test = (part.subset(some_of(part, config.most, config.seed)) for part in (train, test))
    instead = LabeledData(drawn.x, drawn.y, drawn.classes, tuple(map(str, range(len(drawn)))))
    instead = instead.subset(some_of(instead, len(train), config.seed))
    classifiers = kinds()[train.kind].classifiers(train, config)
    weights = resamples(test.y, np.random.default_rng(config.seed), groups=test.groups)
    floor = least_variance_of_mean(independent_examples([test]))
    found = []
    with tqdm(total=2 * len(classifiers), desc="train on synthetic alone", disable=True if quiet else None) as bar:
        for classifier in classifiers:
            scores = []
            for part in (train, instead):
                said = classifier.try_way(REAL, part, None, test, lambda _: None)
                scores.append(said.score(weights, weights.shape[1]))
                bar.update()
            of_real, of_synthetic = (score[config.metric] for score in scores)
            recalls = [score[BY_CLASS][0].mean(0).tolist() for score in scores]
            found.append(
                Alone(
                    classifier=classifier.name,
                    metric=config.metric,
                    real=by_examples_and_seeds(of_real, floor).estimate(LIMITS),
                    synthetic=by_examples_and_seeds(of_synthetic, floor).estimate(LIMITS),
                    difference=by_examples_and_seeds(of_synthetic - of_real, floor).estimate(LIMITS),
                    recalls=dict(zip(test.classes, zip(*recalls, strict=True), strict=True)),
                )
            )
    return tuple(found)


def strongest(found: Sequence[Alone]) -> Alone:
    """Return the classifier that does best where it is trained on real examples."""
    return max(found, key=lambda each: each.real.value)
