"""Order: do the words of a document follow each other as in real ones, whichever words they are?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final
from zlib import crc32

import numpy as np

from gensynth.kinds.text.features import words

FEWEST = 5
"""Pairs of known words that a document needs for an answer."""
BELIEF = 1.0
"""How many words the belief counts that a word stands as often behind this one as behind all."""


@final
class Order:
    """Pointwise mutual information of neighbouring words (Church and Hanks 1990), the mean over a document.

    The mean of log p(b | a) / p(b) over the pairs a b of neighbours, with p(b | a) = (n(a b) + p(b)) / (n(a) + 1):
    that of shuffled words is about 0. What stands in one document alone is left out, and so is a document's own part
    in the counts.

    Args:
        texts: Real documents.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        codes = [_codes(text) for text in texts]
        self._words, self._n = np.unique(np.concatenate([*codes, np.zeros(0, np.uint64)]), return_counts=True)
        pairs = np.concatenate([*map(_pairs, codes), np.zeros(0, np.uint64)])
        self._pairs, self._n_pairs = np.unique(pairs, return_counts=True)
        self.real = np.array([self._mean(each, own=True) for each in codes])

    def __call__(self, text: str) -> float:
        """Return the mean; NaN where there are too few pairs."""
        return self._mean(_codes(text), own=False)

    def _mean(self, codes: np.ndarray, own: bool) -> float:
        if len(codes) <= FEWEST:
            return np.nan
        pairs = _pairs(codes)
        n, n_pairs = _looked_up(self._words, self._n, codes), _looked_up(self._pairs, self._n_pairs, pairs)
        total = float(self._n.sum())
        if own:
            n, n_pairs, total = n - _times(codes), n_pairs - _times(pairs), total - len(codes)
        first, second = n[:-1], n[1:]
        known = (first > 0) & (second > 0)
        if known.sum() < FEWEST:
            return np.nan
        p = second[known] / total
        behind = (n_pairs[known] + BELIEF * p) / (first[known] + BELIEF)
        return float(np.log(behind / p).mean())


def _codes(text: str) -> np.ndarray:
    return np.array([crc32(word.encode()) for word in words(text)], dtype=np.uint64)


def _pairs(codes: np.ndarray) -> np.ndarray:
    return (codes[:-1] << np.uint64(32)) | codes[1:]


def _looked_up(known: np.ndarray, n: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64)
    at = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    return np.where(known[at] == wanted, n[at], 0)


def _times(values: np.ndarray) -> np.ndarray:
    """Return how often each of the values occurs among them."""
    _, at, n = np.unique(values, return_inverse=True, return_counts=True)
    return n[at]
