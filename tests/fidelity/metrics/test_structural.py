"""SSIM against scikit-image and torchmetrics, and the diversity made of it."""

from itertools import combinations

import pytest
import torch
import torch.nn.functional as F
from skimage.metrics import structural_similarity
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from gensynth.fidelity import metrics
from gensynth.fidelity.metrics import structural


def smooth(n: int, shape: tuple[int, int, int], seed: int) -> Tensor:
    """Blurred noise, uint8, so that neighbouring pixels are alike."""
    noise = torch.rand((n, *shape), generator=torch.Generator().manual_seed(seed)) * 255
    return F.avg_pool2d(noise, 5, 1, 2, count_include_pad=False).to(torch.uint8)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 33), (1, 11, 11)])
def test_ssim_is_scikit_images(shape):
    a, b = smooth(4, shape, 0), smooth(4, shape, 1)
    peer = [
        structural_similarity(
            x.numpy(), y.numpy(), channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for x, y in zip(a, b, strict=True)
    ]
    assert metrics.ssim(a, b).tolist() == pytest.approx(peer, abs=1e-4)


def test_ssim_is_that_of_torchmetrics_which_counts_a_mirrored_border():
    a, b = smooth(4, (3, 24, 24), 0), smooth(4, (3, 24, 24), 1)
    peer = structural_similarity_index_measure(a.double(), b.double(), data_range=255.0, reduction="none")
    wider = [F.pad(x.float(), (5, 5, 5, 5), mode="reflect").to(torch.uint8) for x in (a, b)]
    assert isinstance(peer, Tensor)
    assert metrics.ssim(*wider).tolist() == pytest.approx(peer.tolist(), abs=1e-4)


@pytest.mark.parametrize("side", [1, 2, 8, 10])
def test_images_smaller_than_the_window_are_compared_as_well(side):
    a, b = smooth(3, (1, side, side), 0), smooth(3, (1, side, side), 1)
    assert metrics.ssim(a, a).tolist() == [1, 1, 1]
    assert (metrics.ssim(a, b) < 1).all()


def test_few_images_are_all_paired():
    images = smooth(9, (1, 16, 16), 0)
    pairs = [metrics.ssim(images[i : i + 1], images[j : j + 1]).item() for i, j in combinations(range(9), 2)]
    assert metrics.mean_pairwise_ssim(images) == pytest.approx(sum(pairs) / len(pairs), abs=1e-6)


def test_of_many_images_some_pairs_are_drawn_by_seed(monkeypatch):
    images = smooth(60, (1, 12, 12), 0)
    every = metrics.mean_pairwise_ssim(images)
    monkeypatch.setattr(structural, "PAIRS", 300)
    some = metrics.mean_pairwise_ssim(images, seed=1)
    assert some != every and some == pytest.approx(every, abs=0.03)
    assert some == metrics.mean_pairwise_ssim(images, seed=1) != metrics.mean_pairwise_ssim(images, seed=2)
    monkeypatch.setattr(structural, "PIXELS", 1000)
    assert metrics.mean_pairwise_ssim(images, seed=1) == pytest.approx(some, abs=1e-6)


def test_diversity_is_one_for_fresh_images_and_none_for_one_image():
    real, fresh = smooth(40, (1, 16, 16), 0), smooth(25, (1, 16, 16), 1)
    assert metrics.ssim_diversity(real, fresh) == pytest.approx(1, abs=0.05)
    assert metrics.ssim_diversity(real, fresh[:1].repeat(20, 1, 1, 1)) == 0
    assert metrics.ssim_diversity(real, fresh[:3].repeat(10, 1, 1, 1)) < 0.8
    assert metrics.ssim_diversity(real[:1].repeat(9, 1, 1, 1), fresh) == float("inf")
