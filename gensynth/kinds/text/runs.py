"""Runs: how many words in a row a document shares with real ones, found by hashing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import final

import numpy as np

from gensynth.kinds.text.codes import times

LEAST = 5
"""Words in a row that count as copied; a longer run is one of which every five in a row are."""


@final
class Runs:
    """Finds runs of words that stand in other documents.

    Args:
        documents: The codes of m real documents.
    """

    def __init__(self, documents: Sequence[np.ndarray]) -> None:
        self._grams = [np.unique(_grams(codes)) for codes in documents]
        self._known = np.unique(np.concatenate([*self._grams, np.zeros(0, dtype=np.uint64)]), return_counts=True)

    def longest(self, codes: np.ndarray, own: Collection[int] = ()) -> int:
        """Return the longest run of words that documents hold, those at `own` left out; 0 for none."""
        grams = _grams(codes)
        n = times(*self._known, grams)
        for i in own:
            n = n - np.isin(grams, self._grams[i])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], n > 0, [0]])))
        lengths = edges[1::2] - edges[::2]
        return int(lengths.max()) + LEAST - 1 if len(lengths) else 0


def _grams(codes: np.ndarray) -> np.ndarray:
    """Return each run of `LEAST` words as a number, uint64, in their order."""
    found = np.zeros(max(0, len(codes) - LEAST + 1), dtype=np.uint64)
    for i in range(LEAST):
        found = found * np.uint64(1_000_003) + codes[i : i + len(found)]
    return found
