"""Every arm of `evaluate` with every kind of classifier, on images whose classes are easy to tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from gensynth.arms import ARMS, MADE, SYNTHETIC_ONLY, WAYS
from gensynth.data.labeled import LabeledData
from gensynth.evaluate import EvaluateConfig, evaluate, evaluate_splits
from gensynth.samplers.base import Synthetic

CLASSES = ("a", "b", "c")


def shapes(counts: tuple[int, ...], seed: int) -> LabeledData:
    """Noisy images with a bright bar whose place is the class."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(3), counts)
    x = rng.integers(0, 120, (len(y), 1, 8, 9))
    for i, label in enumerate(y):
        x[i, 0, :, 2 + 2 * label] += 110
    return LabeledData(torch.from_numpy(x.astype(np.uint8)), y, CLASSES, tuple(map(str, range(len(y)))))


def drawn(data: LabeledData) -> Synthetic:
    n = len(data)
    nothing = ("",) * n
    return Synthetic(data.x[torch.arange(n)], data.y, CLASSES, np.arange(n), "copy", 0, nothing, ((),) * n, nothing)


def small_network(channels: int, n_classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(channels * 72, n_classes))


@pytest.mark.parametrize("classifier", [None, small_network, LogisticRegression(C=0.1, max_iter=500)])
def test_every_arm_learns_with_every_kind_of_classifier(classifier: Any) -> None:
    train, test = shapes((30, 30, 8), 0), shapes((12, 12, 12), 1)
    config = EvaluateConfig(seeds=2, steps=50, batch_size=16, arms=tuple(ARMS))
    before = torch.get_rng_state()
    found = evaluate(train, drawn(shapes((0, 0, 22), 2)), test, config, quiet=True, classifier=classifier)
    assert torch.equal(torch.get_rng_state(), before)
    arms = {a.name: a for a in found.arms}
    assert list(arms) == list(ARMS)
    assert [a.n_train for a in found.arms] == [68] * 5 + [90] * 5 + [82]  # the last without the 8 real ones of c
    strongest = max(WAYS, key=lambda name: arms[name].balanced_accuracy.value)
    assert [(c.arm, c.baseline) for c in found.comparisons] == [(name, strongest) for name in MADE]
    assert min(a.balanced_accuracy.value for a in found.arms) > 0.5  # chance is a third
    assert arms[SYNTHETIC_ONLY].recall["c"].value > 0.8
    assert found.steps == (0 if isinstance(classifier, LogisticRegression) else 50)
    if classifier is small_network:
        assert found == evaluate(train, drawn(shapes((0, 0, 22), 2)), test, config, quiet=True, classifier=classifier)


def test_evaluate_takes_several_splits() -> None:
    data, more = shapes((40, 40, 30), 0), drawn(shapes((0, 0, 9), 2))
    rng = np.random.default_rng(0)
    splits = []
    for _ in range(3):
        test = np.sort(np.concatenate([rng.permutation(np.flatnonzero(data.y == k))[:10] for k in range(3)]))
        splits.append((data.subset(np.setdiff1d(np.arange(110), test)), more, data.subset(test)))
    config = EvaluateConfig(seeds=2, steps=20, batch_size=16, arms=("oversampled", "oversampled + synthetic"))
    found = evaluate_splits(splits, config, quiet=True)
    assert found.splits == 3 and [a.n_train for a in found.arms] == [80, 89]
    assert 10 <= found.n_test["c"] <= 30 and len(found.comparisons) == 1
