"""Shingles: which documents are nearly the same, found by hashing, without comparing all pairs.

A document is the set of its runs of five characters (Broder 1997, "On the resemblance and containment of documents").
The smallest values of random functions of these agree in two documents as often as their sets overlap (MinHash), and
two documents of which all values in one of several bands agree are looked at (Leskovec, Rajaraman and Ullman 2020,
"Mining of massive datasets", section 3.4): of pairs that overlap by 0.8 all but one in 3,000, by 0.6 nine of ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gensynth.kinds.text.documents import plain

LONG, SEEN = 5, 20_000
"""Characters of a shingle, and of a document that are looked at."""
BANDS, ROWS = 16, 4
BLOCK = 2**15
"""Shingles that are hashed together, about: as many as stay in a core's cache."""
SAME = 0.7
"""Overlap of two sets of shingles, |a and b| / |a or b|, from which on documents are nearly the same."""
_RNG = np.random.default_rng(0)
_FACTORS = _RNG.integers(0, 2**63, BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_TERMS = _RNG.integers(0, 2**63, BANDS * ROWS, dtype=np.uint64)
_BASE = np.uint64(1_000_003)


def shingles(text: str) -> np.ndarray:
    """Return the different shingles of a text as numbers, uint64, ascending; those of a short text are one."""
    codes = np.frombuffer(plain(text[:SEEN]).encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    found = np.zeros(max(1, len(codes) - LONG + 1), dtype=np.uint64)
    for i in range(min(LONG, len(codes))):
        found = found * _BASE + codes[i : i + len(found)] + np.uint64(1)
    found.sort()
    new = np.ones(len(found), dtype=bool)
    np.not_equal(found[1:], found[:-1], out=new[1:])
    return found[new]  # np.unique takes longer than all else here


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return |a and b| / |a or b| of two sets of shingles."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


@final
@dataclass(frozen=True, eq=False)
class Sketches:
    """What n documents are compared by; made once for each.

    Attributes:
        found: As `shingles` returns them, length n.
        bands: Each as one number, uint64, shape (n, BANDS).
    """

    found: Sequence[np.ndarray]
    bands: np.ndarray

    @staticmethod
    def of(texts: Sequence[str]) -> Sketches:
        """Return the sketches of texts."""
        found = [shingles(text) for text in texts]
        bands = np.zeros((len(found), BANDS), dtype=np.uint64)
        ends = np.cumsum([0, *map(len, found)])
        blocks = np.unique(np.searchsorted(ends, np.arange(0, ends[-1] + BLOCK, BLOCK)).clip(max=len(found)))
        for start, stop in zip(blocks[:-1], blocks[1:], strict=True):
            own = np.concatenate(found[start:stop])
            firsts = ends[start:stop] - ends[start]
            for at, (factor, term) in enumerate(zip(_FACTORS, _TERMS, strict=True)):
                least = np.minimum.reduceat((own * factor + term) >> np.uint64(20), firsts)
                bands[start:stop, at // ROWS] = bands[start:stop, at // ROWS] * _BASE + least
        return Sketches(found, bands)

    def take(self, at: np.ndarray) -> Sketches:
        """Return those at the positions `at`."""
        return Sketches([self.found[i] for i in at], self.bands[at])


@final
class Index:
    """Finds, among documents, those that may be nearly the same as another one.

    Args:
        sketches: The documents.
    """

    def __init__(self, sketches: Sketches) -> None:
        self.sketches = sketches
        self._order = np.argsort(sketches.bands, axis=0, kind="stable")
        self._sorted = np.take_along_axis(sketches.bands, self._order, axis=0)

    def alike(self, sketches: Sketches, most: int = 50) -> Iterator[list[int]]:
        """Yield for each of other documents the positions of those that may be nearly the same.

        Those that agree in the most bands come first; of each band the first `most` are looked at.
        """
        columns = list(zip(self._sorted.T, sketches.bands.T, strict=True))
        first = np.array([np.searchsorted(known, asked) for known, asked in columns])
        behind = np.array([np.searchsorted(known, asked, "right") for known, asked in columns])
        for starts, stops in zip(first.T.tolist(), np.minimum(behind, first + most).T.tolist(), strict=True):
            own = zip(starts, stops, self._order.T, strict=True)
            n = Counter(i for start, stop, order in own if start < stop for i in order[start:stop].tolist())
            yield sorted(n, key=lambda i: (-n[i], i))


def templates(texts: Sequence[str]) -> np.ndarray:
    """Return the number of the template of each document, int64, shape (n,); one of its own for most.

    Documents that are joined by a chain of near copies are of one template; each is compared with the first three
    of each band.
    """
    place: dict[str, int] = {}
    of = np.array([place.setdefault(plain(text[:SEEN]), len(place)) for text in texts])
    sketches, n = Sketches.of([*place]), len(place)
    found_in, joined = np.arange(n), np.zeros((2, 0), dtype=np.int64)
    for band in sketches.bands.T:
        order = np.argsort(band, kind="stable")
        begins = np.flatnonzero(np.diff(band[order], prepend=~band[order[:1]]))
        first = np.repeat(begins, np.diff(begins, append=n))
        for step in range(3):
            later = first + step < np.arange(n)
            pairs = np.array([order[later], order[(first + step)[later]]])
            pairs = pairs[:, found_in[pairs[0]] != found_in[pairs[1]]]
            same = [overlap(sketches.found[i], sketches.found[j]) >= SAME for i, j in pairs.T]
            if any(same):
                joined = np.hstack([joined, pairs[:, same]])
                graph = coo_array((np.ones(joined.shape[1]), tuple(joined)), (n, n))
                found_in = connected_components(graph)[1].astype(np.int64)
    return found_in[of]
