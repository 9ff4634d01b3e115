"""Perceptual hash: 64 bits that survive another brightness, contrast, size or compression of the same picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch.nn.functional as F
from scipy.fft import dctn
from torch import Tensor

from gensynth.kinds.image.features.extractor import batches

if TYPE_CHECKING:
    from gensynth.kinds.image.images import Images

SIDE, LOW = 32, 8
MOST_BITS, MOST_FALSE = 4, 0.001
BLOCK = 512


def perceptual_hashes(x: Tensor | Images) -> np.ndarray:
    """Return the pHash of each image, uint64, shape (n,).

    Grey, brought to 32 x 32; of its cosine transform the 8 x 8 lowest frequencies, each one bit: above their median or
    not (Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions").

    Args:
        x: uint8, shape (n, c, h, w).
    """
    parts = [np.zeros(0, dtype=np.uint64)]
    for batch in batches(x):
        grey = batch.float().mean(1, keepdim=True)
        small = F.interpolate(grey, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
        low = dctn(small[:, 0].double().numpy(), axes=(1, 2))[:, :LOW, :LOW].reshape(len(batch), -1)
        bits = low > np.median(low, axis=1, keepdims=True)
        parts.append(np.packbits(bits, axis=1).view(np.uint64)[:, 0])
    return np.concatenate(parts)


def hamming(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the number of bits in which hashes differ, uint8, shape (n, m), of uint64 (n,) and (m,)."""
    return np.bitwise_count(a[:, None] ^ b[None, :])


def most_bits(classes: Sequence[np.ndarray]) -> int:
    """Return up to how many different bits two images are the same picture: 4, or fewer, or -1 for never.

    Simple pictures, such as digits, share hashes without being copies: no number of bits is used at which more than
    one in a thousand of the real images would be taken for a copy of another one of its class.

    Args:
        classes: Hashes of the different real images of each class, uint64, shape (n,) each.
    """
    closest = []
    for hashes in classes:
        for start in range(0, len(hashes) if len(hashes) > 1 else 0, BLOCK):
            d = hamming(hashes[start : start + BLOCK], hashes).astype(np.int64)
            d[np.arange(len(d)), np.arange(start, start + len(d))] = 65
            closest.append(d.min(axis=1))
    if not closest:
        return -1
    found = np.concatenate(closest)
    shares = [(found <= bits).mean() for bits in range(MOST_BITS + 1)]
    return max((bits for bits, share in enumerate(shares) if share <= MOST_FALSE), default=-1)
