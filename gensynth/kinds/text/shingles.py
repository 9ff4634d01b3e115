"""Shingles: which documents are nearly the same, found by hashing, without comparing all pairs.

A document is the set of its runs of five characters (Broder 1997, "On the resemblance and containment of documents").
The smallest values of random functions of these agree in two documents as often as their sets overlap (MinHash), and
two documents of which all values in one of several bands agree are looked at (Leskovec, Rajaraman and Ullman 2020,
"Mining of massive datasets", section 3.4): of pairs that overlap by 0.8 all but one in 3,000, by 0.6 nine of ten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


@final
@dataclass(frozen=True, eq=False)
class Sketch:
    """What a document is compared by; made once for each.

    Attributes:
        found: As `shingles` returns them.
        least: The smallest values of random functions of these, uint64, shape (BITS,).
    """

    found: np.ndarray
    least: np.ndarray

    @staticmethod
    def of(text: str) -> Sketch:
        """Return the sketch of a text."""
        found = shingles(text)
        return Sketch(found, ((found * _FACTORS + _TERMS) >> np.uint64(20)).min(axis=1))

    @property
    def bits(self) -> np.ndarray:
        """The last bit of each value, float64: of two documents that overlap by J, a share of (1 - J) / 2 differ.

        Li and König 2010, "b-Bit minwise hashing".
        """
        return (self.least & np.uint64(1)).astype(np.float64)

    @property
    def bands(self) -> list[bytes]:
        """The bands of the values."""
        rows = self.least[: BANDS * ROWS].reshape(BANDS, ROWS)
        return [bytes([at]) + row.tobytes() for at, row in enumerate(rows)]


def reach(share: float) -> float:
    """Return the distance of the bits of two documents that overlap by a share."""
    return float(np.sqrt(BITS * (1 - share) / 2))


@final
class Index:
    """Finds, among documents, those that are nearly the same as another one."""

    def __init__(self, sketches: Iterable[Sketch] = ()) -> None:
        self.sketches: list[Sketch] = []
        self._at: defaultdict[bytes, list[int]] = defaultdict(list)
        for sketch in sketches:
            self.add(sketch)

    def add(self, sketch: Sketch) -> None:
        """Add a document."""
        for band in sketch.bands:
            self._at[band].append(len(self.sketches))
        self.sketches.append(sketch)

    def near(self, sketch: Sketch, most: int = 50) -> dict[int, float]:
        """Return documents that may be nearly the same and their overlap, the first `most` of each band."""
        at = dict.fromkeys(i for band in sketch.bands for i in self._at.get(band, ())[:most])
        return {i: overlap(sketch.found, self.sketches[i].found) for i in at}


def templates(texts: Sequence[str]) -> np.ndarray:
    """Return the number of the template of each document, int64, shape (n,); one of its own for most.

    Documents that are joined by a chain of near copies are of one template.
    """
    index, pairs = Index(), [(0, 0)]
    for i, text in enumerate(texts):
        sketch = Sketch.of(text)
        pairs += [(i, other) for other, share in index.near(sketch, 3).items() if share >= SAME]
        index.add(sketch)
    a, b = np.array(pairs).T
    graph = coo_array((np.ones(len(a)), (a, b)), (len(texts), len(texts)))
    found_in: np.ndarray = connected_components(graph)[1].astype(np.int64)
    return found_in
