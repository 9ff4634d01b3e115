"""Copies: is an image all but a real one, which it is not supposed to be made from, or all but its own parent?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch.nn.functional as F
from scipy.spatial.distance import cdist
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.blend import is_blend
from gensynth.fidelity.metrics import typical_distance
from gensynth.fidelity.space import Found
from gensynth.kinds.image.features.copy_space import CopySpace
from gensynth.kinds.image.features.extractor import BATCH
from gensynth.kinds.image.features.perceptual_hash import hamming, most_bits

NEAR, DOUBTFUL = 0.33, 0.5
"""A ratio below the first is a near copy, and up to the second if the perceptual hash says so, too; for either sign
alone a person should look. The ratio is the distance to the nearest real image over the median distance between a real
image and its nearest other one."""
NEAR_PARENT, NEAR_SYNTHETIC = 0.1, 0.1
"""The same for the distance to an image it was made from and to another synthetic one; smaller, since an image
may stay near its parent, and dense sampling is no fault."""
NEAR_HELD_OUT = 0.1
"""The same for the distance to a held-out image: below it, it is that image in another encoding, and an alarm."""


@final
@dataclass(frozen=True, eq=False)
class Copies:
    """Finds copies of real training images.

    Attributes:
        members: By label, positions of its training images.
        points: Training images in a `CopySpace`, as they are and moved by a pixel in each of eight directions, float64,
            shape (9, n, p).
        hashes: Their perceptual hashes, uint64, shape (n,).
        scale: By label, the median distance of a real image to its nearest other one.
        bits: Up to how many different bits of the hash two images are the same picture; -1 where hashes tell nothing.
        row: Position of a training image by its id.
    """

    members: list[np.ndarray]
    points: np.ndarray
    hashes: np.ndarray
    scale: list[float]
    bits: int
    row: dict[str, int]

    @staticmethod
    def fit(train: LabeledData, hashes: np.ndarray, moved: np.ndarray) -> Copies:
        """Fit on real training images.

        Args:
            train: The images, which are not read again.
            hashes: Their perceptual hashes, uint64, shape (n,).
            moved: Their coordinates, as `shifted` returns them.
        """
        points = moved[0]
        members = [np.flatnonzero(train.y == c) for c in range(len(train.classes))]
        scale = [typical_distance(points[at]) for at in members]
        # Of repeated real images one stays: how alike different ones are is the question.
        bits = most_bits([hashes[at[np.unique(points[at].round(5), axis=0, return_index=True)[1]]] for at in members])
        return Copies(members, moved, hashes, scale, bits, {name: i for i, name in enumerate(train.ids)})

    def __call__(
        self, points: np.ndarray, hashes: np.ndarray, y: np.ndarray, parents: Sequence[tuple[str, ...]]
    ) -> Found:
        """Compare images with the real ones of their labels, parents set apart.

        Args:
            points: Their coordinates, float64, shape (n, p).
            hashes: Their perceptual hashes, uint64, shape (n,).
            y: Their labels, shape (n,).
            parents: Ids of the real images each was made from, length n.

        Returns:
            What was found, with the scores `near_duplicate`, the ratio above, NaN where all real images of the class
            are parents; `parent_distance`, the same to its nearest parent, NaN without one; and `hash_bits`, different
            bits of the perceptual hash from the closest real image; float64, shape (n,) each.
        """
        n = len(y)
        ratio, to_parent, bits = np.full(n, np.nan), np.full(n, np.nan), np.full(n, 64.0)
        nearest, near, doubtful = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        own = [[self.row[p] for p in names if p in self.row] for names in parents]
        for c in np.unique(y):
            members, real = self.members[c], self.points[0, self.members[c]]
            mine = np.flatnonzero(y == c)
            for at in np.array_split(mine, 1 + len(mine) // BATCH):
                distances = np.min([cdist(points[at], moved[members]) for moved in self.points], axis=0)
                for i, d, h in zip(at, distances, hamming(hashes[at], self.hashes[members]), strict=True):
                    d[np.isin(members, own[i])], h[np.isin(members, own[i])] = np.inf, 64
                    first, same = d.argmin(), h.argmin()
                    ratio[i], bits[i], nearest[i] = d[first] / self.scale[c], h[same], members[first]
                    copy = ratio[i] < DOUBTFUL and not is_blend(points[i], real[first], real)
                    twin = bits[i] <= self.bits and not is_blend(points[i], real[same], real)
                    near[i] = copy and (twin or ratio[i] < NEAR)
                    doubtful[i] = (copy or twin) and not near[i]
        for i in range(n):
            if own[i]:
                to_parent[i] = np.linalg.norm(self.points[0, own[i]] - points[i], axis=1).min() / self.scale[y[i]]
        ratio[np.isinf(ratio)] = np.nan
        scores = {"near_duplicate": ratio, "parent_distance": to_parent, "hash_bits": bits}
        flags = {"dup_near": near, "dup_parent": to_parent < NEAR_PARENT}
        return Found(flags, {"dup_near": doubtful}, nearest, scores)


def shifted(x: Tensor, space: CopySpace) -> np.ndarray:
    """Return coordinates of uint8 images (n, c, h, w) as they are and moved by a pixel each way, shape (9, n, p)."""
    h, w = x.shape[2:]
    wide = F.pad(x.float(), (1, 1, 1, 1), mode="replicate").byte()
    moves = [(1, 1), *((i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1))]
    return np.stack([space(wide[:, :, i : i + h, j : j + w]) for i, j in moves])
