"""Networks: the classifier of images, ours or the user's, trained from several seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Any, final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.folds import Folds
from gensynth.evaluate.intervals import by_examples_and_seeds, independent_examples, least_variance_of_mean, resamples
from gensynth.evaluate.outcome import HALF, Probabilities, rarer
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.small_network import Build
from gensynth.evaluate.ways import AUGMENTED, way_of
from gensynth.kinds.image.classifier.best_recipe import Recipe, Trial, Tried, best_recipe
from gensynth.kinds.image.classifier.config import SMALL, EvaluateConfig
from gensynth.kinds.image.classifier.estimator import check_estimator, fit_and_predict
from gensynth.kinds.image.classifier.network import train_and_predict
from gensynth.kinds.image.classifier.task import AFFINE, PLAIN, WAYS, Task, Training, join
from gensynth.kinds.image.classifier.views import changed_beforehand
from gensynth.sampler.synthetic import Synthetic

CANDIDATES = ("hflip+crop", "colour", "trivialaugment", "randaugment")
FOLDS, SEEDS, SHORTER = 3, (0, 1), 2
"""Recipes are tried on one fold of so many, by networks from these seeds, in one step of so many."""
MOST_VIEWS = 16
"""Views of an image, at most; else as many as it is drawn by one network."""

_choosing, _chosen = Lock(), dict[tuple[str, int, int], Recipe]()
"""What was chosen in this process, so that all arms and evaluations of the same images share it."""


@final
@dataclass(frozen=True)
class Networks(Classifier):
    """Networks, or copies of an estimator of scikit-learn, that see images.

    Attributes:
        training: Seeds, steps, and the user's classifier, if there is one.
        positive: As `Outcome.positive`.
        notes: As `Classifier.notes`.
    """

    training: Training
    positive: int | None = None
    notes: tuple[str, ...] = ()

    @staticmethod
    def of(train: LabeledData, config: EvaluateConfig, own: Any | Build | None = None) -> Networks:
        """Return them for real training images.

        Args:
            train: The images.
            config: How to train.
            own: An estimator of scikit-learn with `predict_proba` (it sees flattened pixels in [0, 1]; augmented and
                mixed images are copies made beforehand), or a function that makes an nn.Module from (channels,
                n_classes) (it sees pixels in [0, 1], gives logits, and is trained as ours is). None for ours.

        Raises:
            TypeError: if the user's classifier is neither an estimator of scikit-learn nor a function.
            ValueError: if an arm needs `sample_weight` and the estimator takes none.
        """
        if hasattr(own, "fit"):
            check_estimator(own, [n for n in config.arms if (way := WAYS[way_of(n)]).weighted or way.mixing])
        elif own is not None and not callable(own):
            raise TypeError(
                f"classifier must be an estimator of scikit-learn or a function of (channels, n_classes), got "
                f"{type(own).__name__}."
            )
        steps = config.steps_for(len(train))
        recipe = AFFINE if hasattr(own, "fit") else None  # an estimator may take any time
        training = Training(config.network_seeds, steps, config.batch_size, own, recipe)
        return Networks(training, rarer(train.y, len(train.classes)))

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        own = self.training.classifier
        return SMALL if own is None else getattr(own, "__name__", type(own).__name__)

    @property
    def steps(self) -> int:
        """As `Classifier.steps`."""
        return 0 if hasattr(self.training.classifier, "fit") else self.training.steps

    @property
    def settings(self) -> str | None:
        """As `Classifier.settings`: nothing tells whether a classifier of the user's is the one of before."""
        chosen = (CANDIDATES, FOLDS, SEEDS, SHORTER, MOST_VIEWS)
        return repr((self.training, chosen)) if self.training.classifier is None else None

    @property
    def runs_side_by_side(self) -> bool:
        """As `Classifier.runs_side_by_side`: classifiers of the user's may draw from the global random state."""
        return self.training.classifier is None

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Probabilities:
        """As `Classifier.try_way`."""
        y = train.y if added is None else np.concatenate([train.y, added.y])
        images = join(len(train), train.x.__getitem__, None if added is None else added.x.__getitem__)
        task, how, note = Task(images, y, test.x.__getitem__, len(test), len(train.classes)), WAYS[way], ""
        if how.recipe != PLAIN:
            recipe = self._recipe(train, on_step)
            how, note = replace(how, recipe=recipe.name), recipe.note
        if not self.steps:
            p = fit_and_predict(task, how, self.training)
            on_step(1)
        elif how.recipe in (PLAIN, AFFINE):
            p = train_and_predict(task, how, self.training, partial(on_step, 1))
        else:
            draws = self.steps * self.training.batch_size * task.chance(how)
            task = changed_beforehand(task, how.recipe, draws.round().clip(1, MOST_VIEWS).astype(np.int64))
            p = train_and_predict(task, replace(how, recipe=PLAIN), self.training, partial(on_step, 1))
        return Probabilities(test.y, p, len(y), self.positive, note=note)

    def _recipe(self, train: LabeledData, on_step: OnStep) -> Recipe:
        """Return how the way `augmented` changes images: as suits a few of our networks, trained for a shorter time."""
        if self.training.recipe is not None:
            return Recipe(self.training.recipe)
        key = (train.fingerprint, self.training.steps, self.training.batch_size)
        with _choosing:
            if key not in _chosen:
                on = "by small networks on a held-out fold of the training images"
                _chosen[key] = best_recipe(Trial(on, train, CANDIDATES, partial(self._tried, train, on_step)))
            return _chosen[key]

    def _tried(self, train: LabeledData, on_step: OnStep, recipes: Sequence[str]) -> dict[str, Tried]:
        """Return how well recipes do on a fold; others than the small affine have to be ahead by a standard error."""
        part, held_out = Folds(train, FOLDS, 1, 0).split(0)
        training = replace(self.training, seeds=SEEDS, steps=self.steps // SHORTER, classifier=None)
        weights = resamples(held_out.y, np.random.default_rng(0), groups=held_out.groups)
        scores = {}
        for recipe in recipes:
            networks = replace(self, training=replace(training, recipe=recipe))
            outcome = networks.try_way(AUGMENTED, part, None, held_out, lambda done: on_step(0))
            scores[recipe] = outcome.score(weights, 1)[HALF]
        floor, tried = least_variance_of_mean(independent_examples([held_out])), {}
        for recipe, score in scores.items():
            lead = by_examples_and_seeds(score - scores[AFFINE], floor)
            value, chance = float(score[0].mean()), math.sqrt(lead.variance)
            tried[recipe] = Tried(value, value - chance * (recipe != AFFINE))
        return tried
