"""Real data in parts and samples made of them, for tests of what is checked against real data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.images import Pixels
from gensynth.sampler.synthetic import Synthetic

CLASSES = tuple(f"d{i}" for i in range(10))
# The data come writer by writer: shuffled, so that fresh images are not by other writers.
ORDER = np.random.default_rng(0).permutation(1797)


def digits(at: np.ndarray, classes: tuple[str, ...] = CLASSES) -> LabeledData:
    source = load_digits()
    x = torch.from_numpy(np.round(source.images[ORDER[at]] * 255 / 16).astype(np.uint8))[:, None]
    return LabeledData(Pixels(x), source.target[ORDER[at]], classes, tuple(str(i) for i in at))


def digit_parts(*counts: int) -> tuple[LabeledData, LabeledData, LabeledData]:
    """So many training images of the first classes, 40 held-out and 50 fresh ones of each of them."""
    y = load_digits().target[ORDER]
    of = [np.flatnonzero(y == c) for c in range(len(counts))]
    train = np.concatenate([at[:n] for at, n in zip(of, counts, strict=True)])
    held_out, fresh = (np.concatenate([at[s] for at in of]) for s in (slice(80, 120), slice(120, 170)))
    return tuple(digits(at, CLASSES[: len(counts)]) for at in (train, held_out, fresh))


def drawn(
    x: Any, y: Sequence[int] | np.ndarray, classes: tuple[str, ...], parents: Sequence[str] | None = None
) -> Synthetic:
    """Examples as if a sampler had drawn them.

    Args:
        x: `Examples`, or a tensor of images.
        y: Their labels.
        classes: What these are.
        parents: The parent of each, by default none.
    """
    n = len(y)
    names = ((),) * n if parents is None else tuple((name,) for name in parents)
    x = Pixels(x) if isinstance(x, torch.Tensor) else x
    return Synthetic(x, np.asarray(y), classes, np.arange(n), "test", 0, ("drawn",) * n, names, ("",) * n)


def samples_of(data: LabeledData, at: np.ndarray | None = None) -> Synthetic:
    """Real examples as if a sampler had drawn them."""
    some = data if at is None else data.subset(at)
    return drawn(some.x, some.y, some.classes)


def of_class(data: LabeledData, label: str, n: int | None = None) -> LabeledData:
    """The first examples of a class."""
    return data.subset(np.flatnonzero(data.y == data.label_of(label))[:n])


def normal(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Rows of independent normal features."""
    return np.random.default_rng(seed).normal(shift, 1, (n, d))
