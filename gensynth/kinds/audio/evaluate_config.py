"""The settings for audio: how clips are tested and chosen for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gensynth.choose.config import FoldsConfig
from gensynth.evaluate.config import ArmsConfig, check_classifiers
from gensynth.evaluate.ways import AUGMENTED, OVERSAMPLED, REAL, THRESHOLD, WEIGHTS

METRICS = ("average_precision", "roc_auc", "balanced_accuracy", "balanced_accuracy_tuned", "macro_f1")
"""What a verdict or a choice may rest on."""
CLASSIFIERS = SMALL, LOGISTIC = ("small", "logistic")
PASSES, FEWEST_STEPS, MOST_STEPS = 20, 200, 3000
"""Of the real training clips a network sees so many passes, within bounds."""


@dataclass(frozen=True)
class AudioEvaluateConfig(ArmsConfig):
    """How synthetic clips are tested."""

    ways: ClassVar[tuple[str, ...]] = (REAL, THRESHOLD, WEIGHTS, OVERSAMPLED, AUGMENTED)
    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: str = "average_precision"
    """What the verdict rests on: average_precision, roc_auc, balanced_accuracy, balanced_accuracy_tuned or
    macro_f1."""
    arms: tuple[str, ...] = (*ways, "oversampled + synthetic", "augmented + synthetic")
    """Ways to train, separated by commas: real, threshold (logistic alone), class weights, oversampled, augmented
    (networks alone: noise, shift, gain and masks, anew whenever a clip is drawn), and each of these followed by
    ' + synthetic' or ' + ungated'."""
    classifiers: tuple[str, ...] = ()
    """Classifiers, separated by commas: small, a residual network on the log-mel; logistic, logistic regression on
    cosine coefficients of it. By default both."""
    classifier: str | None = None
    """MODULE:NAME, a function of yours that makes an nn.Module from (channels, n_classes), which sees log-mels in
    [0, 1], or an estimator of scikit-learn that takes waves as they are heard and has predict_proba; it is imported
    from the working directory, and stands alone unless classifiers are named, too. Only on the command line, for it
    runs code."""
    folds: int = 5
    """Folds of the cross-validation of the training clips that tunes the threshold of logistic regression."""
    seeds: int = 3
    """Networks trained per arm, each from its own seed, at least 2."""
    steps: int | None = None
    """Gradient steps per network, at least 10; by default 20 passes over the real training clips, but 200 at least and
    3,000 at most."""
    batch_size: int = 32
    """Clips per gradient step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_classifiers(self.classifiers, CLASSIFIERS)
        for name, least in (("folds", 2), ("seeds", 2), ("steps", 10), ("batch_size", 2)):
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}.")

    def steps_for(self, n: int) -> int:
        """Return the gradient steps where there are n real training clips."""
        return self.steps or min(max(PASSES * n // self.batch_size, FEWEST_STEPS), MOST_STEPS)

    @property
    def network_seeds(self) -> list[int]:
        """One seed per network."""
        return [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(self.seed).spawn(self.seeds)]


@dataclass(frozen=True)
class AudioChooseConfig(FoldsConfig):
    """How the choice is made."""

    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: str = "average_precision"
    """What counts: average_precision, roc_auc, balanced_accuracy, balanced_accuracy_tuned or
    macro_f1."""
    classifiers: tuple[str, ...] = (LOGISTIC,)
    """Classifiers, separated by commas, each with and without synthetic clips in the race: logistic, small
    (which takes minutes for each way)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_classifiers(self.classifiers, CLASSIFIERS)
