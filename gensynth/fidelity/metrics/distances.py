"""Nearest rows and rows within a radius, in blocks so that memory stays bounded: a block of rows against all others.

Wide features are first compared by matrix products in single precision, many times faster than differences; the pairs
that this leaves in doubt are then measured exactly, so the results are those of exact distances to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
from scipy.spatial.distance import cdist

BLOCK = 1024
# Products pay from this many query rows, features, and numbers in the reference on.
FEW_ROWS, FEW_FEATURES, FEW_NUMBERS = 32, 8, 2**16


def nearest(query: np.ndarray, reference: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the k smallest Euclidean distances to `reference`, ascending, and where they are.

    Args:
        query: Shape (m, d).
        reference: Shape (n, d).
        k: How many, in 1..n.

    Returns:
        Distances, float64, shape (m, k), and positions in `reference`, int64, shape (m, k).

    Raises:
        ValueError: if k is out of range.
    """
    return _nearest(query, reference, k, leave_one_out=False)


def leave_one_out_nearest(real: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return for each row its k nearest *other* rows, as `nearest` does."""
    return _nearest(real, real, k, leave_one_out=True)


def closer(
    query: np.ndarray,
    reference: np.ndarray,
    query_radii: Sequence[np.ndarray] = (),
    reference_radii: Sequence[np.ndarray] = (),
) -> Iterator[tuple[slice, list[np.ndarray]]]:
    """Yield, block by block of query rows, which distances lie strictly below radii around either kind of row.

    Args:
        query: Shape (m, d).
        reference: Shape (n, d).
        query_radii: Arrays of shape (m,), balls around query rows.
        reference_radii: Arrays of shape (n,), balls around reference rows.

    Yields:
        The rows, and for each array of radii, those of query first, bool of shape (rows, n).
    """
    rounded = _rounded(query, reference)
    for rows in blocks(len(query)):
        balls = [radii[rows, None] for radii in query_radii] + [radii[None] for radii in reference_radii]
        if rounded is None:
            exact = cdist(query[rows], reference)
            yield rows, [exact < radii for radii in balls]
        else:
            squares = rounded.squares(rows)
            centres = [rounded.query_norms[rows, None]] * len(query_radii)
            centres += [rounded.reference_norms[None]] * len(reference_radii)
            yield (
                rows,
                [rounded.closer(rows, squares, norms, radii) for norms, radii in zip(centres, balls, strict=True)],
            )


def blocks(n: int) -> Iterator[slice]:
    """Yield slices of at most BLOCK rows that together cover n rows."""
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))


def _nearest(query: np.ndarray, reference: np.ndarray, k: int, leave_one_out: bool) -> tuple[np.ndarray, np.ndarray]:
    most = len(reference) - leave_one_out
    if not 1 <= k <= most:
        raise ValueError(f"k must lie in 1..{most} for {len(reference)} reference rows, got {k}; lower k.")
    distances, positions = np.empty((len(query), k)), np.empty((len(query), k), dtype=np.int64)
    rounded = _rounded(query, reference)
    for rows in blocks(len(query)):
        d = cdist(query[rows], reference) if rounded is None else rounded.squares(rows)
        if leave_one_out:
            d[np.arange(len(d)), np.arange(rows.start, rows.stop)] = np.inf
        if rounded is not None:
            distances[rows], positions[rows] = rounded.nearest(rows, d, k)
            continue
        at = np.argpartition(d, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(d, at, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        distances[rows] = np.take_along_axis(found, order, axis=1)
        positions[rows] = np.take_along_axis(at, order, axis=1)
    return distances, positions


def _rounded(query: np.ndarray, reference: np.ndarray) -> _Rounded | None:
    """Return the rounded distances, or None where exact ones are cheaper or single precision cannot hold them."""
    if len(query) < FEW_ROWS or query.shape[1] < FEW_FEATURES or reference.size < FEW_NUMBERS:
        return None
    rounded = _Rounded(query, reference)
    largest = max(rounded.query_norms.max(), rounded.reference_norms.max())
    # Also false for NaN. The last: subtracting a huge mean would round the rows themselves.
    safe = 1e-20 < largest < 1e30 and np.square(rounded.mean).sum() < 1e12 * largest
    return rounded if safe else None


@final
class _Rounded:
    """Squared distances D = |x|^2 + |y|^2 - 2 x.y of centred rows in single precision, with a bound of their error.

    Whatever the order of its sums, D differs from the exact d^2 by at most e (|x|^2 + |y|^2), e = (d + 16) 2^-24: d
    for the product (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), the rest for rounding
    the rows, their norms and the two sums. As |y| <= |x| + d, that is at most e (3 |x|^2 + 2 d^2), a bound that
    needs one row and the distance in question: a far outlier makes no other row doubtful.
    """

    def __init__(self, query: np.ndarray, reference: np.ndarray) -> None:
        self.query, self.reference = query, reference
        self.mean = reference.mean(axis=0, dtype=np.float64)
        self.query_norms, self.reference_norms = self._norms(query), self._norms(reference)
        self.e = 1.01 * (query.shape[1] + 16) * 2.0**-24
        self.underflow = 1e-30

    def squares(self, rows: slice) -> np.ndarray:
        """D of some query rows and all reference rows, float32, shape (rows, n)."""
        out = np.empty((rows.stop - rows.start, len(self.reference)), dtype=np.float32)
        x = -2 * self._centred(self.query[rows])
        for columns in blocks(len(self.reference)):
            part = x @ self._centred(self.reference[columns]).T
            part += self.query_norms[rows, None].astype(np.float32)
            part += self.reference_norms[columns].astype(np.float32)
            out[:, columns] = part
        return out

    def nearest(self, rows: slice, squares: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest reference rows by exact distance, as the function `nearest` returns them.

        Where `squares`, the D of these rows, is infinite, the pair is left out.
        """
        size = int(np.clip(squares.shape[1] // (16 * k), 1, 64))
        width = squares.shape[1] // size
        # The k-th smallest of the minima of groups, far fewer, is no less than the k-th smallest of all.
        minima = squares[:, : size * width].reshape(-1, size, width).min(axis=1)
        kth = np.partition(minima, k - 1, axis=1)[:, k - 1].astype(np.float64)
        slack = 3 * self.e * self.query_norms[rows] + self.underflow
        farthest = (kth + slack) / (1 - 2 * self.e)  # d^2 of the k-th nearest is at most this
        limit = np.minimum(farthest * (1 + 2 * self.e) + slack, np.finfo(np.float32).max)
        i, j = np.divmod(np.flatnonzero(squares <= _up(limit)[:, None]), squares.shape[1])
        found = self._exact(rows, i, j)
        order = np.lexsort((j, found, i))
        at = order[np.searchsorted(i, np.arange(len(squares)))[:, None] + np.arange(k)]
        return found[at], j[at]

    def closer(self, rows: slice, squares: np.ndarray, norms: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """Whether exact distances lie below `radii` around the rows with these `norms`, bool, shape (rows, n)."""
        middle = radii.astype(np.float64) ** 2
        slack = self.e * (3 * norms + 2 * middle) + self.underflow
        inside = squares < -_up(slack - middle)
        doubt = np.flatnonzero((squares <= _up(middle + slack)) ^ inside)
        i, j = np.divmod(doubt, squares.shape[1])
        inside[i, j] = self._exact(rows, i, j) < np.broadcast_to(radii, squares.shape)[i, j]
        return inside

    def _exact(self, rows: slice, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Exact distances of pairs: query rows `i` within `rows`, ascending, and reference rows `j`."""
        found = np.empty(len(i))
        starts = np.flatnonzero(np.diff(i, prepend=-1))
        for start, stop in zip(starts, np.append(starts[1:], len(i)), strict=False):
            x = self.query[rows.start + i[start]][None]
            for part in blocks(stop - start):
                at = slice(start + part.start, start + part.stop)
                found[at] = cdist(x, self.reference[j[at]])[0]
        return found

    def _centred(self, x: np.ndarray) -> np.ndarray:
        return np.subtract(x, self.mean, out=np.empty(x.shape, dtype=np.float32), casting="same_kind")

    def _norms(self, x: np.ndarray) -> np.ndarray:
        return np.concatenate([np.square(x[rows] - self.mean).sum(axis=1) for rows in blocks(len(x))])


def _up(x: np.ndarray) -> np.ndarray:
    """The next larger value in single precision."""
    return np.nextafter(x.astype(np.float32), np.float32(np.inf))
