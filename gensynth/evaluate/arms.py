"""Arms: what trains a classifier in one of the ways of `gensynth.evaluate.ways`, and predicts the test images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.estimator import fit_and_predict
from gensynth.evaluate.network import train_and_predict
from gensynth.evaluate.task import Task, Training
from gensynth.evaluate.ways import ARMS, SYNTHETIC_ONLY, WAYS
from gensynth.sampler.synthetic import Synthetic


def train_arm(
    arm: str,
    train: LabeledData,
    synthetic: Synthetic,
    test: LabeledData,
    filled: np.ndarray,
    training: Training,
    on_step: Callable[[float], object],
) -> tuple[np.ndarray, int]:
    """Train one arm and predict the test images.

    Args:
        arm: One of `ARMS`.
        train: Real training images.
        synthetic: Synthetic images of the same shape and classes.
        test: Real test images.
        filled: Labels that were filled, for `synthetic only`.
        training: What all arms share.
        on_step: Called with the number of gradient steps done since.

    Returns:
        Probabilities, shape (seeds, len(test), classes), and the number of training images.
    """
    n, way = len(train), ARMS[arm]
    rows = np.arange(n + len(synthetic) * (arm not in WAYS))
    if arm == SYNTHETIC_ONLY:
        rows = rows[~np.isin(train.y[np.minimum(rows, n - 1)], filled) | (rows >= n)]
    joined, place = join(train, synthetic), torch.from_numpy(rows)
    y = np.concatenate([train.y, synthetic.y])[rows]

    def images(at: Tensor) -> Tensor:
        return joined(place[at])

    task = Task(images, y, test.x.__getitem__, len(test), len(train.classes))
    if hasattr(training.classifier, "fit"):
        done = training.steps / len(training.seeds)
        return fit_and_predict(task, way, training, lambda: on_step(done)), len(y)
    return train_and_predict(task, way, training, lambda: on_step(1)), len(y)


def join(train: LabeledData, synthetic: Synthetic) -> Callable[[Tensor], Tensor]:
    """Return what maps positions, int64 (b,), to images, uint8 (b, c, h, w): the real ones first."""

    def images(at: Tensor) -> Tensor:
        is_real = at < len(train)
        x = torch.empty((len(at), *train.x.layout), dtype=torch.uint8)
        x[is_real] = train.x[at[is_real]]
        x[~is_real] = synthetic.x[at[~is_real] - len(train)]
        return x

    return images
