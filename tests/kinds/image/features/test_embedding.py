"""Extractors and the embedding on top of them: stamps, and any network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.judge import Judge
from gensynth.kinds.image.features.catalog import get_extractor
from gensynth.kinds.image.features.embedding import Embedding
from gensynth.kinds.image.features.extractor import BATCH, Extractor, weights_hash
from gensynth.kinds.image.features.module_features import ModuleFeatures
from gensynth.kinds.image.features.pyramid import Pyramid

STAMP = {"name", "weights_sha256", "resize", "domain"}


class Pixels(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


class Doubled(Extractor):
    """Pixels twice: the second block is 1,000 times as large, and says nothing new."""

    def __init__(self, blocks: tuple[int, ...]) -> None:
        self.blocks = blocks
        self.stamp = {"name": "doubled", "weights_sha256": "", "resize": "none", "domain": "none"}

    def _features(self, images: Tensor) -> np.ndarray:
        x = images.flatten(1).double().numpy()
        return np.concatenate([x, 1000 * x[:, ::-1]], axis=1)


def random_images(n: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.5))


def test_the_built_in_extractor_is_the_default(tiny: LabeledData) -> None:
    given = Embedding.fit(tiny.x, extractor=Pyramid(1, 3))
    default = Embedding.fit(tiny.x, seed=3)
    assert np.array_equal(given(tiny.x), default(tiny.x[:])) and given.stamp == default.stamp
    assert set(Pyramid(1).stamp) == STAMP < set(default.stamp)
    assert Pyramid(1, 0).stamp == Pyramid(1, 0).stamp != Pyramid(1, 1).stamp


def test_the_built_in_features_are_what_they_were(tiny: LabeledData) -> None:
    # Figures of version 0.1.0, before there were other extractors.
    embedding = Embedding.fit(tiny.x)
    raw = Pyramid(1)(tiny.x)
    assert raw.shape == (72, 1088) and embedding(tiny.x).shape == (72, 18)
    assert raw[5].sum() == pytest.approx(74.985739, rel=1e-5)
    assert np.abs(embedding(tiny.x)[7, :4]) == pytest.approx([2.891430, 1.089266, 0.318275, 1.036940], rel=1e-4)


def test_batches_change_nothing() -> None:
    x = random_images(BATCH + 5, 3, 12, 12)
    for extractor in (Pyramid(3), ModuleFeatures(small_network(), "small", 16)):
        whole = extractor(x)
        assert whole.dtype == np.float64 and len(whole) == BATCH + 5
        assert extractor(x[BATCH:]) == pytest.approx(whole[BATCH:], abs=1e-5)


def test_blocks_weigh_the_same_whatever_their_scale() -> None:
    x = random_images(64, 1, 3, 3)
    plain = ModuleFeatures(Pixels(), "pixels", channels=1)
    together = Embedding.fit(x, extractor=Doubled((9, 9)))
    assert together(x) == pytest.approx(Embedding.fit(x, extractor=plain)(x), abs=1e-6)
    assert Embedding.fit(x, extractor=Doubled(())).components[:9] == pytest.approx(0, abs=1e-6)


def test_any_extractor_reaches_judge_and_distances(tiny: LabeledData) -> None:
    for extractor in (Pyramid(1), ModuleFeatures(Pixels(), "pixels", 6)):
        embedding = Embedding.fit(tiny.x, extractor=extractor)
        wide = embedding.wide(tiny.x)
        assert wide.var(axis=0) == pytest.approx(1, abs=1e-6)
        assert np.array_equal(embedding.narrow(wide), embedding(tiny.x[:]))
        assert (embedding(tiny.x) ** 2).mean() == pytest.approx(1)
        assert (Judge.fit(wide, tiny.y, 3, 0).out_of_fold.argmax(1) == tiny.y).mean() > 0.8


def test_a_module_is_used_as_a_frozen_copy() -> None:
    network = small_network().train()
    x = random_images(4, 3, 8, 8)
    extractor = ModuleFeatures(network, "small")
    before = extractor(x)
    assert np.array_equal(extractor(x), before)  # neither dropout nor batch statistics
    assert network.training and all(p.requires_grad for p in network.parameters())
    with torch.no_grad():
        network[0].weight.zero_()
    assert np.array_equal(extractor(x), before)
    assert before.shape == (4, 6)  # maps are averaged over places
    assert ModuleFeatures(network, "small").stamp["weights_sha256"] != extractor.stamp["weights_sha256"]


def test_grey_images_fill_the_channels_and_pixels_are_normalised() -> None:
    grey = random_images(3, 1, 5, 5)
    extractor = ModuleFeatures(Pixels(), "pixels", mean=(0.5, 0.5, 0.25), std=(0.5, 0.25, 0.25))
    expected = (grey.double() / 255 - torch.tensor([0.5, 0.5, 0.25]).view(3, 1, 1)) / torch.tensor(
        [0.5, 0.25, 0.25]
    ).view(3, 1, 1)
    assert extractor(grey) == pytest.approx(expected.flatten(1).numpy(), abs=1e-5)
    assert np.array_equal(extractor(grey), extractor(grey.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("side", [7, 24])
def test_resizing_is_pillows_without_its_rounding(side: int) -> None:
    x = random_images(2, 1, 19, 19)
    mine = ModuleFeatures(Pixels(), "pixels", side, channels=1)(x) * 255
    for image, row in zip(x, mine, strict=True):
        pillow = Image.fromarray(image[0].float().numpy(), mode=None).resize((side, side), Image.Resampling.BICUBIC)
        assert row.reshape(side, side) == pytest.approx(np.asarray(pillow), abs=0.01)
    assert (mine % 1).std() > 0.1


def test_what_is_not_images_or_features_is_refused() -> None:
    pixels = ModuleFeatures(Pixels(), "pixels")
    with pytest.raises(TypeError, match="must be uint8 .* got torch.float32"):
        pixels(torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"'pixels' needs at least one image, shape \(n, c, h, w\); got shape \(0, 3"):
        pixels(random_images(0, 3, 8, 8))
    with pytest.raises(ValueError, match="'pixels' reads 3 channels or grey images, got 2 channels"):
        pixels(random_images(2, 2, 8, 8))
    with pytest.raises(
        ValueError, match=r"must return a tensor of shape \(n, p\).*it returned a tensor of shape \(2, 3,"
    ):
        ModuleFeatures(nn.Flatten(2), "flat")(random_images(2, 3, 8, 8))


def test_the_hash_is_of_names_and_values() -> None:
    a, b = torch.arange(4.0), torch.ones(2, dtype=torch.bfloat16)
    digest = weights_hash({"a": a, "b": b})
    assert digest == weights_hash({"b": b, "a": a}) and len(digest) == 64
    assert len({digest, weights_hash({"a": b, "b": a}), weights_hash({"a": a.view(2, 2), "b": b})}) == 3
    assert weights_hash({"a": a[::2]}) == weights_hash({"a": a[::2].clone()})


def test_extractors_are_found_by_name(tiny: LabeledData) -> None:
    assert get_extractor("pyramid", tiny, 2).stamp == Pyramid(1, 2).stamp
    with pytest.raises(ValueError, match="unknown extractor 'pyramyd'; allowed: pyramid, task, .* mean 'pyramid'"):
        get_extractor("pyramyd", tiny)
    with pytest.raises(ValueError, match="task reads no weights, but w.pth was given; .* imagenet, inception, dinov2"):
        get_extractor("task", tiny, weights="w.pth")


def test_embedding_is_the_same_for_any_split_into_calls_and_any_refit(tiny: LabeledData) -> None:
    a, b = Embedding.fit(tiny.x), Embedding.fit(tiny.x)
    whole = a(tiny.x[:])
    assert whole.dtype == np.float64 and whole.shape[0] == 72 and whole.shape[1] <= 64
    parts = np.concatenate([a(tiny.x[:3]), a(tiny.x[3:])])
    assert parts == pytest.approx(whole, abs=1e-4)
    assert a.stamp == b.stamp and a.stamp != Embedding.fit(tiny.x, seed=1).stamp
    assert {"name", "hash", "resize", "domain"} <= set(a.stamp)


def test_embedding_keeps_global_randomness(tiny: LabeledData) -> None:
    before = torch.get_rng_state()
    Embedding.fit(tiny.x)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("shape", [(3, 48, 32), (1, 5, 7), (3, 16, 16)])
def test_embedding_of_other_shapes(shape):
    x = torch.randint(0, 256, (24, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    features = Embedding.fit(x)(x)
    assert np.isfinite(features).all() and len(np.unique(features.round(6), axis=0)) == 24


def test_embedding_refuses_what_it_cannot_read(tiny: LabeledData) -> None:
    embedding = Embedding.fit(tiny.x)
    with pytest.raises(ValueError, match=r"\(1, 8, 8\) like the training images, got \(2, 1, 9, 9\)"):
        embedding(torch.zeros(2, 1, 9, 9, dtype=torch.uint8))
    with pytest.raises(TypeError, match="must be uint8 .* got torch.float32"):
        embedding(torch.zeros(2, 1, 8, 8))
    with pytest.raises(ValueError, match="at least 2 different training images"):
        Embedding.fit(torch.zeros(5, 1, 8, 8, dtype=torch.uint8))
