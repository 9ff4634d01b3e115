"""Order: do the words of a document follow each other as in real ones, whichever words they are?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from gensynth.kinds.text.codes import times

FEWEST = 5
"""Pairs of neighbours that real documents know, in either order, which a document needs for an answer."""


@final
class Order:
    """How many more neighbours stand in the order in which other real documents have them than in the reverse one.

    The share of the one less that of the other, among neighbours that are known in either order: about 0 for shuffled
    words, whichever they are, and 1 at most.

    Args:
        documents: The codes of real documents.

    Attributes:
        real: The answers for these, each by the others, float64, shape (n,); NaN for none.
    """

    def __init__(self, documents: Sequence[np.ndarray]) -> None:
        pairs = [_pairs(codes) for codes in documents]
        self._known = np.unique(np.concatenate([*pairs, np.zeros(0, np.uint64)]), return_counts=True)
        self.real = np.array([self._score(each, own=True) for each in pairs])

    def __call__(self, codes: np.ndarray) -> float:
        """Return the answer for another document; NaN where too few of its pairs are known."""
        return self._score(_pairs(codes), own=False)

    def _score(self, pairs: np.ndarray, own: bool) -> float:
        reverse = (pairs << np.uint64(32)) | (pairs >> np.uint64(32))
        there, back = (times(*self._known, wanted) for wanted in (pairs, reverse))
        if own:
            mine = np.unique(pairs, return_counts=True)
            there, back = there - times(*mine, pairs), back - times(*mine, reverse)
        known = there + back > 0
        if known.sum() < FEWEST:
            return np.nan
        return float(np.sign(there - back)[known].mean())


def _pairs(codes: np.ndarray) -> np.ndarray:
    return (codes[:-1] << np.uint64(32)) | codes[1:]
