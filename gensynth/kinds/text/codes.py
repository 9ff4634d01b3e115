"""Codes: the words of a document as numbers, in which runs and pairs of them are looked up."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from gensynth.kinds.text.features import words


def codes(text: str) -> np.ndarray:
    """Return a number for each word of a text, the same in every process, uint64, in their order."""
    return np.array([crc32(word.encode()) for word in words(text)], dtype=np.uint64)


def times(known: np.ndarray, n: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return how often each of what is wanted occurs, 0 for what is not known, int64.

    Args:
        known: Different numbers, ascending, shape (k,).
        n: How often each of them does, shape (k,).
        wanted: Shape (m,).
    """
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64)
    at = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    return np.where(known[at] == wanted, n[at], 0)
