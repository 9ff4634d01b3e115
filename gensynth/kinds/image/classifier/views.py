"""Views: the features of images, as they are and changed, computed once for all arms, seeds and heads.

View k of an image is a function of its pixels, the recipe and k, so that real images look the same in every arm.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from gensynth.evaluate.side_by_side import OnStep
from gensynth.generator.augment import small_affine
from gensynth.kinds.image.classifier.task import AFFINE, JITTER, PLAIN, Task
from gensynth.kinds.image.features.extractor import BATCH
from gensynth.kinds.image.features.module_features import ModuleFeatures
from gensynth.kinds.image.finer import Finer
from gensynth.kinds.image.images import Images
from gensynth.kinds.image.samplers.recipe_catalog import seeded, treat

Key = tuple[bytes, str, int]
"""Hash of an image, recipe, number of the view."""


class Views:
    """The features of images. They are kept in memory: 2.5 kB for each view of MobileNetV2.

    Args:
        trunk: What sees the images.
    """

    def __init__(self, trunk: ModuleFeatures) -> None:
        self.trunk = trunk
        self._known: dict[Key, np.ndarray] = {}

    def plain(self, images: Images, on_step: OnStep) -> np.ndarray:
        """Return the features of images as they are, float32, shape (n, p)."""
        return self.of(images, PLAIN, np.ones(len(images), dtype=np.int64), on_step)

    def of(self, images: Images, recipe: str, counts: np.ndarray, on_step: OnStep) -> np.ndarray:
        """Return features, float32, shape (sum of counts, p), the views of each image one after the other.

        Args:
            images: n images.
            recipe: What changes them: as `gensynth.kinds.image.classifier.task.Way` takes it.
            counts: Number of views of each image, int64, shape (n,).
            on_step: Called with the share that is done since; 1 in all.
        """
        at = np.repeat(np.arange(len(images)), counts)
        hashes, view = images.hashes(), np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
        keys: list[Key] = [(hashes[i], recipe, int(k)) for i, k in zip(at, view, strict=True)]
        missing = {key: i for key, i in zip(keys, at, strict=True) if key not in self._known}
        new, share, finer = list(missing), 1 / max(1, len(missing)), Finer(images, self.trunk.size)
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            seen = finer[torch.tensor([missing[key] for key in batch])]
            found = self.trunk(torch.stack([changed(x, *key) for x, key in zip(seen, batch, strict=True)]))
            self._known |= zip(batch, found.astype(np.float16), strict=True)
            on_step(share * len(batch))
        if not new:
            on_step(1)
        return np.stack([self._known[key] for key in keys]).astype(np.float32)


def changed(image: Tensor, content: bytes, recipe: str, view: int) -> Tensor:
    """Return a view of an image, uint8, shape (c, h, w); the arguments after it are those of its `Key`.

    Where a recipe mirrors, every other view is not mirrored: else classes with more views would be mirrored more often.
    """
    if recipe == PLAIN:
        return image
    digest = hashlib.blake2b(content + f"{recipe} {view}".encode(), digest_size=7).digest()
    with seeded(int.from_bytes(digest)):
        if recipe == AFFINE:
            moved = small_affine(image[None].float(), 2 * torch.rand(1, 4) - 1, JITTER)[0]
            return moved.round().to(torch.uint8)
        return treat(image, [step for step in recipe.split("+") if step != "hflip" or view % 2 == 0])[0]


def changed_beforehand(task: Task, recipe: str, counts: np.ndarray) -> Task:
    """Return the same with every image as it is and in changed views: one by one, they take longer than a step.

    Args:
        task: What a network learns from.
        recipe: Of the catalogue.
        counts: Changed views of each image, the same number for all of a class, int64, shape (n,).
    """
    seen = []
    for at in torch.arange(len(task.y)).split(BATCH):
        for n, image in zip(counts[at.numpy()], task.images(at), strict=True):
            seen += [image, *(changed(image, image.numpy().tobytes(), recipe, k) for k in range(n))]
    return replace(task, images=torch.stack(seen).__getitem__, y=np.repeat(task.y, 1 + counts))


def views_of(y: np.ndarray, fewest: int, most: int) -> np.ndarray:
    """Return how many changed views each image gets, int64, shape (n,): more of a smaller class, within bounds."""
    counts = np.bincount(y)
    wanted = np.round(fewest * counts.max() / np.maximum(counts, 1)).clip(fewest, most)
    return wanted.astype(np.int64)[y]
