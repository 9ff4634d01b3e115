"""Models of documents: a linear model of features, or an estimator of the user's that takes texts."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from gensynth.data.labeled import LabeledData
from gensynth.kinds.text.config import EMBEDDINGS, SVM
from gensynth.kinds.text.embeddings import pretrained
from gensynth.kinds.text.features import Counts, Features

Fitted = Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]]
"""Takes m texts; returns the k labels that it knows, and probabilities of these, shape (m, k)."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a model learns from: real documents, then what is added to them.

    Attributes:
        texts: The texts, length n.
        y: Their labels, int64, shape (n,).
        n_real: How many are real ones.
    """

    texts: Sequence[str]
    y: np.ndarray
    n_real: int


class Model(ABC):
    """A way to fit documents."""

    name: str
    settings: ClassVar[tuple[float, ...]] = (1.0,)
    """What cross-validation chooses between, that which holds back most first."""

    @property
    def weighs(self) -> bool:
        """Whether it takes weights."""
        return True

    @property
    def stamp(self) -> str | None:
        """All that its answers depend on beside documents and seed; None where nothing tells."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """As `Classifier.notes`."""
        return ()

    @abstractmethod
    def fit(self, lesson: Lesson, weights: np.ndarray | None, setting: float) -> Fitted:
        """Fit documents; `weights` of each, shape (n,), None where all weigh the same."""


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
        read = self.features.fitted(lesson.texts[: lesson.n_real])
        model = self._model(setting, lesson.y)
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a little short of the optimum it ranks as well
            model.fit(read(lesson.texts), lesson.y, sample_weight=weights)
        return lambda texts: (model.classes_, model.predict_proba(read(texts)))

    def _model(self, setting: float, y: np.ndarray) -> Any:
        folds = min(3, int(np.bincount(y)[np.unique(y)].min()))
        if self.name != SVM or folds < 2:
            return LogisticRegression(C=setting, max_iter=300)
        # A support vector machine gives margins: Platt (1999) makes probabilities of them, in folds of its own.
        return CalibratedClassifierCV(LinearSVC(C=setting / 10, random_state=self.seed), cv=folds)


@final
@dataclass(frozen=True, eq=False)
class Own(Model):
    """An estimator of scikit-learn that takes texts, such as a pipeline that begins with a vectorizer.

    Attributes:
        estimator: It is cloned, never changed.
        name: Its name.
    """

    estimator: Any
    name: str

    @staticmethod
    def of(given: Any) -> Own:
        """Return the model for an estimator, or for a function that makes one.

        Raises:
            TypeError: if it is neither, or has no `predict_proba`.
        """
        made = given if hasattr(given, "fit") and not isinstance(given, type) else None
        if made is None and callable(given):
            made = given()
        if not (hasattr(made, "fit") and hasattr(made, "predict_proba")):
            raise TypeError(
                f"classifier must be an estimator of scikit-learn that takes texts and has predict_proba, or a "
                f"function without arguments that makes one, got {type(given).__name__}."
            )
        return Own(made, getattr(given, "__name__", type(made).__name__))

    @property
    def weighs(self) -> bool:
        """As `Model.weighs`."""
        return self._weights is not None

    @property
    def _weights(self) -> str | None:
        """What `fit` calls weights: of a pipeline they are those of its last step."""
        name, last = self.estimator.steps[-1] if isinstance(self.estimator, Pipeline) else ("", self.estimator)
        return f"{name}__sample_weight".removeprefix("__") if has_fit_parameter(last, "sample_weight") else None

    def fit(self, lesson: Lesson, weights: np.ndarray | None, setting: float) -> Fitted:
        """As `Model.fit`."""
        model = clone(self.estimator)
        model.fit(list(lesson.texts), lesson.y, **({} if weights is None else {str(self._weights): weights}))
        return lambda texts: (model.classes_, model.predict_proba(list(texts)))


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
