"""Task and Training: what a classifier of images learns from and is asked, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from gensynth.evaluate.small_network import Build
from gensynth.evaluate.ways import AUGMENTED, CUTMIX, MIXUP, OVERSAMPLED, REAL, WEIGHTS
from gensynth.kinds.image.classifier.mixing import BLENDED, PASTED, Mixing

JITTER = 0.1
"""Largest shift, as a share of the side, turn, as a share of a quarter turn, and change of scale of a small affine."""
PLAIN, AFFINE = "", AUGMENTED
"""The recipes that are in no catalogue: images as they are, and a small affine, anew whenever an image is drawn."""

Seen = Callable[[Tensor], Tensor]
"""Maps positions, int64 of shape (b,), to images, uint8 of shape (b, c, h, w)."""


@dataclass(frozen=True)
class Way:
    """How images are drawn, weighted and changed, real and synthetic ones alike.

    Attributes:
        oversampled: Whether classes are drawn equally often.
        weighted: Whether classes have the same weight.
        recipe: How each image is changed: `PLAIN`, `AFFINE`, or a recipe of the catalogue.
        mixing: How it is mixed with another one; None: not at all.
    """

    oversampled: bool = True
    weighted: bool = False
    recipe: str = PLAIN
    mixing: Mixing | None = None


WAYS = {
    REAL: Way(oversampled=False),
    WEIGHTS: Way(oversampled=False, weighted=True),
    OVERSAMPLED: Way(),
    AUGMENTED: Way(recipe=AFFINE),
    MIXUP: Way(mixing=BLENDED),
    CUTMIX: Way(mixing=PASTED),
}


@dataclass(frozen=True, eq=False)
class Task:
    """What a classifier learns from, and the images it is asked about.

    Attributes:
        images: The training images.
        y: Labels of the training images, int64, shape (n,).
        test_x: The test images.
        n_test: Number of test images.
        n_classes: Number of classes k.
    """

    images: Seen
    y: np.ndarray
    test_x: Seen
    n_test: int
    n_classes: int

    @property
    def counts(self) -> np.ndarray:
        """Number of training images of each class, int64, shape (k,)."""
        return np.bincount(self.y, minlength=self.n_classes)

    def chance(self, way: Way) -> np.ndarray:
        """Return the chance of each training image at every draw (with replacement), shape (n,), sum 1."""
        chance = 1 / self.counts[self.y] if way.oversampled else np.ones(len(self.y))
        return chance / chance.sum()

    def weight(self, way: Way) -> np.ndarray | None:
        """Return the weight of each class, shape (k,); None for equal ones."""
        return len(self.y) / (self.n_classes * np.maximum(self.counts, 1)) if way.weighted else None


@dataclass(frozen=True)
class Training:
    """What all arms share.

    Attributes:
        seeds: One seed for each classifier.
        steps: Gradient steps of a network.
        batch_size: Images per gradient step.
        classifier: An estimator of scikit-learn, a function that makes a network, or None for ours.
        recipe: How the way `augmented` changes images, as `Way` has it; None to choose it by the training images.
        jitter: How far a small affine shifts, turns and scales, see `JITTER`.
    """

    seeds: Sequence[int]
    steps: int
    batch_size: int
    classifier: Any | Build | None = None
    recipe: str | None = None
    jitter: float = JITTER


def join(n: int, real: Seen, added: Seen | None) -> Seen:
    """Return what maps positions, int64 (b,), to images, uint8 (b, c, h, w): the n real ones first."""
    if added is None:
        return real

    def images(at: Tensor) -> Tensor:
        is_real = at < n
        seen = real(at[is_real])
        x = seen.new_empty((len(at), *seen.shape[1:]))
        x[is_real], x[~is_real] = seen, added(at[~is_real] - n)
        return x

    return images
