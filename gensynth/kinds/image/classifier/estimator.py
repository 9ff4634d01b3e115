"""The classifier of `evaluate` where it is an estimator of scikit-learn: pixels in, probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter
from torch import Tensor

from gensynth.generator.augment import small_affine
from gensynth.kinds.image.classifier.task import PLAIN, Task, Training, Way

COPIES = 4
"""Changed copies of each image that stand for changing it anew at every step."""


def check_estimator(estimator: Any, needs_weights: Sequence[str]) -> None:
    """Raise unless an estimator can be used.

    Args:
        estimator: What the user gave.
        needs_weights: Names of the arms that need `sample_weight`.

    Raises:
        TypeError: if it is a class, or gives no probabilities.
        ValueError: if it takes no `sample_weight` and an arm needs that.
    """
    name = getattr(estimator, "__name__", type(estimator).__name__)
    if isinstance(estimator, type):
        raise TypeError(f"classifier {name} is a class; give an instance, such as {name}().")
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"classifier {name} has no predict_proba, and calibration needs probabilities; wrap it in "
            "sklearn.calibration.CalibratedClassifierCV."
        )
    if needs_weights and not has_fit_parameter(estimator, "sample_weight"):
        raise ValueError(
            f"classifier {name} takes no sample_weight, which the arms {', '.join(map(repr, needs_weights))} need; "
            "leave them out of the arms, or give another classifier."
        )


def fit_and_predict(task: Task, way: Way, training: Training) -> np.ndarray:
    """Fit one clone of the estimator per seed to flattened pixels in [0, 1] and predict the test images.

    There are no gradient steps to keep equal: the estimator's own settings say when it has learned enough. What a
    network sees anew at every step becomes `COPIES` copies of each image here, those of `augmented` changed by a small
    affine; a mixture of two images is given with both labels, and its shares as `sample_weight`.

    Args:
        task: What it learns from, and what it is asked.
        way: How images are drawn (smaller classes are repeated, at random, up to the size of the largest one), weighted
            (by `sample_weight`) and changed.
        training: Its classifier has `predict_proba`; each parameter called `random_state` gets a seed, as do copies.

    Returns:
        Probabilities, float32, shape (seeds, n_test, n_classes); 0 for a class without training images.
    """
    y, n_classes, weight = task.y, task.n_classes, task.weight(way)
    test = _pixels(task.test_x(torch.arange(task.n_test)))
    out = np.zeros((len(training.seeds), task.n_test, n_classes), dtype=np.float32)
    for at, seed in enumerate(training.seeds):
        rng = np.random.default_rng(seed)
        rows = np.arange(len(y))
        if way.oversampled:
            counts = task.counts
            more = [rng.choice(np.flatnonzero(y == c), counts.max() - counts[c]) for c in range(n_classes) if counts[c]]
            rows = np.concatenate([rows, *more])
        if way.recipe != PLAIN or way.mixing is not None:
            rows = rng.permutation(np.tile(rows, COPIES))  # each is mixed with the one before it
        x, labels = task.images(torch.from_numpy(rows)), y[rows]
        weights = None if weight is None else weight[labels]
        if way.recipe != PLAIN:
            moves = torch.from_numpy(rng.uniform(-1, 1, (len(x), 4)))
            x = small_affine(x.float(), moves, training.jitter)
        if way.mixing is not None:
            x, share = way.mixing.mix(x, torch.from_numpy(way.mixing.draw(rng, (len(x),))).float())
            x, labels = torch.cat([x, x]), np.concatenate([labels, np.roll(labels, 1)])
            weights = torch.cat([share, 1 - share]).numpy()
        fitted = clone(training.classifier)
        names = [name for name in fitted.get_params() if name.rpartition("__")[2] == "random_state"]
        fitted.set_params(**dict.fromkeys(names, seed))
        fitted.fit(_pixels(x), labels, **({} if weights is None else {"sample_weight": weights}))
        out[at][:, fitted.classes_] = fitted.predict_proba(test)
    return out


def _pixels(x: Tensor) -> np.ndarray:
    """Images with values in [0, 255] as rows of pixels in [0, 1], float32, shape (n, c * h * w)."""
    return (x.flatten(1).float() / 255).numpy()
