"""CycleGAN: its networks, pool and diagnoses, what it trains on, the weights it keeps, and `gensynth translate`."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from command_line import SHIPPED, refused, run
from gensynth.models import cyclegan
from gensynth.models.cyclegan import CycleGAN, CycleGANConfig, PatchDiscriminator, Pool, Residual
from PIL import Image
from torch import nn

from gensynth.data.labeled import LabeledData
from gensynth.generator.augment import small_affine
from gensynth.generator.batches import Batches
from gensynth.generator.checkpoint import build, load_checkpoint
from gensynth.generator.losses import cycle_loss
from gensynth.kinds.image.generator.scope import nearest_class, scope_of
from gensynth.kinds.image.generator.selection import Selection
from gensynth.kinds.image.generator.train import TrainConfig, train
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.read import DataConfig, read
from gensynth.kinds.image.samplers.neural import NeuralSampler

QUICK = TrainConfig(steps=2, batch_size=8, precision="32-true", accelerator="cpu")
SMALL = CycleGANConfig(width=8, blocks=1)


class Alone:
    """What `Batches` asks of a trainer."""

    global_rank, world_size = 0, 1
    strategy = SimpleNamespace(root_device=torch.device("cpu"))


def model_of(config: CycleGANConfig = SMALL, shape: tuple[int, int, int] = (1, 8, 8)) -> CycleGAN:
    model = build("cyclegan", config, shape, ("8", "1", "7"), 0)
    assert isinstance(model, CycleGAN)
    return model


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_cycle_loss_is_the_mean_distance() -> None:
    x = torch.zeros(2, 1, 2, 2)
    assert cycle_loss(x + torch.tensor([0.5, -1.0]), x) == pytest.approx(0.75)


def test_small_affine_moves_by_what_it_says() -> None:
    x = torch.rand(3, 1, 10, 10, generator=rng())
    assert torch.equal(small_affine(x, torch.ones(3, 4), 0.0), x)
    assert torch.allclose(small_affine(x, torch.zeros(3, 4), 0.1), x, atol=1e-5)
    shifted = small_affine(x, torch.tensor([[1.0, 0, 0, 0]]).expand(3, -1), 0.1)  # a tenth of 10 pixels
    assert torch.allclose(shifted[..., :-1], x[..., 1:], atol=1e-4)


@pytest.mark.parametrize(
    ("side", "blocks", "patch"), [(16, 3, 16), (28, 3, 34), (64, 3, 34), (128, 6, 70), (256, 9, 70)]
)
def test_depth_and_patch_follow_the_image_size(side: int, blocks: int, patch: int) -> None:
    model = model_of(CycleGANConfig(width=2), (1, side, side))
    assert sum(isinstance(m, Residual) for m in model.a_to_b.modules()) == blocks
    network = PatchDiscriminator(CycleGANConfig(width=2), (1, side, side))
    for module in network.modules():  # its norm would spread every pixel over the whole map
        if isinstance(module, nn.Sequential):
            for at, layer in enumerate(module):
                if isinstance(layer, nn.InstanceNorm2d):
                    module[at] = nn.Identity()
    x = torch.rand(1, 1, side, side, generator=rng(), requires_grad=True)
    logits = network(x)
    (gradient,) = torch.autograd.grad(logits[len(logits) // 2], x)
    rows = gradient[0, 0].abs().sum(1).nonzero()[:, 0]
    assert min(patch, side) - 3 <= rows.max() - rows.min() + 1 <= patch


@pytest.mark.parametrize("arch", ["resnet", "unet"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 30, 41), (1, 64, 64)])
def test_networks_keep_the_canvas(arch: Any, shape: tuple[int, int, int]) -> None:
    model = model_of(CycleGANConfig(arch=arch, width=4), shape)
    x = torch.zeros(2, *model.canvas)
    assert model.a_to_b(x).shape == x.shape
    assert model.b_to_a(x).abs().max() <= 1


def test_pool_shows_every_image_now_or_later() -> None:
    pool = Pool(4, (1, 1, 1))
    first = torch.arange(4.0).view(4, 1, 1, 1)
    chance = torch.rand(104, 2, generator=rng())
    assert torch.equal(pool.exchange(first, chance[:4]), first), "what fills the pool passes through"
    seen = pool.exchange(torch.arange(4.0, 104).view(-1, 1, 1, 1), chance[4:]).flatten().tolist()
    left = pool.images.flatten().tolist()
    assert sorted([*seen, *left]) == [float(i) for i in range(104)], "none is lost, none is shown twice"
    assert 0.3 < np.mean([value == i for i, value in enumerate(seen, start=4)]) < 0.7
    empty = Pool(0, (1, 1, 1))
    assert not empty.exchange(torch.ones(1, 1, 1, 1, requires_grad=True) * 2, torch.zeros(1, 2)).requires_grad
    assert torch.equal(empty.exchange(first, chance[:4]), first)


def test_the_generators_least_squares_are_not_halved() -> None:
    """What the paper's cycle weight of 10 is relative to."""
    d_loss, g_loss = cyclegan.LOSSES["lsgan"]
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.5, 0.0])
    assert g_loss(real, fake).item() == pytest.approx((0.25 + 1) / 2)
    assert d_loss(real, fake).item() == pytest.approx(((0 + 4) / 2 + 0.25 / 2) / 2)
    assert model_of(CycleGANConfig(width=2, blocks=1), (1, 96, 96)).cycle_weight == 10


def test_processes_share_one_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two processes gets its own share of what one process alone would get, and the same pool."""
    new, chance = torch.arange(40.0).view(-1, 1, 1, 1), torch.rand(40, 2, generator=rng())
    alone, ranks = Pool(4, (1, 1, 1)), (Pool(4, (1, 1, 1)), Pool(4, (1, 1, 1)))
    whole = alone.exchange(new, chance)
    for rank, pool in enumerate(ranks):
        mine = slice(20 * rank, 20 * rank + 20)
        monkeypatch.setattr(cyclegan, "all_processes", lambda images, chances, mine=mine: (new, chance, mine))
        assert torch.equal(pool.exchange(new[mine], chance[mine]), whole[mine])
        assert torch.equal(pool.images, alone.images) and pool.filled == 4


def test_diagnoses_name_the_setting_that_mends_them(tiny: LabeledData, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of()
    assert model.diagnose(0.1) == (), "without sources there is nothing to look at"
    model.remember(iter([(tiny.x[:], torch.from_numpy(tiny.y), tiny.ids)]))

    def told(change: Callable[[torch.Tensor], torch.Tensor], agreement: float) -> str:
        network = nn.Identity()
        monkeypatch.setattr(network, "forward", change)
        monkeypatch.setitem(model._modules, "a_to_b", network)
        return " ".join(model.diagnose(agreement))

    assert "inverted" in told(lambda x: -x, 0.9) and "raise --model.identity_weight" in told(lambda x: -x, 0.9)
    assert "stay what they were" in told(lambda x: x, 0.1) and "lower --model.identity_weight" in told(lambda x: x, 0.1)
    assert "collapsed" in told(lambda x: x[:1].expand_as(x), 0.9)
    assert told(lambda x: x, 0.9) == "", "domains may differ by little"


def test_sources_are_the_same_whatever_the_order(tiny: LabeledData) -> None:
    kept = []
    for order in (np.arange(72), np.arange(72)[::-1].copy()):
        model = model_of(CycleGANConfig(width=4, max_sources=5))
        rows = [order[at : at + 10] for at in range(0, 72, 10)]
        model.remember(iter([(tiny.x[r], torch.from_numpy(tiny.y[r]), tuple(tiny.ids[i] for i in r)) for r in rows]))
        kept.append(model)
    assert kept[0].source_ids == kept[1].source_ids and torch.equal(kept[0].sources, kept[1].sources)
    assert kept[0].source_labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    name = kept[0].source_ids[7]
    assert torch.equal(kept[0].sources[7], tiny.x[tiny.ids.index(name)])


class TestScope:
    def test_a_target_is_made_from_its_sources(self, tiny: LabeledData) -> None:
        scope = scope_of(tiny, "cyclegan", "8", ("1",))
        assert scope.trained == ("8", "1") and scope.target_class == "8"
        assert [scope.data.classes[y] for y in scope.data.y[scope.target]] == ["8"] * 24
        assert set(scope.data.y[~scope.target]) == {tiny.label_of("1")}

    def test_every_batch_is_half_source_half_target(self, tiny: LabeledData) -> None:
        rows = np.r_[0:48, 48:52]  # 24 '1', 24 '7', 4 '8'
        scope = scope_of(tiny.subset(rows), "cyclegan", "7", ("1", "8"))
        for batch in Batches(scope, TrainConfig(steps=5, batch_size=16), 0, Alone()):  # type: ignore[arg-type]
            assert batch.target.tolist() == [False] * 8 + [True] * 8
            assert (batch.y[8:] == 1).all() and not (batch.y[:8] == 1).any()

    def test_auto_takes_the_nearest_larger_class(self) -> None:
        level = np.repeat([20, 60, 200], [30, 30, 12])
        noise = np.random.default_rng(0).integers(0, 20, (72, 1, 8, 8))
        x = torch.from_numpy((level[:, None, None, None] + noise).astype(np.uint8))
        data = LabeledData(
            Pixels(x), np.repeat([0, 1, 2], [30, 30, 12]), ("dark", "grey", "bright"), tuple(map(str, range(72)))
        )
        assert nearest_class(data, "bright") == "grey"
        with pytest.raises(ValueError, match="no class has more"):
            nearest_class(data, "dark")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "cyclegan is trained for one class: give --label"),
            ({"label": "8", "source": ("8",)}, "'8' cannot be its own source"),
            ({"label": "8", "source": ("5",)}, "label '5' is not one of the classes"),
            ({"label": "8", "domains": ("day", "night")}, "the data name no domains; give --domain"),
            ({"label": "8", "source": ("1",), "domains": ("a", "b")}, "exclude each other"),
        ],
    )
    def test_says_what_is_wrong(self, tiny: LabeledData, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            scope_of(tiny, "cyclegan", **arguments)

    def test_refuses_a_handful_of_images(self, tiny: LabeledData) -> None:
        with pytest.raises(ValueError, match="at least 10 images of class '8', got 3"):
            scope_of(tiny.subset(np.r_[0:51]), "cyclegan", "8", ("1",))

    def test_a_generator_of_all_classes_wants_no_source(self, tiny: LabeledData) -> None:
        with pytest.raises(ValueError, match="vae learns every class from its own images"):
            scope_of(tiny, "vae", None, ("1",))


def test_batches_must_hold_both_sides(tiny: LabeledData, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch_size 7 must be a multiple of 2"):
        train(
            tiny, "cyclegan", SMALL, TrainConfig(steps=1, batch_size=7), tmp_path / "c.ckpt", label="8", source=("1",)
        )


def test_the_best_weights_are_kept_not_the_last(tiny: LabeledData, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = scope_of(tiny, "cyclegan", "8", ("1",))
    selection, model = Selection(tiny, scope, 0), model_of()
    weight = next(model.parameters())
    noise = torch.randint(0, 256, (128, 1, 8, 8), dtype=torch.uint8, generator=rng())
    eights = tiny.x[torch.from_numpy(np.resize(np.flatnonzero(tiny.y == 2), 128))]
    for value, drawn in ((1.0, noise), (2.0, eights), (3.0, noise)):
        nn.init.constant_(weight, value)
        monkeypatch.setattr(model, "sample", lambda *_, x=drawn: type("Drawn", (), {"x": x}))
        selection.look(model)
    other = Selection(tiny, scope, 0)
    other.load_state_dict(selection.state_dict())
    assert other.restore(model) > 0.9 and (weight == 2.0).all()
    assert other.scores["val/coverage"] < 0.5, "the curve shows the last look, whatever was kept"


@pytest.fixture
def day_and_night(tmp_path: Path) -> Path:
    """Two classes (a bar lies or stands) in two domains (dark or bright ground), with metadata.csv."""
    folder, random = tmp_path / "data", np.random.default_rng(0)
    rows = []
    for at in range(160):
        label, domain = ("lies", "stands")[at % 2], ("night", "day")[at // 2 % 2]
        pixels = np.full((8, 8), 60 if domain == "night" else 160) + random.integers(-20, 20, (8, 8))
        place = random.integers(1, 6)
        pixels[
            (slice(place, place + 2), slice(1, 7)) if label == "lies" else (slice(1, 7), slice(place, place + 2))
        ] += 60
        name = f"{label}/{at}.png"
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
        rows.append((name, domain))
    with open(folder / "metadata.csv", "w", newline="") as file:
        csv.writer(file).writerows([("file_name", "light"), *rows])
    return folder


def test_a_domain_is_translated_and_the_class_stays(day_and_night: Path, tmp_path: Path, capsys: Any) -> None:
    argv = ["train", "cyclegan", "--data", day_and_night, "--domain", "light", "--source-domain", "night"]
    # A U-Net passes shapes on, so that it learns the light in few steps, whatever the seed.
    argv += ["--target-domain", "day", "--steps", 60, "--batch_size", 16, "--model.lr", 4e-3, "--model.width", 8]
    argv += ["--model.arch", "unet", "--out", tmp_path / "out"]
    argv += ["--quiet", "--accelerator", "cpu", "--precision", "32-true"]
    assert run(capsys, *argv)[0] == 0
    checkpoint = load_checkpoint(tmp_path / "out" / "cyclegan.ckpt")
    assert checkpoint.model.trained_labels == ("lies", "stands")
    assert checkpoint.history["val/label_agreement"][-1] > 0.7
    sampler = NeuralSampler(tmp_path / "out" / "cyclegan.ckpt")
    for label, axis in (("lies", 3), ("stands", 2)):
        drawn = sampler.sample(label, 40, 0)
        x = drawn.x[:].double()
        assert 130 < x.mean() < 210, "as bright as day"
        assert all(parent[0].startswith(label) for parent in drawn.parents), "made from its own class"
        along, across = x.mean(axis).var(2).mean(), x.mean(5 - axis).var(2).mean()
        assert along > 1.5 * across, "the bar still lies, or stands"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--source-domain", "dusk"], "at least 10 images of domain 'dusk', got 0"),
        (["--target-domain", "night"], "both 'night'"),
        (["--domain", "weather"], "has no column 'weather', only file_name, light"),
        (["--label", "flies"], "label 'flies' is not one of the classes"),
    ],
)
def test_bad_domains_get_one_sentence(
    day_and_night: Path, tmp_path: Path, change: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["train", "cyclegan", "--data", day_and_night, "--domain", "light", "--out", tmp_path / "out"]
    assert message in refused(capsys, *argv, "--source-domain", "night", "--target-domain", "day", *change)
    assert not (tmp_path / "out").exists()


def test_domains_are_read_from_folders_and_npz(day_and_night: Path, tmp_path: Path) -> None:
    data = read(day_and_night, DataConfig(domain="light"))
    assert data.domains is not None and data.domains[data.ids.index("lies/2.png")] == "day"
    some = data.subset([5, 3])
    assert some.domains == (data.domains[5], data.domains[3])
    np.savez(tmp_path / "a.npz", x=data.x[:].numpy(), y=data.y, light=np.array(data.domains))
    assert read(tmp_path / "a.npz", DataConfig(domain="light")).domains == data.domains
    for source, message in (
        (tmp_path / "a.npz", "has no array 'weather'"),
        ("builtin:digits", "domains come from a folder's metadata.csv or an .npz file"),
    ):
        with pytest.raises(ValueError, match=message):
            read(source, DataConfig(domain="weather"))
    (day_and_night / "metadata.csv").write_text("file_name,light\nlies/0.png,night\n")
    with pytest.raises(ValueError, match="159 of 160 images have no 'light'"):
        read(day_and_night, DataConfig(domain="light"))


def test_translate_writes_a_folder_of_the_same_names(tiny: LabeledData, tmp_path: Path, capsys: Any) -> None:
    path = train(tiny, "cyclegan", SMALL, QUICK, tmp_path / "c.ckpt", label="8", source=("1",), quiet=True)
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    for name in ("a.png", "deep/b.jpg"):
        Image.fromarray(np.full((20, 12, 3), 90, np.uint8)).save(source / name)

    def told(*argv: object) -> str:
        return refused(capsys, "translate", *argv)

    assert run(capsys, "translate", path, source, tmp_path / "out", "--direction", "BtoA")[0] == 0
    written = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*"))
    assert written == ["a.png", "deep/b.png"]
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.size == (8, 8) and image.mode == "L"
    assert "exists already" in told(path, source, tmp_path / "out")
    assert "it translates AtoB, BtoA, not 'AtoC'" in told(path, source, tmp_path / "x", "--direction", "AtoC")
    assert "does not exist" in told(path, tmp_path / "nowhere", tmp_path / "x")
    assert "device 'toaster' is not on this machine; there are: cpu" in told(
        path, source, tmp_path / "x", "--device", "toaster"
    )
    assert "is a vae, which does not translate" in told(SHIPPED, source, tmp_path / "x")
    (source / "a.jpg").write_bytes((source / "deep" / "b.jpg").read_bytes())
    assert "both be written as 'a.png'" in told(path, source, tmp_path / "x")
    (source / "broken.png").write_bytes(b"no image")
    assert "broken.png" in told(path, source, tmp_path / "x") and not (tmp_path / "x").exists()


def test_models_of_several_targets_share_a_folder(tiny: LabeledData, tmp_path: Path) -> None:
    for label, source in (("8", "1"), ("7", "1")):
        train(tiny, "cyclegan", SMALL, QUICK, tmp_path / f"{label}.ckpt", label=label, source=(source,), quiet=True)
    sampler = NeuralSampler(tmp_path)
    assert set(sampler.labels) == {"1", "7", "8"}
    for label in ("7", "8"):
        assert sampler.sample(label, 3, 0).checkpoint_sha256[0] == load_checkpoint(tmp_path / f"{label}.ckpt").sha256


def test_without_stored_sources_only_translation_works(tiny: LabeledData, tmp_path: Path) -> None:
    config = CycleGANConfig(width=4, blocks=1, max_sources=0)
    path = train(tiny, "cyclegan", config, QUICK, tmp_path / "c.ckpt", label="8", source=("1",), quiet=True)
    model = load_checkpoint(path).model
    assert isinstance(model, CycleGAN) and model.translate(tiny.x[:2], "AtoB").shape == (2, 1, 8, 8)
    with pytest.raises(ValueError, match="max_sources 0"):
        model.sample("8", np.arange(2), 0)
