"""SmoteSampler: interpolates between an image and a neighbour of the same class, pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from gensynth.data.labeled import label_of
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.samplers.kept import KeptImages
from gensynth.sampler.synthetic import Synthetic

BLOCK = 32
"""Samples that share a random stream; aligned blocks make sample i independent of the rest."""


class SmoteSampler(KeptImages):
    """SMOTE on pixels (Chawla et al. 2002), the classical baseline for images.

    imbalanced-learn's does not tell the two images that a sample lies between. No pixel's neighbours are looked at,
    so that flat rows need no `image_shape`.

    Args:
        k_neighbors: Neighbours of the same class to choose from; fewer where the class is smaller.
        sampling_strategy: As in `ImageSampler`.
        random_state: As in `ImageSampler`.
        image_shape: As in `ImageSampler`.
    """

    name = "smote"

    def __init__(
        self,
        k_neighbors: int = 5,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
        image_shape: tuple[int, int, int] | None = None,
    ) -> None:
        super().__init__(sampling_strategy, random_state, image_shape)
        self.k_neighbors = k_neighbors

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes with two images or more."""
        return tuple(c for c, n in self.data_.class_counts.items() if n > 1)

    def _check(self) -> None:
        if not isinstance(self.k_neighbors, int) or self.k_neighbors < 1:
            raise ValueError(f"k_neighbors must be a whole number, at least 1; got {self.k_neighbors!r}.")

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        position = label_of(label, self.data_.classes)
        mine = np.flatnonzero(self.data_.y == position)
        rows = self.data_.x[torch.from_numpy(mine)].flatten(1).numpy().astype(np.float32)
        k = min(self.k_neighbors, len(rows) - 1)
        pair, step = np.empty(len(index), dtype=np.int64), np.empty((len(index), 1), dtype=np.float32)
        for block in np.unique(index // BLOCK):
            entropy = int(np.random.SeedSequence([seed, position, int(block)]).generate_state(1)[0])
            rng, here = np.random.RandomState(entropy), index // BLOCK == block
            at = index[here] % BLOCK
            pair[here] = rng.randint(len(rows) * k, size=BLOCK)[at]
            step[here, 0] = rng.uniform(size=BLOCK)[at]
        a, which = np.divmod(pair, k)
        chosen, place = np.unique(a, return_inverse=True)
        # The first neighbour found is the image itself, or its double.
        near = NearestNeighbors(n_neighbors=k + 1).fit(rows).kneighbors(rows[chosen], return_distance=False)[:, 1:]
        b = near[place, which]
        x = torch.from_numpy(rows[a] + step * (rows[b] - rows[a])).round().to(torch.uint8)
        images = Pixels(x.reshape(-1, *self.data_.x.layout))
        return self.made(images, label, index, seed, ("pixels",) * len(index), list(zip(mine[a], mine[b], strict=True)))
