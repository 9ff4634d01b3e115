"""The classifiers that tell whether synthetic clips help: networks, and logistic regression on features."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from gensynth.data.each import in_threads
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.model_classifier import ModelClassifier
from gensynth.evaluate.models import Fitted, Lesson, Model, Own
from gensynth.evaluate.own import named_classifier
from gensynth.evaluate.ways import AUGMENTED
from gensynth.kinds.audio.clips import Clips
from gensynth.kinds.audio.evaluate_config import CLASSIFIERS, LOGISTIC, SMALL, AudioEvaluateConfig
from gensynth.kinds.audio.look import looks
from gensynth.kinds.audio.mel import heard
from gensynth.kinds.audio.networks import Networks


@final
@dataclass(frozen=True)
class Logistic(Model):
    """Logistic regression on standardised `features`; `setting` is C for features of unit length."""

    settings = (0.3, 3.0, 30.0)
    name: str = LOGISTIC

    @property
    def stamp(self) -> str:
        """As `Model.stamp`."""
        return repr((self.name, self.settings))

    def fit(self, lesson: Lesson, weights: np.ndarray | None, setting: float) -> Fitted:
        """As `Model.fit`."""
        x = np.asarray(lesson.items, dtype=np.float64)
        scaler = StandardScaler().fit(x[: lesson.n_real])
        model = LogisticRegression(C=setting / x.shape[1], max_iter=300)
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a little short of the optimum it ranks as well
            model.fit(scaler.transform(x), lesson.y, sample_weight=weights)
        return lambda items: (model.classes_, model.predict_proba(scaler.transform(np.asarray(items, np.float64))))


@final
@dataclass(frozen=True, eq=False)
class ClipClassifier(ModelClassifier):
    """A model of clips, which are taken as they are."""

    @property
    def lacks(self) -> dict[str, str]:
        """As `Classifier.lacks`."""
        return {**super().lacks, AUGMENTED: "it sees each clip once; networks draw it again and again"}


def classifiers_of(train: LabeledData, config: Any, own: Any = None) -> list[Classifier]:
    """Return the classifiers that settings name, by default all; the user's stands alone unless others are named.

    Args:
        train: Real training clips.
        config: An `AudioEvaluateConfig` or an `AudioChooseConfig`, whose networks are trained as the former's are.
        own: An estimator of scikit-learn that takes waves as they are heard, float32 (n, frames), or a function that
            makes an nn.Module from (channels, n_classes); None for what settings name.

    Raises:
        TypeError: if `own` is neither.
        ValueError: if what settings name cannot be imported.
    """
    named = getattr(config, "classifier", None)
    given = own if own is not None or named is None else named_classifier(named)
    how = config if isinstance(config, AudioEvaluateConfig) else AudioEvaluateConfig(seed=config.seed)
    folds = config.folds

    def networks(build: Any = None) -> Networks:
        return Networks(how.network_seeds, how.steps_for(len(train)), how.batch_size, build)

    found: list[Classifier] = []
    if _is_estimator(given):
        found.append(ClipClassifier(Own.of(given, "waves"), config.seed, folds, _waves))
    elif given is not None and not callable(given):
        raise TypeError(
            f"classifier must be an estimator of scikit-learn that takes waves, or a function that makes an nn.Module "
            f"from (channels, n_classes), got {type(given).__name__}."
        )
    elif given is not None:
        found.append(networks(given))
    for name in config.classifiers or (() if found else CLASSIFIERS):
        found.append(networks() if name == SMALL else ClipClassifier(Logistic(), config.seed, folds, _features))
    return found


def _is_estimator(given: Any) -> bool:
    return hasattr(given, "fit") or (isinstance(given, type) and issubclass(given, BaseEstimator))


def _features(x: Clips) -> Sequence[np.ndarray]:
    return [look.features for look in looks(x.clips, x.view)]


def _waves(x: Clips) -> Sequence[np.ndarray]:
    return in_threads(lambda clip: heard(clip, x.view), x.clips)
