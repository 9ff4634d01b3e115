"""SmoteSampler: interpolates between an image and a neighbour of the same class, pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from imblearn.over_sampling import SMOTE

from gensynth.data.labeled import LabeledData, label_of
from gensynth.samplers.base import Sampler, Synthetic

BLOCK = 32
"""imbalanced-learn draws a whole block at a time; aligned blocks make sample i independent of the rest."""


class SmoteSampler(Sampler):
    """SMOTE on pixels (Chawla et al. 2002), by imbalanced-learn: the classical baseline for images.

    It looks at no neighbouring pixels, so that flat rows need no `image_shape`.

    Args:
        k_neighbors: Neighbours of the same class to choose from; fewer where the class is smaller.
        sampling_strategy: As in `Sampler`.
        random_state: As in `Sampler`.
        image_shape: As in `Sampler`.
    """

    def __init__(
        self,
        k_neighbors: int = 5,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
        image_shape: tuple[int, int, int] | None = None,
    ) -> None:
        self.k_neighbors = k_neighbors
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state
        self.image_shape = image_shape

    @property
    def name(self) -> str:
        """`smote`."""
        return "smote"

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes with two images or more."""
        return tuple(c for c, n in self.data_.class_counts.items() if n > 1)

    def _fit(self, data: LabeledData) -> None:
        self.data_ = data

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        position = label_of(label, self.data_.classes)
        mine = self.data_.subset(np.flatnonzero(self.data_.y == position))
        rows = mine.x[torch.arange(len(mine))].flatten(1).numpy().astype(np.float64)
        # imbalanced-learn wants two classes: the second one only says how many to draw.
        others = np.zeros((len(rows) + BLOCK, rows.shape[1]))
        both = np.concatenate([rows, others])
        y = np.r_[np.ones(len(rows), dtype=int), np.zeros(len(others), dtype=int)]
        drawn = np.empty((len(index), rows.shape[1]))
        for block in np.unique(index // BLOCK):
            entropy = int(np.random.SeedSequence([seed, position, int(block)]).generate_state(1)[0])
            smote = SMOTE(k_neighbors=min(self.k_neighbors, len(rows) - 1), random_state=entropy)
            made = smote.fit_resample(both, y)[0][len(both) :]
            here = index // BLOCK == block
            drawn[here] = made[index[here] % BLOCK]
        x = torch.from_numpy(drawn).round().to(torch.uint8).reshape(-1, *self.data_.shape)
        n = len(index)
        return Synthetic(
            x=x,
            y=np.full(n, position, dtype=np.int64),
            classes=self.data_.classes,
            index=index,
            sampler=self.name,
            seed=seed,
            how=("pixels",) * n,
            parents=tuple(segment_ends(row, rows, mine.ids) for row in drawn),
            checkpoint_sha256=("",) * n,
        )


def segment_ends(point: np.ndarray, rows: np.ndarray, ids: tuple[str, ...]) -> tuple[str, str]:
    """Return the ids of the two rows on whose connecting line `point` lies (imbalanced-learn does not tell)."""
    to_point = rows - point
    length = np.linalg.norm(to_point, axis=1)
    nearest = int(length.argmin())
    if length[nearest] == 0:
        return ids[nearest], ids[nearest]
    unit = to_point / length[:, None]
    cosine = unit @ unit.T
    a, b = np.unravel_index(int(cosine.argmin()), cosine.shape)  # opposite directions: cosine -1
    return ids[a], ids[b]
