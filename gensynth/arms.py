"""Arms: the ways to train that `evaluate` compares, and what trains one of them.

    real             the real images, drawn uniformly
    class weights    the same, every class with the same weight in the loss
    oversampled      the real images, every class drawn equally often
    augmented        the same, each image shifted, turned and scaled a little whenever it is drawn
    mixup            as oversampled, each image mixed with another one of its batch

`... + synthetic` trains in the same way on real and synthetic images together. `synthetic only` is `oversampled` with
the real images of the filled classes (the rare ones of them) taken away: can the synthetic ones stand in for them?
`... + ungated` takes as many synthetic images as they were drawn, whatever the fidelity gate says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gensynth.classifier import JITTER, Build, train_and_predict
from gensynth.data.labeled import LabeledData
from gensynth.estimator import fit_and_predict
from gensynth.samplers.synthetic import Synthetic


@dataclass(frozen=True)
class Way:
    """How images are drawn, weighted and changed, whichever they are."""

    oversampled: bool = True
    weighted: bool = False
    augmented: bool = False
    mixed: bool = False


WAYS = {
    "real": Way(oversampled=False),
    "class weights": Way(oversampled=False, weighted=True),
    "oversampled": Way(),
    "augmented": Way(augmented=True),
    "mixup": Way(mixed=True),
}
SYNTHETIC_ONLY = "synthetic only"
MADE = {f"{name} + synthetic": way for name, way in WAYS.items()} | {SYNTHETIC_ONLY: WAYS["oversampled"]}
"""The arms with synthetic images that passed the gate, and how each of them trains."""
UNGATED = {f"{name} + ungated": way for name, way in WAYS.items()}
ARMS = WAYS | MADE | UNGATED


@dataclass(frozen=True)
class Training:
    """What all arms share.

    Attributes:
        seeds: One seed for each classifier.
        steps: Gradient steps of a network.
        batch_size: Images per gradient step.
        classifier: An estimator of scikit-learn, a function that makes a network, or None for ours.
        jitter: How far augmented images are shifted, turned and scaled, see `gensynth.classifier.JITTER`.
    """

    seeds: Sequence[int]
    steps: int
    batch_size: int
    classifier: Any | Build | None = None
    jitter: float = JITTER


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
    n, k, way = len(train), len(train.classes), ARMS[arm]
    rows = np.arange(n + len(synthetic) * (arm not in WAYS))
    if arm == SYNTHETIC_ONLY:
        rows = rows[~np.isin(train.y[np.minimum(rows, n - 1)], filled) | (rows >= n)]
    joined, place = join(train, synthetic), torch.from_numpy(rows)
    y = np.concatenate([train.y, synthetic.y])[rows]
    counts = np.bincount(y, minlength=k)
    weight = len(y) / (k * np.maximum(counts, 1)) if way.weighted else None

    def images(at: Tensor) -> Tensor:
        return joined(place[at])

    shared = (test.x.__getitem__, len(test), k, training.seeds)
    if hasattr(training.classifier, "fit"):
        done = training.steps / len(training.seeds)
        p = fit_and_predict(
            training.classifier,
            images,
            y,
            *shared,
            lambda: on_step(done),
            way.oversampled,
            weight,
            training.jitter * way.augmented,
            way.mixed,
        )
        return p, len(y)
    chance = 1 / counts[y] if way.oversampled else np.ones(len(y))
    p = train_and_predict(
        images,
        y,
        chance / chance.sum(),
        *shared,
        training.steps,
        training.batch_size,
        lambda: on_step(1),
        weight,
        training.jitter * way.augmented,
        way.mixed,
        training.classifier,
    )
    return p, len(y)


def join(train: LabeledData, synthetic: Synthetic) -> Callable[[Tensor], Tensor]:
    """Return what maps positions, int64 (b,), to images, uint8 (b, c, h, w): the real ones first."""

    def images(at: Tensor) -> Tensor:
        is_real = at < len(train)
        x = torch.empty((len(at), *train.shape), dtype=torch.uint8)
        x[is_real] = train.x[at[is_real]]
        x[~is_real] = synthetic.x[at[~is_real] - len(train)]
        return x

    return images
