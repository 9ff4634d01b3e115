"""Label safety: flips harm digits, small moves do not, and few images are no ground for a verdict."""

import numpy as np
import pytest
import torch

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.label_safety import ALL, CANNOT_TELL, SAFE, UNSAFE
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.read import DataConfig, read_parts
from gensynth.kinds.image.samplers.recipe_safety import recipe_safety

RECIPES = ("hflip", "vflip", "hflip+vflip", "rotate", "affine", "brightness")


@pytest.fixture(scope="module")
def digits():
    return read_parts("builtin:digits", DataConfig())


@pytest.fixture(scope="module")
def safety(digits):
    return recipe_safety(digits.train, recipes=RECIPES)


def row(safety, recipe, label):
    return next(r for r in (*safety.pooled, *safety.by_class) if (r.recipe, r.label) == (recipe, label))


def test_flips_harm_digits_and_small_moves_do_not(safety):
    for label in "2345679":
        assert row(safety, "hflip", label).verdict == UNSAFE or label == "9"
    assert [row(safety, "vflip", label).verdict for label in "24567"] == [UNSAFE] * 5
    assert row(safety, "hflip", "2").taken_for == "5"
    upside_down = row(safety, "hflip+vflip", "6")
    assert (upside_down.verdict, upside_down.taken_for) == (UNSAFE, "9")
    assert [row(safety, recipe, ALL).verdict for recipe in RECIPES] == [UNSAFE] * 3 + [SAFE] * 3
    assert UNSAFE not in {r.verdict for r in safety.by_class if r.recipe in ("rotate", "affine", "brightness")}
    for label in "234567":
        assert {"rotate", "affine", "brightness"} == set(safety.safe_for(label))
    assert row(safety, "hflip", "0").verdict == SAFE and "hflip" in safety.safe_for("0")


def test_rows_are_consistent(safety):
    for r in (*safety.pooled, *safety.by_class):
        assert r.low <= r.fall <= r.high and r.fall == pytest.approx(r.before - r.after)
    for recipe in RECIPES:
        mine = [r for r in safety.by_class if r.recipe == recipe]
        assert sum(r.n for r in mine) == row(safety, recipe, ALL).n == 1000
        assert sum(r.n * r.after for r in mine) == pytest.approx(1000 * row(safety, recipe, ALL).after)


def test_is_a_function_of_data_and_seed(digits):
    before = torch.get_rng_state()
    train = digits.train.subset(np.arange(0, len(digits.train), 4))
    one, two, other = (recipe_safety(train, digits.validation, ["affine"], seed) for seed in (1, 1, 2))
    assert one == two and one != other
    assert torch.equal(torch.get_rng_state(), before)


def test_held_out_images_are_those_that_are_asked_about(digits):
    fours = digits.validation.subset(digits.validation.y == 4)
    found = recipe_safety(digits.train, fours, ["vflip"])
    assert [(r.label, r.n) for r in found.by_class] == [("4", len(fours))]
    assert found.pooled[0].n == len(fours) and found.by_class[0].verdict == UNSAFE


def test_a_move_that_changes_the_class_is_found_though_the_judge_is_taught_moves():
    """Classes that differ by where a dot is: one pixel apart, and moves are of up to two."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.integers(0, 20, (400, 1, 24, 24)).astype(np.uint8))
    y = np.arange(400) % 2
    for image, label in zip(x, y, strict=True):
        image[0, 10:14, 8 + label : 12 + label] = 255
    data = LabeledData(Pixels(x), y.astype(np.int64), ("left", "right"), tuple(map(str, range(400))))
    found = row(recipe_safety(data, recipes=["affine"]), "affine", ALL)
    assert found.before > 0.9 and found.verdict == UNSAFE


def test_text(safety):
    lines = safety.as_text("image").splitlines()
    assert len(lines) == 2 + len(RECIPES) and "1000 held-out real images" in lines[0]
    flip = next(line for line in lines if line.startswith("hflip "))
    assert "unsafe for " in flip and "as 5)" in flip and "safe for 0" in flip
    assert next(line for line in lines if line.startswith("brightness")).endswith("safe for each")


def test_few_images_give_no_verdict(digits):
    few = digits.train.subset(np.concatenate([np.flatnonzero(digits.train.y == label)[:12] for label in range(10)]))
    found = recipe_safety(few, recipes=["affine", "brightness"])
    assert {r.verdict for r in found.by_class} == {CANNOT_TELL}


def test_says_what_is_wrong(digits, tiny):
    with pytest.raises(ValueError, match="one image each, got affine.mixup; "):
        recipe_safety(digits.train, recipes=["rotate", "affine+mixup"])
    with pytest.raises(ValueError, match="got none"):
        recipe_safety(digits.train, recipes=[])
    with pytest.raises(ValueError, match="must have the training images' classes and shape"):
        recipe_safety(digits.train, tiny)
    with pytest.raises(ValueError, match="at least two classes of two training images.*'1': 24, '7': 1, '8': 0"):
        recipe_safety(tiny.subset(np.arange(25)))
    with pytest.raises(ValueError, match="unknown recipe 'fog'"):
        recipe_safety(tiny, recipes=["fog"])
