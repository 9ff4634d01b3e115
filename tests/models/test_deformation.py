"""Learned deformation: fields that never fold, changes that common classes teach rare ones, strength by a judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gensynth.models.deformation import STRENGTHS, UNJUDGED, Deformation, DeformationConfig, partners
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gensynth.data.labeled import LabeledData
from gensynth.generator.checkpoint import build, load_checkpoint
from gensynth.kinds.image.generator.train import TrainConfig, train
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.warp import deform, displacement, folds, positions, unfolded


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model_of(data: LabeledData, **settings: Any) -> Deformation:
    model = build("deformation", DeformationConfig(width=4, **settings), data.x.layout, data.classes, 0)
    assert isinstance(model, Deformation)
    return model


def remembering(data: LabeledData, fields: float | None, **settings: Any) -> Deformation:
    """A model that has seen `data`; its decoder gives random fields of this size, or the ones it begins with."""
    model = model_of(data, **settings)
    if fields is not None:
        nn.init.normal_(model.decoder.to_fields.weight, 0.0, fields, generator=rng())
    model.remember(iter([(data.x[:], torch.from_numpy(data.y), data.ids)]))
    return model


class TestDisplacement:
    def test_a_constant_velocity_moves_by_itself(self) -> None:
        velocity = torch.tensor([0.3, -0.1]).view(1, 2, 1, 1).expand(1, 2, 7, 7)
        assert torch.allclose(displacement(velocity, 28, 20), velocity[..., :1, :1], atol=1e-5)

    def test_hardly_folds_where_straight_steps_would(self) -> None:
        velocity = torch.randn(64, 2, 7, 7, generator=rng()) * 0.1  # a third of the distance between control points
        assert folds(displacement(velocity, 28, 28)).mean() < 0.001
        straight = nn.functional.interpolate(velocity, (28, 28), mode="bicubic", align_corners=True)
        assert folds(straight).mean() > 0.02

    def test_the_opposite_velocity_leads_back(self) -> None:
        velocity = torch.randn(8, 2, 7, 7, generator=rng()) * 0.05  # about what is learnt from 28 x 28 pixels
        forth, back = displacement(velocity, 28, 28), displacement(-velocity, 28, 28)
        there = (positions(28, 28, velocity.device) + forth).permute(0, 2, 3, 1)
        left = forth + nn.functional.grid_sample(back, there, padding_mode="border", align_corners=True)
        inside = left[..., 6:-6, 6:-6]  # what leaves the image does not come back
        assert inside.abs().mean() < 0.1 * forth.abs().mean()


class TestFolds:
    def test_are_measured(self) -> None:
        u = torch.zeros(2, 2, 9, 9)
        u[0, 0] = -2 * positions(9, 9, u.device)[0, 0]  # left and right exchanged
        assert folds(u).tolist() == [1.0, 0.0]

    @settings(max_examples=20, deadline=None)
    @given(st.floats(0, 50), st.integers(8, 40), st.integers(8, 40), st.integers(0, 100))
    def test_nothing_folds_however_rough(self, size: float, height: int, width: int, seed: int) -> None:
        fields = torch.randn(4, 3, 7, 5, generator=rng(seed)) * size
        smoothed = unfolded(fields, height, width)
        assert (folds(displacement(smoothed[:, :2], height, width)) == 0).all()
        assert torch.equal(smoothed[:, 2:], fields[:, 2:]), "the tone stays"

    def test_an_image_is_weakened_by_itself_and_smooth_ones_stay(self) -> None:
        smooth, rough = (torch.randn(1, 3, 7, 7, generator=rng()) * size for size in (0.02, 1.0))
        both = unfolded(torch.cat([smooth, rough]), 28, 28)
        assert torch.equal(both[:1], smooth) and 0 < both[1].abs().max() < rough[0].abs().max()

    def test_rough_models_say_so(self, tiny: LabeledData) -> None:
        assert remembering(tiny, 0.01).diagnose(1.0) == ()
        (note,) = remembering(tiny, 3.0, strength=1.0).diagnose(1.0)
        assert "would fold the image and are weakened: raise --model.smooth" in note


class TestDeform:
    @pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
    def test_no_fields_change_nothing(self, mode: str) -> None:
        x = torch.rand(2, 3, 12, 16, generator=rng()) * 2 - 1
        assert torch.allclose(deform(x, torch.zeros(2, 5, 7, 9), mode), x, atol=1e-5)

    def test_tone_keeps_black_white_and_order(self) -> None:
        x = torch.linspace(-1, 1, 64).view(1, 1, 8, 8)
        fields = torch.zeros(1, 3, 7, 7)
        for tone in (-1.0, 1.0):
            fields[:, 2] = tone
            y = deform(x, fields).flatten()
            assert y[0] == pytest.approx(-1, abs=1e-4) and y[-1] == pytest.approx(1, abs=1e-4)
            assert (y.diff() > 0).all()
            assert (y.mean() > x.mean()) == (tone > 0)

    def test_moves_by_what_it_says(self) -> None:
        x = torch.zeros(1, 1, 9, 9)
        x[..., 4, 4] = 1.0
        fields = torch.zeros(1, 3, 7, 7)
        fields[:, 0] = 2 / 8  # the distance of two pixels: each takes the value of the one to its right
        assert deform(x, fields)[0, 0].flatten().argmax() == 4 * 9 + 3


def test_partners_are_other_images_of_the_class() -> None:
    y, ids = torch.tensor([0, 0, 0, 1, 1, 2]), torch.tensor([7, 8, 9, 5, 5, 6])
    seen = {tuple(partners(y, ids, rng(seed)).tolist()) for seed in range(50)}
    assert {p[0] for p in seen} == {1, 2} and {p[1] for p in seen} == {0, 2}
    assert {p[3:] for p in seen} == {(3, 4, 5)}, "the same image drawn twice, and one alone, go with themselves"


def blobs(shapes: Tensor, across: np.ndarray) -> Tensor:
    """A shape (h, w) of each image, moved across by whole pixels on a 16 x 16 canvas."""
    x = torch.zeros(len(across), 1, 16, 16, dtype=torch.uint8)
    for image, shape, shift in zip(x, shapes, across, strict=True):
        image[0, 5 : 5 + shape.shape[0], 6 + shift : 6 + shift + shape.shape[1]] = shape
    return x


def test_a_rare_class_is_moved_as_common_ones_are(tmp_path: Path) -> None:
    """Common shapes are shifted across only; the rare one, seen at one place, is then shifted so too."""
    square, bar = torch.full((5, 5), 250), torch.full((6, 2), 250)
    cross = torch.zeros(5, 5, dtype=torch.int64)
    cross[2], cross[:, 2] = 250, 250
    across = np.random.default_rng(0).integers(-4, 5, 120)
    shapes = torch.stack([square] * 60 + [cross] * 60)
    x = torch.cat([blobs(shapes, across), blobs(bar.expand(2, -1, -1), np.array([0, 0]))])
    y = np.repeat([0, 1, 2], [60, 60, 2])
    data = LabeledData(Pixels(x), y, ("square", "cross", "bar"), tuple(f"{i}" for i in range(len(y))))
    config = TrainConfig(steps=250, batch_size=32, precision="32-true", accelerator="cpu")
    path = train(data, "deformation", DeformationConfig(width=8, strength=1.0), config, tmp_path / "d.ckpt", quiet=True)
    drawn = load_checkpoint(path).model.sample("bar", np.arange(128), 0)
    light = drawn.x[:, 0].double()
    total = light.sum((1, 2))
    spread = [float((light.sum(d) * torch.arange(16)).sum(1).div(total).std()) for d in (1, 2)]
    assert spread[0] > 1 and spread[0] > 3 * spread[1], "its places vary as theirs do: across, not up and down"
    assert {parent for each in drawn.parents for parent in each} == {"120", "121"}
    assert float(light.flatten(1).amax(1).min()) > 150, "and stays bright"


class TestStrength:
    def test_is_the_largest_at_which_the_judge_agrees(self, tiny: LabeledData) -> None:
        assert remembering(tiny, None).strength == max(STRENGTHS), "no change is recognised"
        assert remembering(tiny, 0.5).strength == min(STRENGTHS), "wild ones are not"
        found = [remembering(tiny, size).strength for size in (0.01, 0.05, 0.2)]
        assert found == sorted(found, reverse=True)

    def test_can_be_given(self, tiny: LabeledData) -> None:
        assert remembering(tiny, 0.5, strength=0.9).strength == 0.9

    def test_one_class_has_no_judge(self, tiny: LabeledData) -> None:
        assert remembering(tiny.subset(np.arange(20)), 0.5).strength == UNJUDGED

    def test_scales_the_change(self, tiny: LabeledData) -> None:
        model, changes = remembering(tiny, 0.03, strength=1.0), []
        for model.strength in (1e-6, 0.3, 1.0):
            drawn = model.sample("7", np.arange(32), 0)
            sources = torch.stack([model.sources[model.source_ids.index(name)] for (name,) in drawn.parents])
            changes.append(float((drawn.x[:].float() - sources.float()).abs().mean()))
        assert changes[0] < 1 < changes[1] < changes[2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strength": 0.0}, r"strength must lie in \(0, 2\], got 0.0; leave it out"),
        ({"strength": 3.0}, "got 3.0"),
        ({"lr": 0.0}, "must be positive"),
        ({"beta": -1.0}, "not negative"),
    ],
)
def test_says_what_is_wrong(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DeformationConfig(**settings)
