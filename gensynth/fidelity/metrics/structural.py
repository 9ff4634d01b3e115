"""SSIM diversity: do the images of a set look different from each other, pixel by pixel?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gensynth.fidelity.metrics.metric import metric

if TYPE_CHECKING:
    from torch import Tensor

PAIRS = 300
SIGMA, WINDOW = 1.5, 11
C1, C2 = 0.01**2, 0.03**2
PIXELS = 1 << 18
"""Values of the images that are compared at a time: bounds the memory."""


@metric(None, ideal=1.0, smallest_n=10, citation="Wang et al. 2004, doi 10.1109/TIP.2003.819861; 1 - SSIM", of="images")
def ssim_diversity(real: Tensor, synthetic: Tensor, seed: int = 0) -> float:
    """Mean of 1 - SSIM over pairs of synthetic images, over that of pairs of real ones.

    1 under one distribution, 0 for one image repeated, above 1 where the samples are more varied, or noisier. Each mean
    is unbiased at every n, so the sets need not be equally large. It needs no features, and so sees a collapse that an
    extractor hides; it takes noise and shifts of a pixel for variety. 10 images make 45 pairs; with fewer, single
    images decide.

    Args:
        real: uint8, shape (n, c, h, w), n at least 2.
        synthetic: uint8, shape (m, c, h, w), m at least 2.
        seed: Seed of the choice of pairs.
    """
    of_synthetic, of_real = (1 - mean_pairwise_ssim(x, seed) for x in (synthetic, real))
    if of_real == 0:
        return 1.0 if of_synthetic == 0 else float("inf")
    return of_synthetic / of_real


def mean_pairwise_ssim(images: Tensor, seed: int = 0) -> float:
    """Mean SSIM over all pairs of images, or over `PAIRS` different random ones where there are more.

    Args:
        images: uint8, shape (n, c, h, w), n at least 2.
        seed: Seed of the choice.

    Raises:
        TypeError: if the images are not uint8.
        ValueError: if there are fewer than 2.
    """
    import torch  # here, since the metrics of tables stand in the same package and do without it

    if images.dtype != torch.uint8 or images.ndim != 4:
        raise TypeError(f"images must be uint8 of shape (n, c, h, w), got {images.dtype} of {tuple(images.shape)}.")
    if len(images) < 2:
        raise ValueError(f"pairs need at least 2 images, got {len(images)}; add images.")
    n = len(images)
    total = n * (n - 1) // 2
    chosen = np.random.default_rng(seed).choice(total, min(PAIRS, total), replace=False, shuffle=False)
    # Pair number j (j-1) / 2 + i is (i, j), i < j.
    j = ((1 + np.sqrt(1 + 8 * chosen.astype(np.float64))) / 2).astype(np.int64)
    i = chosen - j * (j - 1) // 2
    step = max(1, PIXELS // images[0].numel())
    means = [ssim(images[i[at : at + step]], images[j[at : at + step]]) for at in range(0, len(chosen), step)]
    return float(torch.cat(means).double().mean())


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of pairs of images, mean over windows and channels, in [-1, 1], 1 if they are equal.

    (2 mu_a mu_b + C1)(2 cov_ab + C2) / ((mu_a^2 + mu_b^2 + C1)(var_a + var_b + C2)) in Gaussian windows of 11 x 11
    pixels and sigma 1.5, C1 = 0.01^2, C2 = 0.03^2 for values in 0..1. Only windows inside the image count; smaller
    images get a smaller window. Wang et al. 2004, equation 13.

    Args:
        a: uint8, shape (n, c, h, w).
        b: uint8, shape (n, c, h, w).

    Returns:
        float32, shape (n,); rounding stays below 1e-4.
    """
    across, down = _windows(a.shape[3]).T, _windows(a.shape[2])
    x, y = a.float() / 255, b.float() / 255
    mu_x, mu_y, xx, yy, xy = (down @ z @ across for z in (x, y, x * x, y * y, x * y))
    similar = (2 * mu_x * mu_y + C1) * (2 * (xy - mu_x * mu_y) + C2)
    different = (mu_x * mu_x + mu_y * mu_y + C1) * ((xx - mu_x * mu_x) + (yy - mu_y * mu_y) + C2)
    return (similar / different).mean(dim=(1, 2, 3))


def _windows(length: int) -> Tensor:
    """Gaussian weights of all windows along one side, shape (windows, length): filtering is a product with it."""
    import torch

    size = min(WINDOW, length - 1 + length % 2)
    weights = torch.exp(-((torch.arange(size, dtype=torch.float64) - size // 2) ** 2) / (2 * SIGMA**2))
    rows = torch.zeros(length - size + 1, length)
    for k in range(len(rows)):
        rows[k, k : k + size] = weights / weights.sum()
    return rows
