"""The network of `evaluate`, and what is done to its batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import Tensor

from gensynth.evaluate.small_network import Classifiers
from gensynth.kinds.image.classifier.estimator import COPIES, fit_and_predict
from gensynth.kinds.image.classifier.mixing import BLENDED, PASTED
from gensynth.kinds.image.classifier.network import train_and_predict
from gensynth.kinds.image.classifier.task import AFFINE, Task, Training, Way


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 128, 20), (1, 28, 28), (3, 33, 40)])
def test_network_takes_every_shape_and_is_a_function_of_its_seed(shape: tuple[int, int, int]) -> None:
    x = torch.randint(0, 256, (3, 1, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    both = Classifiers([1, 2], shape, 4).eval()
    alone = Classifiers([2], shape, 4).eval()
    with torch.no_grad():
        both.head.fill_(0.1)[1, :, 1:] = torch.arange(64 * 3).view(64, 3) / 100
        alone.head.copy_(both.head[1:])
        logits = both(x.expand(-1, 2, -1, -1, -1))
        assert logits.shape == (2, 3, 4)
        torch.testing.assert_close(logits[1:], alone(x), rtol=1e-4, atol=1e-4)


class Seen(torch.nn.Module):
    """Records the batches it is shown in training; a bias is all it learns."""

    def __init__(self, batches: list[Tensor], n_classes: int) -> None:
        super().__init__()
        self.batches, self.bias = batches, torch.nn.Parameter(torch.zeros(n_classes))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.batches.append(x.cpu())
        return self.bias.expand(len(x), -1)


def trained(y: np.ndarray, x: Tensor, steps: int = 4, **changed: Any) -> tuple[list[Tensor], np.ndarray]:
    """Train on uniform draws with one seed; return the batches and the mean probabilities."""
    batches: list[Tensor] = []
    task = Task(x.__getitem__, y, x.__getitem__, len(y), 2)
    training = Training([3], steps, 32, lambda channels, n_classes: Seen(batches, n_classes))
    p = train_and_predict(task, Way(oversampled=False, **changed), training, lambda: None)
    assert p.shape == (1, len(y), 2) and p.sum(-1) == pytest.approx(1, abs=1e-6)
    return batches, p.mean((0, 1))


def test_batches_are_the_same_whatever_is_done_to_their_images() -> None:
    y = np.arange(20) % 2
    x = torch.arange(20, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 12, 12).contiguous() * 10
    ways = ({}, {"recipe": AFFINE}, {"mixing": BLENDED}, {"mixing": PASTED})
    plain, moved, mixed, pasted = (trained(y, x, **way)[0] for way in ways)
    for a, b, c, d in zip(plain, moved, mixed, pasted, strict=True):
        # The edge is repeated: an image of one shade stays as it is, however it is turned.
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
        lower, upper = torch.minimum(a, a.roll(1, 0)), torch.maximum(a, a.roll(1, 0))
        assert ((c >= lower - 1e-5) & (c <= upper + 1e-5)).all() and not torch.allclose(a, c, atol=1e-3)
        assert ((d == a) | (d == a.roll(1, 0))).all() and (d != a).any()


def test_augmentation_moves_every_image_a_little_and_anew() -> None:
    x = torch.zeros(1, 1, 20, 20, dtype=torch.uint8)
    x[0, 0, 8:12, 8:12] = 255
    batches, _ = trained(np.zeros(1, dtype=np.int64), x, recipe=AFFINE)
    seen = torch.cat(batches)[:, 0]
    assert len(torch.unique(seen.flatten(1), dim=0)) == len(seen) == 128
    row = (seen * torch.arange(20)[:, None]).sum((1, 2)) / seen.sum((1, 2))
    assert 0.5 < (row - 9.5).std() < 2 and (row - 9.5).abs().max() < 2.6  # at most 2 pixels, and a turn


def test_class_weights_make_a_rare_class_count_as_much() -> None:
    y = (np.arange(100) < 10).astype(np.int64)
    x = torch.zeros(100, 1, 8, 8, dtype=torch.uint8)
    _, plain = trained(y, x, steps=1500)
    _, weighted = trained(y, x, steps=1500, weighted=True)
    assert plain[1] == pytest.approx(0.1, abs=0.03) and weighted[1] == pytest.approx(0.5, abs=0.05)


class Taught(ClassifierMixin, BaseEstimator):
    """Keeps what it was fitted on."""

    lessons: list[dict[str, Any]] = []

    def __init__(self, random_state: int | None = None) -> None:
        self.random_state = random_state

    def fit(self, x: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Taught:
        self.classes_ = np.unique(y)
        Taught.lessons.append({"x": x, "y": y, "weight": sample_weight, "seed": self.random_state})
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return np.full((len(x), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize(
    ("changed", "times"),
    [({}, 1), ({"recipe": AFFINE}, COPIES), ({"mixing": BLENDED}, 2 * COPIES), ({"mixing": PASTED}, 2 * COPIES)],
    ids=["plain", "augmented", "mixup", "cutmix"],
)
def test_an_estimator_sees_pixels_and_a_fixed_number_of_copies(changed: dict[str, Any], times: int) -> None:
    Taught.lessons = []
    y = np.array([0, 0, 0, 0, 2])
    x = torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    task = Task(x.__getitem__, y, x.__getitem__, 5, 3)
    p = fit_and_predict(task, Way(**changed), Training([7, 8], 10, 8, Taught()))
    assert p.shape == (2, 5, 3) and (p == [0.5, 0, 0.5]).all()  # class 1 has no training images
    assert [lesson["seed"] for lesson in Taught.lessons] == [7, 8]
    lesson = Taught.lessons[0]
    assert lesson["x"].shape == (8 * times, 64) and 0 <= lesson["x"].min() and lesson["x"].max() <= 1
    if times == 1:
        assert np.array_equal(lesson["x"][:5], (x.flatten(1).float() / 255).numpy())
    total = np.bincount(lesson["y"], lesson["weight"], minlength=3)
    assert total.sum() == pytest.approx(8 * min(times, COPIES), rel=1e-5) and total[0] == pytest.approx(
        total[2], rel=0.5
    )
