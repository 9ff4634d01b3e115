"""Runs: how many words in a row a document shares with real ones, found by hashing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import final
from zlib import crc32

import numpy as np

from gensynth.kinds.text.features import words

LEAST = 5
"""Words in a row that count as copied; a longer run is one of which every five in a row are."""


@final
class Runs:
    """Finds runs of words that stand in other documents.

    Args:
        texts: m real documents.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._grams = [np.unique(_grams(text)) for text in texts]
        found, n = np.unique(np.concatenate([*self._grams, np.zeros(0, dtype=np.int64)]), return_counts=True)
        self._known, self._documents = found, n

    def longest(self, text: str, own: Collection[int] = ()) -> int:
        """Return the longest run of words that documents hold, those at `own` left out; 0 for none."""
        grams = _grams(text)
        if not len(grams) or not len(self._known):
            return 0
        at = np.searchsorted(self._known, grams).clip(max=len(self._known) - 1)
        n = np.where(self._known[at] == grams, self._documents[at], 0)
        for i in own:
            n = n - np.isin(grams, self._grams[i])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], n > 0, [0]])))
        lengths = edges[1::2] - edges[::2]
        return int(lengths.max()) + LEAST - 1 if len(lengths) else 0


def _grams(text: str) -> np.ndarray:
    """Return each run of `LEAST` words as a number, int64, in their order."""
    codes = np.array([crc32(word.encode()) for word in words(text)], dtype=np.uint64)
    n = len(codes) - LEAST + 1
    if n < 1:
        return np.zeros(0, dtype=np.int64)
    found = np.zeros(n, dtype=np.uint64)
    for i in range(LEAST):
        found = found * np.uint64(1_000_003) + codes[i : i + n]
    return found.view(np.int64)
