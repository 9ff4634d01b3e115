"""The task network: fresh and training images look alike to it, unlike to a network that learned the latter."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.metrics import kid_permutation_test
from gensynth.kinds.image.features.catalog import get_extractor
from gensynth.kinds.image.features.embedding import Embedding
from gensynth.kinds.image.features.task_network import TaskNetwork
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.read import DataConfig, read

FOLDS = 4


@pytest.fixture(scope="module")
def halves() -> tuple[LabeledData, LabeledData]:
    """120 digits to learn from and 120 fresh ones, 12 of each class."""
    data = read("builtin:digits", DataConfig())
    order = np.random.default_rng(0).permutation(len(data))
    members = [order[data.y[order] == label][:24] for label in range(10)]
    return tuple(data.subset(np.concatenate([m[part::2] for m in members])) for part in (0, 1))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def task(halves: tuple[LabeledData, LabeledData]) -> TaskNetwork:
    return TaskNetwork.fit(halves[0], folds=FOLDS, steps=80)


def p_values(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> list[float]:
    """Of KID's permutation test, by class."""
    return [kid_permutation_test(a[y == label], b[y == label], 0, 199) for label in range(10)]


def test_out_of_fold_features_follow_one_distribution(
    halves: tuple[LabeledData, LabeledData], task: TaskNetwork
) -> None:
    train, fresh = halves
    learned = [(task.fold[h] + 1) % FOLDS for h in train.x.hashes()]
    # To a network that learned them, training images differ from fresh ones: a false alarm of every class.
    assert np.median(p_values(task.seen_by(train.x, learned), task(fresh.x), fresh.y)) < 0.02
    embedding = Embedding.fit(train.x, extractor=task)
    for features in (task, embedding):
        p = p_values(features(train.x), features(fresh.x), fresh.y)
        assert np.median(p) > 0.2 and min(p) > 0.005  # 0.05 / 10 classes


def test_a_training_image_is_seen_by_the_network_that_did_not_learn_it(
    halves: tuple[LabeledData, LabeledData], task: TaskNetwork
) -> None:
    train, fresh = halves
    folds = np.array([task.fold[h] for h in train.x.hashes()])
    assert np.array_equal(task(train.x), task.seen_by(train.x, list(folds)))
    # Folds are stratified: 3 of the 12 images of each class.
    assert (np.stack([np.bincount(folds[train.y == c], minlength=FOLDS) for c in range(10)]) == 3).all()
    # Other images are spread over all networks by their pixels, whatever else is in the batch.
    features = task(fresh.x)
    assert task(fresh.x[7:9]) == pytest.approx(features[7:9], abs=1e-5)
    chosen = [np.abs(features - task.seen_by(fresh.x, [k] * 120)).max(axis=1) < 1e-6 for k in range(FOLDS)]
    assert (np.sum(chosen, axis=0) == 1).all() and np.sum(chosen, axis=1).min() > 15


def test_networks_share_coordinates(halves: tuple[LabeledData, LabeledData], task: TaskNetwork) -> None:
    # Of the same fresh image two networks say nearly the same, once turned onto each other.
    x = halves[1].x
    first, second = task.seen_by(x, [0] * 120), task.seen_by(x, [1] * 120)
    assert task.rotation @ task.rotation.transpose(0, 2, 1) == pytest.approx(np.eye(64)[None].repeat(FOLDS, 0))
    assert ((first - second) ** 2).sum(1).mean() < 0.6 * ((first - second[::-1]) ** 2).sum(1).mean()


def test_copies_share_a_fold(halves: tuple[LabeledData, LabeledData]) -> None:
    train = halves[0]
    twice = LabeledData(
        Pixels(torch.cat([train.x[:], train.x[:]])),
        np.tile(train.y, 2),
        train.classes,
        tuple(map(str, range(240))),
    )
    fold = TaskNetwork.fit(twice, folds=3, steps=1).fold
    assert len(fold) == 120 and np.bincount(list(fold.values())).tolist() == [40, 40, 40]


def test_it_is_a_function_of_data_and_seed(halves: tuple[LabeledData, LabeledData]) -> None:
    train = halves[0]
    state = torch.get_rng_state()
    a, b = (TaskNetwork.fit(train, folds=2, steps=3) for _ in range(2))
    assert a.stamp == b.stamp and np.array_equal(a(train.x), b(train.x[:]))
    assert torch.equal(state, torch.get_rng_state())
    assert TaskNetwork.fit(train, seed=1, folds=2, steps=3).stamp["weights_sha256"] != a.stamp["weights_sha256"]
    assert set(a.stamp) == {"name", "weights_sha256", "resize", "domain"}
    assert a.stamp["domain"] == "classifiers of 2 folds of 120 training images of shape 1x8x8, 3 steps"


def test_it_is_found_by_name(halves: tuple[LabeledData, LabeledData], monkeypatch: pytest.MonkeyPatch) -> None:
    short = partial(TaskNetwork.fit, steps=2)
    monkeypatch.setattr(TaskNetwork, "fit", staticmethod(short))
    assert get_extractor("task", halves[0], 5).stamp == short(halves[0], 5).stamp != short(halves[0], 6).stamp


def test_too_little_to_learn_is_said(halves: tuple[LabeledData, LabeledData]) -> None:
    lone = halves[0].subset(np.flatnonzero(halves[0].y == 3))
    for data, folds in ((halves[0], 1), (halves[0].subset(np.arange(0, 36, 12)), 5), (lone, 5)):
        with pytest.raises(ValueError, match="needs at least 2 folds, as many different images and 2 classes; got"):
            TaskNetwork.fit(data, folds=folds)


def test_a_class_without_images_is_no_obstacle(halves: tuple[LabeledData, LabeledData]) -> None:
    data = replace(halves[0], classes=(*halves[0].classes, "none"))
    assert np.isfinite(TaskNetwork.fit(data, folds=2, steps=2)(data.x)).all()
