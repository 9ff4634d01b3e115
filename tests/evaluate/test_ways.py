"""Every arm of `evaluate` with every kind of classifier, on images whose classes are easy to tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import EvaluateConfig, evaluate, evaluate_splits
from gensynth.evaluate.ways import ARMS, SYNTHETIC_ONLY, WAYS
from gensynth.fidelity.draw import as_drawn
from gensynth.fidelity.verdict import SampleVerdicts, Verdict
from gensynth.kinds.image.images import Pixels
from gensynth.sampler.synthetic import Synthetic

CLASSES = ("a", "b", "c")


def shapes(counts: tuple[int, ...], seed: int) -> LabeledData:
    """Noisy images with a bright bar whose place is the class."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(3), counts)
    x = rng.integers(0, 120, (len(y), 1, 8, 9))
    for i, label in enumerate(y):
        x[i, 0, :, 2 + 2 * label] += 110
    return LabeledData(Pixels(torch.from_numpy(x.astype(np.uint8))), y, CLASSES, tuple(map(str, range(len(y)))))


def drawn(data: LabeledData) -> Synthetic:
    n = len(data)
    nothing = ("",) * n
    return Synthetic(
        Pixels(data.x[torch.arange(n)]), data.y, CLASSES, np.arange(n), "copy", 0, nothing, ((),) * n, nothing
    )


def small_network(channels: int, n_classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(channels * 72, n_classes))


@pytest.mark.parametrize("classifier", [None, small_network, LogisticRegression(C=0.1, max_iter=500)])
def test_every_arm_learns_with_every_kind_of_classifier(classifier: Any) -> None:
    train, test = shapes((30, 30, 8), 0), shapes((12, 12, 12), 1)
    config = EvaluateConfig(seeds=2, steps=50, batch_size=16, arms=tuple(ARMS))
    before = torch.get_rng_state()
    made, ungated = drawn(shapes((0, 0, 22), 2)), drawn(shapes((0, 0, 20), 3))
    found = evaluate(train, made, test, config, quiet=True, classifier=classifier, ungated=ungated)
    assert torch.equal(torch.get_rng_state(), before)
    arms = {a.name: a for a in found.arms}
    assert list(arms) == list(ARMS)
    assert [a.n_train for a in found.arms] == [68] * 5 + [90] * 5 + [82] + [88] * 5  # 82: without the 8 real ones of c
    strongest = max(WAYS, key=lambda name: arms[name].balanced_accuracy.value)
    assert [(c.arm, c.baseline) for c in found.comparisons] == [(name, strongest) for name in ARMS if name not in WAYS]
    assert min(a.balanced_accuracy.value for a in found.arms) > 0.5  # chance is a third
    assert arms[SYNTHETIC_ONLY].recall["c"].value > 0.8
    assert found.steps == (0 if isinstance(classifier, LogisticRegression) else 50)
    if classifier is small_network:
        again = evaluate(train, made, test, config, quiet=True, classifier=classifier, ungated=ungated)
        assert found == again


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


def test_images_that_the_gate_rejects_are_compared_and_never_give_the_verdict() -> None:
    train, test = shapes((30, 20, 3), 0), shapes((12, 12, 12), 1)
    bad, good = shapes((0, 0, 30), 2), shapes((0, 0, 30), 3)
    wrong = drawn(LabeledData(Pixels(bad.x[torch.arange(30)].flip(-1)), bad.y, CLASSES, bad.ids))
    config = EvaluateConfig(seeds=2, steps=60, batch_size=16, arms=("real", "real + synthetic", "real + ungated"))
    for passes, raw in ((good_ones := drawn(good), wrong), (wrong, good_ones)):
        found = evaluate(train, passes, test, config, quiet=True, ungated=raw)
        arms = {arm.name: arm.recall["c"].value for arm in found.arms}
        better, worse = ("synthetic", "ungated") if passes is good_ones else ("ungated", "synthetic")
        assert arms[f"real + {better}"] > arms[f"real + {worse}"]
        assert found.why == found.comparisons[0].why and found.comparisons[0].arm == "real + synthetic"
        alone = evaluate(train, passes, test, replace(config, arms=config.arms[:2]), quiet=True)
        assert alone.comparisons == found.comparisons[:1]  # nor does it change it
    with pytest.raises(ValueError, match=r"'real \+ ungated'.*give ungated"):
        evaluate(train, good_ones, test, config)


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


def test_the_rarest_class_is_named_first() -> None:
    train, made = shapes((30, 7, 3), 0), drawn(shapes((0, 9, 9), 1))
    config = EvaluateConfig(seeds=2, steps=10, batch_size=16, arms=("real", "real + synthetic"))
    assert evaluate(train, made, shapes((9, 9, 9), 2), config, quiet=True).rare == ("c", "b")
