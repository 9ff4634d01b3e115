"""Tests of gensynth.kinds.image.features.perceptual_hash."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from gensynth.kinds.image.features.perceptual_hash import MOST_BITS, hamming, most_bits, perceptual_hashes


@pytest.fixture(scope="module")
def crops() -> torch.Tensor:
    photo = torch.from_numpy(load_sample_image("china.jpg").copy()).permute(2, 0, 1)
    at = np.random.default_rng(0).integers(0, [360, 570], (60, 2))
    return torch.stack([photo[:, i : i + 64, j : j + 64] for i, j in at.tolist()])


def test_another_brightness_contrast_or_size_is_the_same_picture(crops):
    hashes = perceptual_hashes(crops)
    dim = (crops.float() * 0.7 + 20).byte()
    half = torch.nn.functional.interpolate(crops.float(), 40, mode="bilinear", antialias=True).round().byte()
    for changed in (dim, half):
        assert np.median(np.diag(hamming(perceptual_hashes(changed), hashes))) <= MOST_BITS


def test_different_pictures_differ(crops):
    hashes = perceptual_hashes(crops)
    d = hamming(hashes, hashes)
    assert (np.diag(d) == 0).all() and np.median(d[~np.eye(60, dtype=bool)]) > 16
    assert np.array_equal(d, d.T) and d.max() <= 64


def test_hamming_counts_bits():
    a = np.array([0, 1, 2**64 - 1], dtype=np.uint64)
    assert hamming(a, a[:2]).tolist() == [[0, 1], [1, 0], [64, 63]]


def test_no_number_of_bits_at_which_real_images_would_be_taken_for_copies():
    far = np.array([0, 2**20 - 1, 2**40 - 1], dtype=np.uint64)
    assert most_bits([far, far]) == MOST_BITS
    assert most_bits([far, np.array([0, 0b111, 2**40 - 1], dtype=np.uint64)]) == 2
    assert most_bits([np.array([5, 5, 2**40 - 1], dtype=np.uint64), far[:1]]) == -1
    assert most_bits([far[:1], far[:0]]) == most_bits([]) == -1
