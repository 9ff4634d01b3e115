"""Every arm of `evaluate` with every kind of classifier, on images whose classes are easy to tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from torch import nn
from two_kinds import drawn, shapes

from gensynth.cli.arguments import function_of, parser_of
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import evaluate
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.ways import arms_of
from gensynth.fidelity.draw import as_drawn
from gensynth.fidelity.verdict import SampleVerdicts, Verdict
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.classifier.networks import Networks
from gensynth.kinds.image.images import Pixels

ARMS = arms_of(EvaluateConfig.ways)


def small_network(channels: int, n_classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(channels * 72, n_classes))


@pytest.mark.parametrize("classifier", [None, small_network, LogisticRegression(C=0.1, max_iter=500)])
def test_every_arm_learns_with_every_kind_of_classifier(classifier: Any) -> None:
    train, test = shapes((30, 30, 8), 0), shapes((12, 12, 12), 1)
    config = EvaluateConfig(seeds=2, steps=50, batch_size=16, arms=ARMS)
    before = torch.get_rng_state()
    given = {"synthetic": drawn(shapes((0, 0, 22), 2)), "ungated": drawn(shapes((0, 0, 20), 3))}
    found = evaluate(train, given, test, config, quiet=True, classifier=classifier)
    assert torch.equal(torch.get_rng_state(), before)
    arms = {a.name: a for a in found.arms}
    assert list(arms) == list(ARMS)
    assert [a.n_train for a in found.arms] == [68] * 6 + [90] * 6 + [82] + [88] * 6  # 82: without the 8 real ones of c
    strongest = max(EvaluateConfig.ways, key=lambda name: arms[name].scores["balanced_accuracy"].value)
    assert [(c.arm, c.baseline) for c in found.comparisons] == [
        (name, strongest) for name in ARMS if name not in EvaluateConfig.ways
    ]
    assert min(a.scores["balanced_accuracy"].value for a in found.arms) > 0.5  # chance is a third
    assert arms["synthetic only"].recall["c"].value > 0.8
    assert found.steps == (0 if isinstance(classifier, LogisticRegression) else 50)
    if classifier is small_network:
        again = evaluate(train, given, test, config, quiet=True, classifier=classifier)
        assert found == again


def test_as_drawn_takes_as_many_of_each_class_as_pass_in_the_order_of_their_numbers() -> None:
    samples = replace(drawn(shapes((4, 0, 3), 0)), index=np.array([3, 1, 0, 2, 0, 1, 2]))

    def answer(reason: tuple[str, ...], contamination: int) -> Verdict:
        judged = SampleVerdicts(np.array([r == "" for r in reason]), reason, {}, ("",) * 7)
        return Verdict("FAIL", judged, (), None, contamination, {}, {})

    reason = ("", "label", "dup_near", "", "atypical", "dup_near", "")
    found = as_drawn(samples, answer(reason, 0))
    assert found.y.tolist() == [0, 0, 2] and found.index.tolist() == [1, 0, 0]
    # A sample may be a copy of a test image.
    found = as_drawn(samples, answer(reason, 1))
    assert found.y.tolist() == [0, 0, 2] and found.index.tolist() == [1, 2, 0]
    assert len(as_drawn(samples, answer(("label",) * 7, 0))) == 0


def test_more_images_are_trained_on_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    config = EvaluateConfig(batch_size=64)
    assert [config.steps_for(n) for n in (100, 2742, 9040, 10**6)] == [300, 300, 988, 3000]
    assert EvaluateConfig(steps=20).steps_for(10**6) == 20
    train, test = shapes((2000, 800, 200), 0), shapes((4, 4, 4), 1)

    def untrained(self: Networks, way: str, train: LabeledData, *given: Any) -> Probabilities:
        return Probabilities(test.y, np.full((2, len(test), 3), 1 / 3), len(train))

    monkeypatch.setattr(Networks, "try_way", untrained)
    settings = EvaluateConfig(seeds=2, batch_size=50, arms=("real", "oversampled + synthetic"))
    assert evaluate(train, drawn(train), test, settings, quiet=True).steps == 7 * 3000 // 50


def test_wrong_images_and_classifiers_are_refused() -> None:
    train, test = shapes((4, 4, 4), 0), shapes((4, 4, 4), 1)
    synthetic, config = drawn(train), EvaluateConfig()
    with pytest.raises(ValueError, match=r"synthetic images have shape \(1, 9, 9\)"):
        evaluate(train, replace(synthetic, x=Pixels(torch.zeros((12, 1, 9, 9), dtype=torch.uint8))), test, config)
    for settings, message in (
        ({"seeds": 1}, "seeds must be at least 2, got 1"),
        ({"steps": 9}, "steps must be at least"),
    ):
        with pytest.raises(ValueError, match=message):
            EvaluateConfig(**settings)
    for classifier, message in (
        (LinearSVC(), "no predict_proba"),
        (LogisticRegression, "give an instance"),
        ("resnet", "estimator of scikit-learn or a function"),
        (lambda channels, classes: None, "must make an nn.Module"),
    ):
        with pytest.raises(TypeError, match=message):
            evaluate(train, synthetic, test, config, quiet=True, classifier=classifier)
    with pytest.raises(ValueError, match="takes no sample_weight, which the arms 'mixup'"):
        all_ways = EvaluateConfig(arms=("mixup", "real + synthetic"))
        evaluate(train, synthetic, test, all_ways, classifier=KNeighborsClassifier(1))
    wide = nn.Sequential(nn.Flatten(), nn.Linear(72, 5))
    with pytest.raises(ValueError, match=r"one logit per class, shape \(64, 3\)"):
        evaluate(train, synthetic, test, config, classifier=lambda channels, classes: wide)


def test_arms_can_be_named_on_the_command_line() -> None:
    argv = ["made", "--real", "photos", "--evaluate.arms", "real,oversampled,oversampled + synthetic"]
    parser, _ = parser_of(function_of("evaluate", argv), "evaluate", argv)
    found = EvaluateConfig(**parser.parse_args(argv)["evaluate"].as_dict())
    assert found.arms == ("real", "oversampled", "oversampled + synthetic")
