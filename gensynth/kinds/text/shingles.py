"""Shingles: which documents are nearly the same, found by hashing, without comparing all pairs.

A document is the set of its runs of five characters (Broder 1997, "On the resemblance and containment of documents").
The smallest values of random functions of these agree in two documents as often as their sets overlap (MinHash), and
two documents of which all values in one of several bands agree are looked at (Leskovec, Rajaraman and Ullman 2020,
"Mining of massive datasets", section 3.4): of pairs that overlap by 0.8 all but one in 3,000, by 0.6 nine of ten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gensynth.kinds.text.documents import plain

LONG, SEEN = 5, 20_000
"""Characters of a shingle, and of a document that are looked at."""
BANDS, ROWS, BITS = 16, 4, 128
SAME = 0.7
"""Overlap of two sets of shingles, |a and b| / |a or b|, from which on documents are nearly the same."""
_RNG = np.random.default_rng(0)
_FACTORS = _RNG.integers(0, 2**63, (BITS, 1), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_TERMS = _RNG.integers(0, 2**63, (BITS, 1), dtype=np.uint64)
_BASE = np.uint64(1_000_003)


def shingles(text: str) -> np.ndarray:
    """Return the different shingles of a text as numbers, uint64, ascending; those of a short text are one."""
    codes = np.frombuffer(plain(text[:SEEN]).encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    found = np.zeros(max(1, len(codes) - LONG + 1), dtype=np.uint64)
    for i in range(min(LONG, len(codes))):
        found = found * _BASE + codes[i : i + len(found)] + np.uint64(1)
    return np.unique(found)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return |a and b| / |a or b| of two sets of shingles."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


def signature(found: np.ndarray) -> np.ndarray:
    """Return the smallest values of random functions of a document's shingles, uint64, shape (BITS,)."""
    least: np.ndarray = ((found * _FACTORS + _TERMS) >> np.uint64(20)).min(axis=1)
    return least


def bits(found: np.ndarray) -> np.ndarray:
    """Return the last bit of each of these: of two documents that overlap by J, a share of (1 - J) / 2 differ.

    Li and König 2010, "b-Bit minwise hashing".

    Returns:
        0 or 1, float64, shape (BITS,).
    """
    return (signature(found) & np.uint64(1)).astype(np.float64)


def reach(share: float) -> float:
    """Return the distance of the bits of two documents that overlap by a share."""
    return float(np.sqrt(BITS * (1 - share) / 2))


def _bands(found: np.ndarray) -> list[bytes]:
    """Return the bands of a document's smallest values."""
    bands = signature(found)[: BANDS * ROWS].reshape(BANDS, ROWS)
    return [bytes([at]) + band.tobytes() for at, band in enumerate(bands)]


@final
class Index:
    """Finds, among documents, those that are nearly the same as another one."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.sets: list[np.ndarray] = []
        self._at: defaultdict[bytes, list[int]] = defaultdict(list)
        for text in texts:
            self.add(shingles(text))

    def add(self, found: np.ndarray) -> None:
        """Add a document by its shingles."""
        for band in _bands(found):
            self._at[band].append(len(self.sets))
        self.sets.append(found)

    def near(self, found: np.ndarray, most: int = 50) -> dict[int, float]:
        """Return documents that may be nearly the same and their overlap, the first `most` of each band."""
        at = dict.fromkeys(i for band in _bands(found) for i in self._at.get(band, ())[:most])
        return {i: overlap(found, self.sets[i]) for i in at}


def templates(texts: Sequence[str]) -> np.ndarray:
    """Return the number of the template of each document, int64, shape (n,); one of its own for most.

    Documents that are joined by a chain of near copies are of one template.
    """
    index, pairs = Index(), [(0, 0)]
    for i, text in enumerate(texts):
        found = shingles(text)
        pairs += [(i, other) for other, share in index.near(found, 3).items() if share >= SAME]
        index.add(found)
    a, b = np.array(pairs).T
    graph = coo_array((np.ones(len(a)), (a, b)), (len(texts), len(texts)))
    found_in: np.ndarray = connected_components(graph)[1].astype(np.int64)
    return found_in
