"""Tests of gensynth.kinds.image.features.copies."""

import numpy as np
import pytest
import torch

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.space import Found
from gensynth.kinds.image.features.copies import NEAR, Copies, shifted
from gensynth.kinds.image.features.copy_space import CopySpace, pooled
from gensynth.kinds.image.features.extractor import Moments
from gensynth.kinds.image.features.perceptual_hash import perceptual_hashes
from gensynth.kinds.image.images import Pixels

N = 40


def smooth(n: int, seed: int) -> torch.Tensor:
    """Different soft pictures, 16 x 16."""
    noise = torch.rand(n, 1, 4, 4, generator=torch.Generator().manual_seed(seed))
    return (torch.nn.functional.interpolate(noise, 16, mode="bicubic").clamp(0, 1) * 255).byte()


@pytest.fixture(scope="module")
def train() -> LabeledData:
    return LabeledData(
        Pixels(smooth(2 * N, 0)), np.repeat([0, 1], N), ("a", "b"), tuple(f"id{i}" for i in range(2 * N))
    )


class Fitted:
    """`Copies` of some training images, asked with pixels."""

    def __init__(self, train: LabeledData) -> None:
        pixels = Moments()
        pixels.add(pooled(train.x[:]))
        self.space = CopySpace.fit(pixels)
        self.copies = Copies.fit(train, perceptual_hashes(train.x), shifted(train.x[:], self.space))

    def __call__(self, x: torch.Tensor, y: np.ndarray, parents: tuple[tuple[str, ...], ...]) -> Found:
        return self.copies(self.space(x), perceptual_hashes(x), y, parents)


@pytest.fixture(scope="module")
def copies(train) -> Fitted:
    return Fitted(train)


def noisy(x: torch.Tensor, by: int) -> torch.Tensor:
    return (
        (x.int() + torch.randint(-by, by + 1, x.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 255).byte()
    )


def test_near_copies_are_found_with_what_they_copy_and_fresh_images_are_not(copies, train):
    y = np.zeros(N, dtype=np.int64)
    found = copies(noisy(train.x[:N], 8), y, ((),) * N)
    assert (
        found.flags["dup_near"].all()
        and found.nearest.tolist() == list(range(N))
        and not found.flags["dup_parent"].any()
    )
    assert (found.scores["near_duplicate"] < NEAR).all() and np.isnan(found.scores["parent_distance"]).all()
    fresh = copies(smooth(N, 7), y, ((),) * N)
    assert not fresh.flags["dup_near"].any() and np.median(fresh.scores["near_duplicate"]) > 0.8


def test_nearness_to_its_own_parent_is_no_copying_but_equality_is(copies, train):
    y, parents = np.zeros(N, dtype=np.int64), tuple((f"id{i}",) for i in range(N))
    near = copies((0.75 * train.x[:N] + 0.25 * smooth(N, 7)).byte(), y, parents)
    assert not near.flags["dup_near"].any() and not near.flags["dup_parent"].any()
    assert (near.scores["parent_distance"] < near.scores["near_duplicate"]).all()
    equal = copies(noisy(train.x[:N], 1), y, parents)
    assert equal.flags["dup_parent"].all() and not equal.flags["dup_near"].any()
    other = copies(noisy(train.x[:N], 1), y, tuple(reversed(parents)))
    assert other.flags["dup_near"].all()


def test_a_copy_in_other_light_is_doubted_for_its_hash(copies, train):
    assert copies.copies.bits >= 0
    light = (train.x[:N].float() * 0.5 + 100).byte()
    found = copies(light, np.zeros(N, dtype=np.int64), ((),) * N)
    assert np.median(found.scores["hash_bits"]) <= 2
    assert (found.doubts["dup_near"] | found.flags["dup_near"]).mean() > 0.5


def test_a_parent_of_another_class_counts_as_parent(copies, train):
    found = copies(noisy(train.x[N : N + 3], 1), np.zeros(3, dtype=np.int64), tuple((f"id{N + i}",) for i in range(3)))
    assert (found.scores["parent_distance"] < 0.1).all() and found.flags["dup_parent"].all()


def test_a_class_whose_only_images_are_the_parents_has_no_nearest_one(train):
    few = train.subset(np.r_[0, N : 2 * N])
    found = Fitted(few)(smooth(1, 3), np.zeros(1, dtype=np.int64), (("id0",),))
    assert np.isnan(found.scores["near_duplicate"]).all() and not found.flags["dup_near"].any()


def test_a_copy_moved_by_a_pixel_is_a_copy(copies, train):
    padded = torch.nn.functional.pad(train.x[:N].float(), (1, 1, 1, 1), mode="replicate").byte()
    found = copies(padded[:, :, :16, 2:], np.zeros(N, dtype=np.int64), ((),) * N)
    assert found.flags["dup_near"].mean() > 0.9 and (found.nearest == np.arange(N)).mean() > 0.9
