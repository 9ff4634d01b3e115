"""How the way `augmented` changes images: chosen on training images, once, and told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from two_kinds import drawn, shapes

from gensynth.evaluate.evaluate import evaluate
from gensynth.kinds.image.classifier import networks
from gensynth.kinds.image.classifier.best_recipe import Recipe, Trial, Tried, best_recipe
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.classifier.networks import Networks

CONFIG = EvaluateConfig(seeds=2, steps=20, batch_size=16, arms=("augmented", "augmented + synthetic"))


def chosen(tried: dict[str, Tried]) -> Recipe:
    """Choose among recipes that all leave images nearly as they are."""

    def find(recipes: list[str]) -> dict[str, Tried]:
        assert recipes == ["augmented", "contrast", "brightness"]
        return tried

    # Every class has enough images to be told, and is told by the place of a bar: mirrored ones are not safe.
    return best_recipe(Trial("on them", shapes((60, 60, 60), 0), ("hflip", "contrast", "brightness"), find))  # type: ignore[arg-type]


def test_the_surest_of_those_that_keep_the_class_is_taken() -> None:
    small, ahead = Tried(0.8, 0.8), Tried(0.85, 0.82)
    found = chosen({"augmented": small, "contrast": Tried(0.9, 0.79), "brightness": ahead})
    assert found.note == (
        "The way augmented changes images by brightness, chosen on them (a small affine 80.0%, contrast 90.0%, "
        "brightness 85.0%; not measured to keep the class: hflip)."
    )
    assert chosen({"augmented": small, "contrast": Tried(0.9, 0.79), "brightness": Tried(0.8, 0.8)}).name == "augmented"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """The trials that are made, whatever other tests have chosen."""
    found: list[Trial] = []

    def record(trial: Trial) -> Recipe:
        found.append(trial)
        trial.tried(["augmented", "colour"])
        return Recipe("colour", ", because")

    monkeypatch.setattr(networks, "_chosen", {})
    monkeypatch.setattr(networks, "best_recipe", record)
    return found


def test_a_choice_is_made_once_and_sees_no_test_image(asked: list[Trial], monkeypatch: pytest.MonkeyPatch) -> None:
    train, seen = shapes((12, 12, 12), 0), list[Any]()
    fit = Networks.try_way

    def watched(self: Networks, way: str, *rest: Any) -> Any:
        seen.append((self.training, rest[0], rest[2]))
        return fit(self, way, *rest)

    monkeypatch.setattr(Networks, "try_way", watched)
    tests = [shapes((4, 4, 4), seed) for seed in (1, 2)]
    found = [evaluate(train, drawn(train, "c"), test, CONFIG, quiet=True) for test in tests]
    assert all("The way augmented changes images by colour, because." in e.notes for e in found)
    assert len(asked) == 1 and asked[0].images is train
    inside = [(training, part, held_out) for training, part, held_out in seen if training.recipe is not None]
    assert [training.recipe for training, _, _ in inside] == ["augmented", "colour"]
    for training, part, held_out in inside:
        assert (training.steps, training.seeds) == (10, networks.SEEDS)
        assert {*part.ids} | {*held_out.ids} == {*train.ids} and not {*part.ids} & {*held_out.ids}


def test_a_recipe_changes_what_is_learned_and_is_told_of_kept_arms(asked: list[Trial], tmp_path: Path) -> None:
    train, test = shapes((12, 12, 12), 0), shapes((4, 4, 4), 1)
    found = [evaluate(train, drawn(train, "c"), test, CONFIG, quiet=True, kept=tmp_path) for _ in range(2)]
    assert found[0] == found[1] and "by colour, because." in found[1].notes[-1]
    fixed = replace(Networks.of(train, CONFIG), training=replace(Networks.of(train, CONFIG).training, recipe="crop"))
    p = [n.try_way("augmented", train, None, test, lambda done: None).raw for n in (fixed, Networks.of(train, CONFIG))]
    assert abs(p[0] - p[1]).max() > 1e-3
