"""Inception and DINOv2, the networks of published scores, where their weights are at hand or may be downloaded.

Weights are found where torch keeps downloads (`torch.hub.get_dir()/checkpoints`) or at a path that is given. They are
read as plain tensors; no code is fetched or run: torch-fidelity's own loaders unpickle the file of Inception in full
and run the code of a repository for DINOv2, so the networks are built here and filled by us.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, final

import numpy as np
import torch
from torch import Tensor, nn

from gensynth.kinds.image.features.extractor import Extractor, weights_hash
from gensynth.kinds.image.features.imagenet import MEAN, STD
from gensynth.kinds.image.features.module_features import AT_ONCE, ModuleFeatures

T = TypeVar("T")
URLS = {
    "inception": "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth",
    "dinov2": "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth",
}
SHA256 = {
    "inception": "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    "dinov2": "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
}
"""The hash of each file. Their publishers give the first eight digits of Inception's, in its name, and none of
DINOv2's: the whole ones are those that several projects, independent of each other, pin for the files of these URLs."""
DINOV2_SIDE = 224
DINOV2 = {384: "vit_small_patch14_dinov2", 768: "vit_base_patch14_dinov2", 1024: "vit_large_patch14_dinov2"}
"""By width, the network in timm that a file fits."""


@final
class Inception(Extractor):
    """The 2,048 features of FID: Inception-v3 as converted from TensorFlow by torch-fidelity.

    Heusel et al. 2017, arXiv 1706.08500. Images are resized as FID's first implementation did, without antialiasing:
    only so are scores comparable with published ones.

    Args:
        state: Weights, by the names of torch-fidelity.
    """

    def __init__(self, state: dict[str, Tensor]) -> None:
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "extractor inception needs torch-fidelity; run 'pip install gensynth[pretrained]'."
            ) from error
        # It reads weights with full unpickling: it is given what was read safely, written anew.
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=file)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network: nn.Module = network.to(self.device)
        self.stamp = {
            "name": "inception-v3-fid",
            "weights_sha256": weights_hash(state),
            "resize": "bilinear as in TensorFlow 1, not antialiased, to 299x299 px",
            "domain": "photographs of ImageNet-1k",
        }

    @torch.inference_mode()
    def _features(self, images: Tensor) -> np.ndarray:
        parts = [self.network(x.expand(-1, 3, -1, -1).to(self.device))[0] for x in images.split(AT_ONCE)]
        return torch.cat(parts).double().cpu().numpy()


def inception(weights: str | Path | None = None, download: bool = False) -> Inception:
    """Return FID's network; arguments and errors as of `dinov2`."""
    return _fill("inception", weights, download, Inception)


def dinov2(weights: str | Path | None = None, download: bool = False) -> ModuleFeatures:
    """Return DINOv2 (Oquab et al. 2023, arXiv 2304.07193), by default ViT-S/14 with 384 features.

    Args:
        weights: File of a ViT-S/14, B/14 or L/14; None to look where torch keeps downloads.
        download: Whether weights that are not there may be downloaded.

    Raises:
        FileNotFoundError: if there are none and they may not be downloaded.
        ModuleNotFoundError: if the extra `pretrained` is not installed.
        OSError: if the download fails.
        ValueError: if the file does not hold these weights, or holds anything but weights.
    """
    return _fill("dinov2", weights, download, _dinov2)


def _dinov2(state: dict[str, Tensor]) -> ModuleFeatures:
    try:
        from timm import create_model
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("extractor dinov2 needs timm; run 'pip install gensynth[pretrained]'.") from error
    name = DINOV2[state["cls_token"].shape[-1]]
    # The positions stay as they are in the file, and are interpolated for the size of the images.
    network = create_model(name, pretrained=False, dynamic_img_size=True)
    network.load_state_dict({key: value for key, value in state.items() if key != "mask_token"})
    return ModuleFeatures(network, name, DINOV2_SIDE, MEAN, STD, domain="142 million pictures, LVD-142M")


def _fill(name: str, weights: str | Path | None, download: bool, build: Callable[[dict[str, Tensor]], T]) -> T:
    """Read weights and build the network from them; errors as of `dinov2`."""
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(URLS[name]).name
    path = cached if weights is None else Path(weights)
    if not path.is_file():
        if weights is not None or not download:
            raise FileNotFoundError(
                f"the weights of extractor {name} are not at {path}; allow their download with --download, give the "
                "path of their file, or choose extractor pyramid, which needs none."
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(URLS[name], str(path), hash_prefix=SHA256[name])
        except (urllib.error.URLError, RuntimeError) as error:
            raise OSError(
                f"the weights of {name} could not be downloaded to {path} ({error}); try again later."
            ) from error
    elif weights is None:
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != SHA256[name]:
                raise ValueError(f"{path} is not the file that was published; remove it, then load it again.")
    try:
        return build(torch.load(path, map_location="cpu", weights_only=True))
    except (pickle.UnpicklingError, EOFError, RuntimeError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f"{path} does not hold the weights of extractor {name} ({str(error)[:200]}); give the file of {URLS[name]}."
        ) from error
