"""Recipes: every transformation keeps the contract, names its parents and touches nobody else's random state."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.folder import ImageFiles, read_folder
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.samplers.recipe_catalog import MIXING, NEEDS_COLOUR, SINGLE, Around, steps_of, treat
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.sampler.synthetic import Synthetic

ALL = [*SINGLE, *MIXING, "affine+noise", "cutmix+elastic"]
SHAPES = [(1, 8, 8), (3, 32, 24)]


def pictures(shape, counts=(6, 4), classes=("cat", "wet dog"), seed=0):
    """Smooth random pictures; no two are equal."""
    rng = np.random.default_rng(seed)
    c, h, w = shape
    coarse = torch.from_numpy(rng.uniform(20, 235, (sum(counts), c, 3, 3))).float()
    x = torch.nn.functional.interpolate(coarse, (h, w), mode="bilinear", align_corners=True).to(torch.uint8)
    return LabeledData(
        Pixels(x), np.repeat(np.arange(len(counts)), counts), classes, tuple(f"{i}.png" for i in range(len(x)))
    )


def stated(how):
    """The soft label of a mixed image, as it is written."""
    shares = {}
    for part in how.partition(": ")[2].split(" / "):
        share, name = part.split(" ", 1)
        shares[name] = shares.get(name, 0) + float(share)
    return shares


@pytest.mark.parametrize("recipe", ALL)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_recipe_makes_images_of_the_same_kind(recipe, shape):
    if recipe in NEEDS_COLOUR and shape[0] == 1:
        with pytest.raises(ValueError, match=f"recipe '{recipe}' changes colours, and these images are grey; use one"):
            Recipes(recipe).fit(pictures(shape))
        return
    data = pictures(shape)
    sampler = Recipes(recipe).fit(data)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    drawn = sampler.sample("wet dog", 20, seed=3)
    assert torch.equal(torch.get_rng_state(), before[0]) and np.array_equal(np.random.get_state()[1], before[1])
    assert drawn.x[:].dtype == torch.uint8 and drawn.x.shape == (20, *shape)
    assert drawn.y.tolist() == [1] * 20 and {how.split(":")[0] for how in drawn.how} == {recipe}
    originals = torch.stack([data.x[data.ids.index(parents[0])] for parents in drawn.parents])
    changed = (drawn.x[:] != originals).flatten(1).any(dim=1)
    assert changed.float().mean() > 0.3  # AutoAugment often draws nothing, or what does nothing to grey images
    again = Synthetic.concat([sampler.sample("wet dog", 5, 3), sampler.sample("wet dog", 15, 3, start=5)])
    assert torch.equal(again.x[:], drawn.x[:]) and (again.how, again.parents) == (drawn.how, drawn.parents)


@pytest.mark.parametrize("shape", [(1, 256, 200), (3, 9, 31)])
@pytest.mark.parametrize(
    "recipe", ["elastic", "blur", "crop", "perspective", "autoaugment", "trivialaugment", "cutmix"]
)
def test_odd_sizes(recipe, shape):
    assert Recipes(recipe).fit(pictures(shape)).sample("cat", 2, 0).x.shape == (2, *shape)


def test_every_image_is_a_parent_before_one_is_it_twice():
    data = pictures((1, 8, 8))
    parents = [each for (each,) in Recipes("rotate").fit(data).sample("cat", 15, 0).parents]
    assert sorted(parents[:6]) == sorted(parents[6:12]) == list(data.ids[:6])
    assert parents[:6] != parents[6:12] and set(parents[12:]) < set(data.ids[:6])


def test_a_flip_is_of_the_parent_named():
    data = pictures((3, 32, 24))
    drawn = Recipes("hflip").fit(data).sample("cat", 6, 0)
    for image, (parent,) in zip(drawn.x, drawn.parents, strict=True):
        assert torch.equal(image, data.x[data.ids.index(parent)].flip(2))


def test_mixed_images_are_what_their_soft_label_says():
    data = pictures((1, 8, 8))
    drawn = Recipes("mixup").fit(data).sample("wet dog", 40, 0)
    soft = [stated(how) for how in drawn.how]
    assert all(sum(each.values()) == pytest.approx(1) and each["wet dog"] >= 0.5 for each in soft)
    assert 0 < np.mean(["cat" in each for each in soft]) < 1
    for image, (one, two), how in zip(drawn.x, drawn.parents, drawn.how, strict=True):
        a, b = (data.x[data.ids.index(parent)].float() for parent in (one, two))
        share = float(how.removeprefix("mixup: ").split(" ")[0])
        assert one != two
        assert (share * a + (1 - share) * b - image).abs().max() <= 0.51 + 255e-4  # pixels and shares are rounded


def test_cutmix_counts_the_pixels_of_each_parent():
    white, black = torch.full((1, 10, 10), 255, dtype=torch.uint8), torch.zeros(1, 10, 10, dtype=torch.uint8)
    data = LabeledData(Pixels(torch.stack([white, black])), np.array([0, 1]), ("white", "black"), ("w", "b"))
    drawn = Recipes("cutmix").fit(data).sample("white", 30, 0)
    white = [stated(how)["white"] for how in drawn.how]
    assert white == pytest.approx(drawn.x[:].float().mean((1, 2, 3)).numpy() / 255, abs=1e-4)


@pytest.mark.parametrize("background", [0, 90, 255])
def test_what_moves_in_has_the_colour_of_the_border(background):
    image = torch.full((3, 20, 30), background, dtype=torch.uint8)
    assert Around.of(image).colour == [background] * 3 and Around.of(image).plain
    low, high = sorted((background, 128))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        for recipe in ("affine", "rotate", "perspective", "elastic", "erase") * 5:
            assert torch.equal(treat(image, (recipe,))[0], image), recipe  # no fringe, no corner
            dotted = image.clone()
            dotted[:, 8:12, 12:18] = 128
            moved = treat(dotted, (recipe,))[0]
            assert moved.min() >= low and moved.max() <= high and not torch.equal(moved, image), recipe


def test_images_on_disk(tmp_path):
    from PIL import Image

    for label, image, name in zip("aaabb", pictures((3, 16, 16), (3, 2), ("a", "b")).x, "12345", strict=True):
        (tmp_path / label).mkdir(exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / label / f"{name}.png")
    on_disk, in_memory = read_folder(tmp_path, memory_gb=0), read_folder(tmp_path)
    assert isinstance(on_disk.x, ImageFiles)
    for recipe in ("affine", "mixup"):
        a, b = (Recipes(recipe).fit(data).sample("b", 7, 1) for data in (on_disk, in_memory))
        assert torch.equal(a.x[:], b.x[:]) and a.parents == b.parents


def test_auto_draws_what_is_safe_for_the_class(parts):
    sampler = Recipes("auto").fit(parts.train.subset(np.isin(parts.train.y, (2, 5, 7, 8))))
    assert clone(sampler).recipe == "auto" and not hasattr(clone(sampler), "safety_")
    for label in ("5", "8"):  # of 8 there are 20 images, too few to tell much by themselves
        used = set(sampler.sample(label, 200, 0).how)
        assert used == set(sampler.safety_.safe_for(label))
        assert used >= {"rotate", "affine", "brightness", "contrast"}
        assert not used & {*NEEDS_COLOUR, *MIXING}
        assert not used & {"hflip", "vflip"} or label == "8"  # an 8 may be flipped


def test_auto_says_so_where_nothing_is_safe(tiny):
    few = tiny.subset(np.r_[0:3, 24:27, 48:51])
    sampler = Recipes("auto").fit(few)
    with pytest.raises(ValueError, match=r"no transformation that is measured to be safe for class '8' \(3 images\)"):
        sampler.sample("8", 1, 0)


def test_says_what_is_wrong(tiny):
    with pytest.raises(ValueError, match="unknown recipe 'afine'; known: hflip, .*cutmix, .*Did you mean 'affine'"):
        Recipes("affine+afine").fit(tiny)
    with pytest.raises(ValueError, match="unknown recipe 'auto'; .* 'auto' alone"):
        Recipes("auto+noise").fit(tiny)
    with pytest.raises(ValueError, match="mixes more than once; name one of mixup, cutmix"):
        steps_of("mixup+affine+cutmix", 1)
    with pytest.raises(ValueError, match="mixes two images, got 1"):
        Recipes("mixup").fit(tiny.subset([0]))
    with pytest.raises(ValueError, match="recipes need images to transform, got none"):
        Recipes().fit(tiny.subset([]))
    with pytest.raises(NotFittedError, match="not fitted"):
        Recipes().sample("8", 1, 0)
    assert Recipes().fit(tiny.subset(np.arange(30))).labels == ("1", "7")
