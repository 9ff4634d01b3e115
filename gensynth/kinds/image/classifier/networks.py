"""Networks: the classifier of images, ours or the user's, trained from several seeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import Probabilities, rarer
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.ways import way_of
from gensynth.kinds.image.classifier.config import SMALL, EvaluateConfig
from gensynth.kinds.image.classifier.estimator import check_estimator, fit_and_predict
from gensynth.kinds.image.classifier.network import train_and_predict
from gensynth.kinds.image.classifier.task import WAYS, Build, Task, Training, join
from gensynth.sampler.synthetic import Synthetic


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
            check_estimator(own, [n for n in config.arms if (way := WAYS[way_of(n)]).weighted or way.mixed])
        elif own is not None and not callable(own):
            raise TypeError(
                f"classifier must be an estimator of scikit-learn or a function of (channels, n_classes), got "
                f"{type(own).__name__}."
            )
        steps = config.steps_for(len(train))
        training = Training(config.network_seeds, steps, config.batch_size, own)
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
        return repr(self.training) if self.training.classifier is None else None

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
        task = Task(images, y, test.x.__getitem__, len(test), len(train.classes))
        if self.steps:
            p = train_and_predict(task, WAYS[way], self.training, partial(on_step, 1))
        else:
            p = fit_and_predict(task, WAYS[way], self.training)
            on_step(1)
        return Probabilities(test.y, p, len(y), self.positive)
