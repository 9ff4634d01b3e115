"""What the contract does not know: the options of single models, and the blocks they share."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_lightning.strategies import Strategy

from gensynth.data.labeled import LabeledData
from gensynth.generator import base as generator
from gensynth.generator import losses
from gensynth.generator.augment import AUGMENTATIONS, differentiable_augmentation
from gensynth.generator.batches import Batches, one_ahead
from gensynth.generator.checkpoint import build, load_checkpoint
from gensynth.generator.layers import Ema, GridToImage, ImageToGrid, start_grid
from gensynth.generator.losses import gradient_penalty
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.generator.scope import scope_of
from gensynth.kinds.image.generator.train import TrainConfig, TrainingDiverged, train
from gensynth.kinds.image.images import Pixels

QUICK = TrainConfig(steps=2, batch_size=8, precision="32-true", accelerator="cpu")


def trained(name: str, data: LabeledData, folder: Path, label: str | None = None, **options: Any) -> Any:
    config = get_generator(name, "image").Config(**options)
    return load_checkpoint(train(data, name, config, QUICK, folder / "m.ckpt", label=label, quiet=True)).model


@pytest.mark.parametrize("arch", ["modern", "classic"])
@pytest.mark.parametrize("loss", ["rpgan_r1r2", "hinge", "lsgan", "bce"])
def test_dcgan_trains_with_every_loss(arch: str, loss: str, tiny: LabeledData, tmp_path: Path) -> None:
    model = trained("dcgan", tiny, tmp_path, arch=arch, loss=loss)
    assert model.sample("7", np.arange(3), 0).x.shape == (3, 1, 8, 8)


def test_classic_dcgan_has_the_networks_of_the_paper() -> None:
    config = get_generator("dcgan", "image").Config(arch="classic")
    model: Any = build("dcgan", config, (3, 32, 32), ("all",), seed=0)
    d, g = (sum(p.numel() for p in network.parameters()) for network in (model.discriminator, model.generator))
    assert d == 64 * 3 * 16 + 128 * 64 * 16 + 256 * 128 * 16 + 256 * 16 + 2 * (128 + 256)
    assert g == 100 * 256 * 16 + 256 * 128 * 16 + 128 * 64 * 16 + 64 * 3 * 16 + 2 * (256 + 128 + 64)
    assert model.config.loss == "bce" and model.config.augment == () and model.config.lr == 2e-4
    assert model.discriminator.layers[0].weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_classic_dcgan_draws_from_its_last_weights(tiny: LabeledData, tmp_path: Path) -> None:
    model = trained("dcgan", tiny, tmp_path, arch="classic", width=8)
    last = model.generator.state_dict()
    assert all(torch.equal(value, last[name]) for name, value in model.ema.weights().items())
    assert trained("dcgan", tiny, tmp_path / "b", arch="classic", augment=("cutout",)).config.augment == ("cutout",)
    assert get_generator("dcgan", "image").Config() == get_generator("dcgan", "image").Config(arch="modern"), (
        "and modern is the default"
    )


def test_hinge_bounds_the_class_embedding_too() -> None:
    config = get_generator("dcgan", "image").Config(loss="hinge", width=4)
    discriminator: Any = build("dcgan", config, (1, 8, 8), ("a", "b"), seed=0).discriminator
    torch.nn.init.constant_(discriminator.embed.weight, 1000.0)
    x = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    logits = discriminator(x, torch.zeros(4, dtype=torch.int64))
    moved = discriminator(x + 1e-2, torch.zeros(4, dtype=torch.int64))
    assert (logits - moved).abs().max() < 2 * 1e-2 * 8, "at most the length of the step for each of two terms"


def test_dcgan_penalizes_gradients_of_images_before_their_augmentation(
    tiny: LabeledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def spy(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        given.append(images)
        return gradient_penalty(logits, images)

    monkeypatch.setattr(losses, "gradient_penalty", spy)
    trained("dcgan", tiny, tmp_path, augment=("cutout",), width=8)
    real = given[0][:8]
    pixels = ((real + 1) * 127.5).round().to(torch.uint8)
    assert all(any(torch.equal(image, other) for other in tiny.x[:]) for image in pixels), "no hole in any of them"


def test_vae_draws_depend_on_what_it_remembers(tiny: LabeledData, tmp_path: Path) -> None:
    assert trained("vae", tiny, tmp_path / "a").draws == ("borrow", "smote", "gaussian", "prior")
    assert trained("vae", tiny, tmp_path / "b", label="7").draws == ("smote", "gaussian", "prior")
    private = trained("vae", tiny, tmp_path / "c", store_codes=False)
    assert private.draws == ("gaussian", "prior") and len(private.codes) == 0
    with pytest.raises(ValueError, match="allowed: gaussian, prior"):
        private.sample("7", np.arange(2), 0, "borrow")


def test_vae_borrows_from_the_class_itself_and_another(tiny: LabeledData, tmp_path: Path) -> None:
    model = trained("vae", tiny, tmp_path)
    label_of = dict(zip(tiny.ids, tiny.y, strict=True))
    drawn = model.sample("7", np.arange(64), 0, "borrow")
    assert all(label_of[own] == 1 and label_of[lender] != 1 for own, lender in drawn.parents)
    assert {label_of[lender] for _, lender in drawn.parents} == {0, 2}
    assert all(label_of[a] == label_of[b] == 1 for a, b in model.sample("7", np.arange(64), 0, "smote").parents)


def test_vae_smote_decodes_points_between_its_parents(tiny: LabeledData, tmp_path: Path) -> None:
    model = trained("vae", tiny, tmp_path)
    model.codes = torch.zeros_like(model.codes)  # all parents alike: whatever lies between them is alike too
    x = model.sample("7", np.arange(40), 0, "smote").x
    assert torch.equal(x, x[:1].expand_as(x))


def test_fine_tuning_starts_from_the_shared_model(tiny: LabeledData, tmp_path: Path) -> None:
    config = get_generator("vae", "image").Config(width=8)
    shared = train(tiny, "vae", config, QUICK, tmp_path / "shared.ckpt", quiet=True)
    path = train(
        tiny,
        "vae",
        get_generator("vae", "image").Config(),
        QUICK,
        tmp_path / "8.ckpt",
        label="8",
        init=shared,
        quiet=True,
    )
    model: Any = load_checkpoint(path).model
    assert model.trained_labels == ("8",) and model.classes == ("1", "7", "8") and model.config == config
    assert model.draws[0] == "borrow", "it goes on borrowing from the classes it saw before"
    with pytest.raises(ValueError, match="dcgan of"):
        train(tiny, "dcgan", None, QUICK, tmp_path / "x.ckpt", label="8", init=shared, quiet=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 128), st.integers(2, 128))
def test_start_grid_is_small_for_every_canvas(rows: int, cols: int) -> None:
    height, width = 4 * rows, 4 * cols
    h0, w0, levels = start_grid(height, width)
    assert levels >= 1 and 4 <= min(h0, w0) <= 7
    assert 0 <= h0 * 2**levels - height < 2**levels and 0 <= w0 * 2**levels - width < 2**levels


@pytest.mark.parametrize("side", [8, 12, 16, 20, 24, 28, 32, 48, 64, 112, 128, 224, 256])
def test_sides_that_halve_evenly_keep_the_networks_of_earlier_checkpoints(side: int) -> None:
    h0, _, levels = start_grid(side, side)
    assert h0 * 2**levels == side


@pytest.mark.parametrize("name", ["vae", "dcgan", "deformation"])
def test_networks_of_awkward_sides_are_no_larger(name: str) -> None:
    def weights(side: int) -> int:
        model: Any = get_generator(name, "image")(
            get_generator(name, "image").Config(width=8), (1, side, side), ("a", "b")
        )
        return sum(p.numel() for p in model.parameters())

    assert weights(100) < 1.2 * weights(112)


@pytest.mark.parametrize(
    ("name", "options"),
    [("dcgan", {"arch": "classic"}), ("dcgan", {}), ("vae", {})],
)
def test_awkward_sides_are_learnt(name: str, options: dict[str, Any], tiny: LabeledData, tmp_path: Path) -> None:
    large = dataclasses.replace(tiny, x=Pixels(tiny.x[:].repeat(1, 1, 5, 6)[:, :, :34, :41]))
    model = trained(name, large, tmp_path, width=4, **options)
    assert model.sample("1", np.arange(2), 0).x.shape == (2, 1, 34, 41)


def test_trunk_goes_to_the_grid_and_back() -> None:
    down, up = ImageToGrid((3, 28, 36), 8, 32), GridToImage((3, 28, 36), 8, 32)
    assert down.grid == up.grid == (16, 7, 9)
    features = down(torch.zeros(2, 3, 28, 36))
    assert features.shape == (2, 16, 7, 9)
    assert up(features).shape == (2, 3, 28, 36)


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("c", [1, 3])
def test_augmentation_differs_by_image_and_passes_gradients(name: str, c: int) -> None:
    x = torch.linspace(-1, 1, c * 12 * 10).reshape(1, c, 12, 10).repeat(6, 1, 1, 1).requires_grad_()
    out = differentiable_augmentation(x, [name], torch.Generator().manual_seed(0))
    assert out.shape == x.shape and len({tuple(row.flatten().tolist()) for row in out}) > 1
    out.sum().backward()
    assert x.grad is not None and (x.grad != 0).any()
    again = differentiable_augmentation(x, [name], torch.Generator().manual_seed(0))
    assert torch.equal(out, again)


def test_colour_comes_before_the_hole_of_cutout() -> None:
    model: Any = build("dcgan", get_generator("dcgan", "image").Config(), (1, 16, 16), ("a",), seed=0)
    x = differentiable_augmentation(torch.ones(8, 1, 16, 16), model.config.augment, torch.Generator().manual_seed(0))
    assert (x == 0).any(), "the hole is mid grey"


def test_translation_moves_pixels_by_up_to_an_eighth() -> None:
    x = torch.zeros(64, 1, 8, 8)
    x[:, :, 4, 4] = 1.0
    out = differentiable_augmentation(x, ["translation"], torch.Generator().manual_seed(0))
    assert out.amax(dim=(1, 2, 3)).eq(1).all(), "a shift by an eighth cannot lose the centre"
    places = {tuple(np.argwhere(image[0].numpy() == 1)[0]) for image in out}
    assert places == {(r, c) for r in (3, 4, 5) for c in (3, 4, 5)}


def test_ema_forgets_the_start_and_follows_the_network() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    ema = Ema(network, half_life=4)
    for value in range(200):
        network.weight.data.fill_(float(value))
        ema.update(network)
    # After long, the average of a ramp lags by decay / (1 - decay) = 5.3 steps at a half-life of 4.
    decay = 0.5**0.25
    assert ema.weights()["weight"].item() == pytest.approx(199 - decay / (1 - decay), abs=0.1)


def test_configs_refuse_nonsense() -> None:
    for name, options in (
        ("dcgan", {"z_dim": 0}),
        ("dcgan", {"augment": ("flip",)}),
        ("dcgan", {"gamma": -1.0}),
        ("vae", {"borrow": 1.5}),
        ("vae", {"width": 0}),
    ):
        with pytest.raises(ValueError, match=next(iter(options))):
            get_generator(name, "image").Config(**options)
    for field in dataclasses.fields(TrainConfig):
        if field.name in ("steps", "batch_size", "save_every", "devices", "num_nodes"):
            with pytest.raises(ValueError, match=field.name):
                TrainConfig(**{field.name: 0})
    with pytest.raises(ValueError, match="multiple of devices x nodes = 3"):
        TrainConfig(batch_size=64, devices=3)


def test_divergence_keeps_the_last_good_state(
    tiny: LabeledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls: Any = get_generator("vae", "image")
    step = cls.training_step

    def poisoned(self: Any, batch: Any, batch_idx: int) -> None:
        step(self, batch, batch_idx)
        if batch.progress >= 0.5:
            self.decoder.project.weight.data.fill_(float("nan"))

    monkeypatch.setattr(cls, "training_step", poisoned)
    config = dataclasses.replace(QUICK, steps=6, save_every=1)
    with pytest.raises(TrainingDiverged, match=r"step 4: .*decoder.* are not finite.*step 3 is kept in .*m.last_good"):
        train(tiny, "vae", cls.Config(), config, tmp_path / "m.ckpt", quiet=True)
    assert not (tmp_path / "m.ckpt").exists()
    good = load_checkpoint(tmp_path / "m.last_good").model
    assert all(torch.isfinite(p).all() for p in good.parameters())


def test_a_process_stops_when_another_one_diverges(
    tiny: LabeledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Strategy, "reduce_boolean_decision", lambda self, decision, all: True)
    with pytest.raises(TrainingDiverged, match="step 1: a loss of another process is not finite. Lower --model.lr"):
        train(tiny, "vae", get_generator("vae", "image").Config(width=4), QUICK, tmp_path / "m.ckpt", quiet=True)


def test_the_next_batch_is_read_while_one_is_learnt_from() -> None:
    read: dict[int, threading.Event] = {at: threading.Event() for at in range(4)}

    def batches() -> Iterator[Any]:
        for at in range(3):
            read[at].set()
            yield at
        raise OSError("the disk is gone")

    ahead = one_ahead(batches())
    assert next(ahead) == 0 and read[1].wait(10)
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)


def test_a_batch_is_pinned_for_a_gpu_by_the_thread_that_has_the_device(
    tiny: LabeledData, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda x: threads.append(threading.current_thread().name) or x)
    scope = scope_of(tiny, "vae", None)
    for kind, steps in (("cpu", 0), ("cuda", 3)):
        rank: Any = SimpleNamespace(
            global_rank=1, world_size=2, strategy=SimpleNamespace(root_device=torch.device(kind, 1))
        )
        assert [len(batch.x) for batch in Batches(scope, TrainConfig(steps=3, batch_size=8), 0, rank)] == [4] * 3
        assert threads == [threading.current_thread().name] * steps


def test_a_gpu_computes_several_blocks_at_once_from_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = build("dcgan", get_generator("dcgan", "image").Config(width=4), (1, 8, 8), ("a", "b"), seed=0)
    index = np.array([300, 5, 40])
    alone = model.sample("b", index, 0).x
    monkeypatch.setattr(generator, "at_once", lambda device: 128)
    together = model.sample("b", index, 0).x
    assert (together.int() - alone.int()).abs().max() <= 1, "the same samples, but for rounding"
    assert torch.equal(together[1:], model.sample("b", index[1:], 0).x[:])
