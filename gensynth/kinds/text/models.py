"""Models of documents: linear models of features."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.models import Fitted, Lesson, Model
from gensynth.kinds.text.config import EMBEDDINGS, SVM
from gensynth.kinds.text.embeddings import pretrained
from gensynth.kinds.text.features import Counts, Features


@final
@dataclass(frozen=True)
class Linear(Model):
    """A support vector machine, or else logistic regression, on features; `setting` is its C.

    Attributes:
        name: One of `gensynth.kinds.text.config.CLASSIFIERS`, on TF-IDF of words and characters, or of `EMBEDDINGS`.
        features: What it reads, shared with other models.
        seed: Seed of the support vector machine.
    """

    settings = (1.0, 10.0, 100.0)

    name: str
    features: Features
    seed: int

    @property
    def stamp(self) -> str:
        """As `Model.stamp`."""
        return repr((self.settings, dict(self.features.stamp)))

    @property
    def notes(self) -> tuple[str, ...]:
        """As `Model.notes`: what was trained elsewhere is named."""
        if self.name not in EMBEDDINGS:
            return ()
        told = ", ".join(f"{key} {value}" for key, value in self.features.stamp.items())
        return (f"Classifier {self.name} is logistic regression on weights of others: {told}.",)

    def fit(self, lesson: Lesson, weights: np.ndarray | None, setting: float) -> Fitted:
        """As `Model.fit`."""
        read = self.features.fitted(lesson.items[: lesson.n_real])
        model = self._model(setting, lesson.y)
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a little short of the optimum it ranks as well
            model.fit(read(lesson.items), lesson.y, sample_weight=weights)
        return lambda texts: (model.classes_, model.predict_proba(read(texts)))

    def _model(self, setting: float, y: np.ndarray) -> Any:
        folds = min(3, int(np.bincount(y)[np.unique(y)].min()))
        if self.name != SVM or folds < 2:
            return LogisticRegression(C=setting, max_iter=300)
        # A support vector machine gives margins: Platt (1999) makes probabilities of them, in folds of its own.
        return CalibratedClassifierCV(LinearSVC(C=setting / 10, random_state=self.seed), cv=folds)


def linear_models(train: LabeledData, names: Sequence[str], seed: int, weights: str | None) -> list[Model]:
    """Return the models of these names, which read training documents once; those that count words share the counts.

    Args:
        train: Training documents.
        names: Out of `gensynth.kinds.text.config.CLASSIFIERS` and `EMBEDDINGS`.
        seed: As of `Linear`.
        weights: As `pretrained` takes them.

    Raises:
        FileNotFoundError: as `pretrained`.
        ModuleNotFoundError: as `pretrained`.
        ValueError: as `pretrained`.
    """
    counts = Counts()
    models = [Linear(name, pretrained(name, weights) if name in EMBEDDINGS else counts, seed) for name in names]
    for features in {model.features for model in models}:
        features(list(train.x.texts))
    return [*models]
