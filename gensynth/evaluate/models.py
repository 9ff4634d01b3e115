"""Models: what is fitted to examples one way or another, and an estimator of the user's as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

Fitted = Callable[[Sequence[Any]], tuple[np.ndarray, np.ndarray]]
"""Takes m examples; returns the k labels that it knows, and probabilities of these, shape (m, k)."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a model learns from: real examples, then what is added to them.

    Attributes:
        items: The examples as the model takes them, length n.
        y: Their labels, int64, shape (n,).
        n_real: How many are real ones.
    """

    items: Sequence[Any]
    y: np.ndarray
    n_real: int


class Model(ABC):
    """A way to fit examples."""

    name: str
    settings: ClassVar[tuple[float, ...]] = (1.0,)
    """What cross-validation chooses between, that which holds back most first."""

    @property
    def weighs(self) -> bool:
        """Whether it takes weights."""
        return True

    @property
    def stamp(self) -> str | None:
        """All that its answers depend on beside examples and seed; None where nothing tells."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """As `Classifier.notes`."""
        return ()

    @abstractmethod
    def fit(self, lesson: Lesson, weights: np.ndarray | None, setting: float) -> Fitted:
        """Fit examples; `weights` of each, shape (n,), None where all weigh the same."""


@final
@dataclass(frozen=True, eq=False)
class Own(Model):
    """An estimator of scikit-learn that takes examples, such as a pipeline that begins with what reads them.

    Attributes:
        estimator: It is cloned, never changed.
        name: Its name.
    """

    estimator: Any
    name: str

    @staticmethod
    def of(given: Any, takes: str) -> Own:
        """Return the model for an estimator, or for a function that makes one.

        Args:
            given: The estimator or the function.
            takes: What an estimator takes, in words.

        Raises:
            TypeError: if it is neither, or has no `predict_proba`.
        """
        made = given if hasattr(given, "fit") and not isinstance(given, type) else None
        if made is None and callable(given):
            made = given()
        if not (hasattr(made, "fit") and hasattr(made, "predict_proba")):
            raise TypeError(
                f"classifier must be an estimator of scikit-learn that takes {takes} and has predict_proba, or a "
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
        model.fit(list(lesson.items), lesson.y, **({} if weights is None else {str(self._weights): weights}))
        return lambda items: (model.classes_, model.predict_proba(list(items)))
