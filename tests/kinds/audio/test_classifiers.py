"""Tests of gensynth.kinds.audio.classifiers, networks and augment."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from checked import drawn
from made_pips import clip, pip_data
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from gensynth.evaluate.ways import AUGMENTED, OVERSAMPLED, REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.audio.augment import augment, pictures
from gensynth.kinds.audio.classifiers import classifiers_of
from gensynth.kinds.audio.evaluate_config import AudioChooseConfig, AudioEvaluateConfig
from gensynth.kinds.audio.look import looks

QUICK = AudioEvaluateConfig(folds=3, seeds=2, steps=100, batch_size=16)


def test_logistic_regression_tells_classes_apart_in_every_way_that_changes_no_clip() -> None:
    train, test = pip_data(0, 40, 12), pip_data(1, 20, 20)
    (model,) = classifiers_of(train, AudioChooseConfig())
    assert model.name == "logistic" and set(model.lacks) == {AUGMENTED}
    for way in (REAL, THRESHOLD, WEIGHTS, OVERSAMPLED):
        outcome = model.try_way(way, train, None, test, lambda _: None)
        assert outcome.score(np.ones((40, 1)), 1)["average_precision"][0, 0] > 0.95, way
    added = drawn(pip_data(2, 0, 10).x, [1] * 10, train.classes)
    assert model.try_way(REAL, train, added, test, lambda _: None).n_train == 62


def test_networks_tell_classes_apart_and_are_a_function_of_their_seeds() -> None:
    train, test = pip_data(0, 40, 12), pip_data(1, 20, 20)
    network, _ = classifiers_of(train, QUICK)
    assert set(network.lacks) == {THRESHOLD} and network.steps == 100
    steps: list[float] = []
    once, again = (network.try_way(AUGMENTED, train, None, test, steps.append) for _ in range(2))
    assert sum(steps) == 200 and once.raw.shape == (2, 40, 2) and np.array_equal(once.raw, again.raw)
    assert (once.likeliest == test.y).mean() > 0.9
    assert not np.array_equal(once.raw[0], once.raw[1])


def test_networks_do_not_see_how_loud_a_clip_is() -> None:
    data = pip_data(0, 3, 0)
    fainter = [clip(one.wave() / np.float32(8)) for one in data.x.clips]
    loud, faint = (pictures(looks(clips, data.x.view)).float() for clips in (data.x.clips, fainter))
    assert (loud - faint).abs().max() <= 2 and loud.max() == 255


def test_pictures_are_changed_anew_and_keep_their_sound() -> None:
    data = pip_data(0, 8, 0)
    seen = pictures(looks(data.x.clips, data.x.view))
    assert seen.dtype == torch.uint8 and seen.shape[:3] == (8, 1, 64)
    rng = torch.Generator().manual_seed(3)
    one, two = augment(seen, rng), augment(seen, rng)
    assert one.shape == seen.shape and not torch.equal(one, two)
    assert torch.equal(augment(seen, torch.Generator().manual_seed(3)), one)
    assert one.min() >= 0 and one.isfinite().all()
    # What a class sounds like is still there.
    like = [
        torch.corrcoef(torch.stack([a.float().mean(2).flatten(), b.mean(2).flatten()]))[0, 1]
        for a, b in zip(seen, one, strict=True)
    ]
    assert min(like) > 0.5


def test_an_estimator_of_the_users_takes_waves_and_a_function_makes_a_network() -> None:
    train, test = pip_data(0, 30, 12), pip_data(1, 20, 20)
    spectrum = FunctionTransformer(
        lambda waves: np.log(np.abs(np.fft.rfft(np.stack(waves)))[:, :2000].reshape(len(waves), 50, -1).mean(2))
    )
    (own,) = classifiers_of(train, QUICK, make_pipeline(spectrum, LogisticRegression()))
    assert own.name == "Pipeline" and own.settings is None
    assert own.try_way(WEIGHTS, train, None, test, lambda _: None).score(np.ones((40, 1)), 1)["roc_auc"][0, 0] > 0.9

    def mean_of_bands(channels: int, k: int) -> nn.Module:
        assert channels == 1
        return nn.Sequential(nn.AdaptiveAvgPool2d((16, 1)), nn.Flatten(), nn.Dropout(0.1), nn.Linear(16, k))

    state = torch.get_rng_state()
    (own,) = classifiers_of(train, QUICK, mean_of_bands)
    once, again = (own.try_way(REAL, train, None, test, lambda _: None).raw for _ in range(2))
    assert own.name == "mean_of_bands" and once.shape == (2, 40, 2) and np.array_equal(once, again)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(TypeError, match="estimator of scikit-learn that takes waves"):
        classifiers_of(train, QUICK, 3)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown classifiers 'forest'"):
        AudioEvaluateConfig(classifiers=("forest",))
    with pytest.raises(ValueError, match="steps must be at least 10"):
        AudioEvaluateConfig(steps=1)
