"""TableSmote: the SMOTE family of imbalanced-learn, for tables as people have them.

imbalanced-learn decides which rows are interpolated with which. It works on arrays of numbers, and other columns come
out wrong: whole numbers are cut off, truth values drift towards true, missing values are refused, frequent levels take
the place of rare ones. So it is only asked *where* new rows lie: on which segments between two rows, and for which new
rows its cleaning would remove. The rows themselves are made here, column by column.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from imblearn.metrics.pairwise import ValueDifferenceMetric
from imblearn.over_sampling import ADASYN, SMOTE, SVMSMOTE, BorderlineSMOTE, KMeansSMOTE
from imblearn.under_sampling import EditedNearestNeighbours, TomekLinks
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.schema import Schema

VARIANTS = {
    "auto": "smote where all columns are numbers, smoten where none is, smotenc otherwise",
    "smote": "between a row and one of its nearest neighbours by the numbers (Chawla et al. 2002)",
    "smotenc": "the same; levels that differ count as one standard deviation (Chawla et al. 2002, section 6.1)",
    "smoten": "the same by the levels only, with the value difference metric (section 6.2)",
    "borderline": "from rows with many neighbours of other classes (Han et al. 2005, borderline-1)",
    "svm": "from the support vectors, outwards where they are safe (Nguyen et al. 2011)",
    "kmeans": "inside clusters where the class is frequent, most where it is sparse (Last et al. 2017)",
    "adasyn": "the more, the more neighbours of a row are of other classes (He et al. 2008)",
    "smoteenn": "smotenc; without the new rows that a neighbour of another class contradicts (Batista et al. 2004)",
    "smotetomek": "smotenc; without the new rows that form a Tomek link with another class (Batista et al. 2003)",
}
"""The variants. All but smote and smoten measure distances as smotenc does."""

CLEANED = ("smoteenn", "smotetomek")
"""The variants that remove new rows."""

LARGEST = 20_000
"""Rows of a class among which neighbours are searched, as that takes their square: of larger classes a random part."""
SEGMENTS = 2**15
"""Segments that imbalanced-learn is asked for, at least."""
DRAWN = 2**21
"""Coordinates of their points, at most: of wide tables it is asked for fewer, as it draws all coordinates of each."""
OUTWARDS = 0.5
"""How far 'svm' goes beyond a safe row, in lengths of the segment."""
AROUND = 0.05
"""How far from the point that passed the cleaning a row may lie, in lengths of the segment."""
TAG = 2.0**-20
"""Size of the entry that tells which row a row is: it changes a squared distance by 2e-12."""


@final
class TableSmote(TableSampler):
    """SMOTE and its relatives for numbers, levels, truth values and times, with missing values.

    A new row lies on the segment from a row a to its neighbour b, at t in [0, 1]:

    - Numbers and times are a + t (b - a). Neighbours are searched on standardised columns, whole numbers rounded to the
      nearest.
    - Levels, truth values, missing values and spikes (numbers so frequent that they are levels, such as an exact zero)
      are taken from a or b, never mixed, never voted on. They come from b with probability t, and only if a is one of
      b's neighbours, too: what flows from b to a then also flows from a to b, so every level, however rare, keeps its
      share among the rows that the variant starts from.

    The cleaning of `smoteenn` and `smotetomek` removes synthetic rows only: real rows stay as they are, and those that
    imbalanced-learn would remove are not.

    Args:
        variant: One of `VARIANTS`.
        k_neighbors: Neighbours of the same class to choose from; fewer where the class is smaller.
        sampling_strategy: As in `Sampler`.
        random_state: As in `Sampler`.
        schema: As in `TableSampler`.

    Example:
        >>> import pandas as pd
        >>> X = pd.DataFrame({"age": [30, 41, 35, 52, 60, 47], "member": [True, False] * 3})
        >>> more, y = TableSmote().fit_resample(X, ["no", "no", "no", "no", "yes", "yes"])
        >>> len(more), str(more["age"].dtype), str(more["member"].dtype)
        (8, 'int64', 'bool')
    """

    name = "smote"
    fewest: ClassVar[int] = 2
    state: ClassVar[dict[str, Any]] = {
        "kept_": "n",
        "numbers_": "n p",
        "codes_": "n q",
        "y_": "n",
        "points_": "n w",
    }

    def __init__(
        self,
        variant: str = "auto",
        k_neighbors: int = 5,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
        schema: Schema | None = None,
    ) -> None:
        super().__init__(sampling_strategy, random_state, schema)
        self.variant = variant
        self.k_neighbors = k_neighbors

    def _learn(self, rows: Encoded, y: np.ndarray) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant {self.variant!r} is not known; allowed: {', '.join(VARIANTS)}.")
        if not isinstance(self.k_neighbors, int) or self.k_neighbors < 1:
            raise ValueError(f"k_neighbors must be a whole number, at least 1; got {self.k_neighbors!r}.")
        rng = np.random.default_rng(0)
        classes = (np.flatnonzero(y == label) for label in np.unique(y))
        self.kept_ = np.concatenate([np.sort(rng.permutation(mine)[:LARGEST]) for mine in classes])
        self.numbers_, self.codes_, self.y_ = rows.numbers[self.kept_], rows.codes[self.kept_], y[self.kept_]
        self.points_ = self._points()
        self.segments_: dict[int, Segments] = {}

    def _points(self) -> np.ndarray:
        """Return the coordinates in which neighbours are searched, shape (n, d)."""
        levels = np.concatenate([self.codes_, self._states(self.numbers_)], axis=1)
        levels = levels[:, (levels != levels[:1]).any(axis=0)]
        numbers = self.numbers_[:, ~np.isnan(self.numbers_).all(axis=0)]
        has_numbers, has_levels = numbers.shape[1] > 0, levels.shape[1] > 0
        variant = self.variant
        if variant == "auto":
            variant = "smotenc" if has_numbers == has_levels else "smote" if has_numbers else "smoten"
        parts = []
        if variant != "smoten" and has_numbers:
            # Missing numbers are where the mean is.
            parts.append(np.nan_to_num(StandardScaler().fit_transform(numbers)))
        if variant == "smoten" and has_levels:
            chances = ValueDifferenceMetric().fit(levels.astype(np.int32), self.y_).proba_per_class_
            parts += [chance[level] for chance, level in zip(chances, levels.T, strict=True)]
        elif variant != "smote" and has_levels:
            # Two rows that differ in a level differ in two of these columns: a distance of one standard deviation.
            parts.append(OneHotEncoder(sparse_output=False).fit_transform(levels) / np.sqrt(2))
        if not parts:
            what = {"smote": "numbers", "smoten": "levels"}.get(variant, "columns that tell rows apart")
            raise ValueError(
                f"variant {self.variant!r} needs {what}, and the table has none; use the sampler 'random'."
            )
        return np.concatenate(parts, axis=1)

    def _states(self, numbers: np.ndarray) -> np.ndarray:
        """Return what each number is: 0 ordinary, 1 missing, 2, 3, ... a spike of its column; int64, shape (n, p)."""
        states = np.isnan(numbers).astype(np.int64)
        for j, column in enumerate(self.codec_.number_columns):
            for at, spike in enumerate(column.spikes, start=2):
                states[numbers[:, j] == spike, j] = at
        return states

    def _rows(self, label: int, n: int, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        segments = self._segments(label)
        segments = segments.take(rng.integers(len(segments.a), size=n))
        if self.variant in CLEANED:
            t = np.clip(segments.t + rng.uniform(-AROUND, AROUND, n), 0, 1)
        else:
            t = rng.uniform(size=n) * np.where(segments.t < 0, -OUTWARDS, 1)
        a, b = segments.a, segments.b
        p, q = self.numbers_.shape[1], self.codes_.shape[1]
        from_b = rng.random((n, p + q)) < np.where(segments.mutual, t, 0)[:, None]
        here, there = self.numbers_[a], self.numbers_[b]
        between = here + t[:, None] * (there - here)
        ordinary = (self._states(here) == 0) & (self._states(there) == 0) & ~self._becomes_spike(between)
        numbers = np.where(ordinary, between, np.where(from_b[:, :p], there, here))
        codes = np.where(from_b[:, p:], self.codes_[b], self.codes_[a])
        return Encoded(numbers, codes), self.kept_[np.stack([a, b], axis=1)]

    def _becomes_spike(self, numbers: np.ndarray) -> np.ndarray:
        """Return which numbers are a spike once they are rounded and inside their bounds, bool, shape (n, p)."""
        becomes = np.zeros(numbers.shape, dtype=bool)
        for j, c in enumerate(self.codec_.number_columns):
            decimals = 0 if c.kind == "datetime" else c.decimals
            reach = 0 if decimals is None else 0.5 * 10.0**-decimals
            inside = np.clip(numbers[:, j], -np.inf if c.low is None else c.low, np.inf if c.high is None else c.high)
            for spike in c.spikes:
                becomes[:, j] |= np.abs(inside - spike) <= reach
        return becomes

    def _segments(self, label: int) -> Segments:
        # Found when first needed, since the largest class is seldom drawn; what is found doesn't depend on when.
        known: dict[int, Segments] = self.__dict__.setdefault("segments_", {})  # not in a loaded one
        if label in known:
            return known[label]
        is_mine = self.y_ == label
        name, n = self.classes_[label], int(is_mine.sum())
        # The cleaning sees a balanced class, as in imbalanced-learn; otherwise each neighbour is to be drawn.
        enough = max(8 * n, min(SEGMENTS, DRAWN // self.points_.shape[1]))
        wanted = max(256, n, int(np.bincount(self.y_).max()) - n) if self.variant in CLEANED else enough
        try:
            known[label] = ask(self.points_, is_mine, wanted, self.variant, self.k_neighbors)
        except (LookupError, RuntimeError, ValueError) as error:
            raise ValueError(
                f"variant {self.variant!r} finds no place for new rows of class {name!r}; use variant='auto'."
            ) from error
        return known[label]


@dataclass(frozen=True, eq=False)
class Segments:
    """Segments between two rows of a class, each with the point a + t (b - a) that imbalanced-learn drew on it.

    Attributes:
        a: Position of the row that the segment starts from, int64, shape (m,).
        b: Position of its neighbour, int64, shape (m,).
        t: Where the point lies, float64, shape (m,); negative beyond a.
        mutual: Whether a is a neighbour of b, too, bool, shape (m,).
    """

    a: np.ndarray
    b: np.ndarray
    t: np.ndarray
    mutual: np.ndarray

    def take(self, at: np.ndarray) -> Segments:
        """Return some of them (positions or a boolean mask)."""
        return Segments(self.a[at], self.b[at], self.t[at], self.mutual[at])


def ask(points: np.ndarray, is_mine: np.ndarray, wanted: int, variant: str, k_neighbors: int) -> Segments:
    """Let imbalanced-learn draw points of one class, and return the segments on which they lie.

    Every row of the class gets a tag: one more column, in which only this row is not zero. A drawn point is a weighted
    mean of two rows, and its tags are their weights.

    Args:
        points: Coordinates of all rows, shape (n, d).
        is_mine: Which rows are of the class, bool, shape (n,).
        wanted: How many to draw.
        variant: One of `VARIANTS`.
        k_neighbors: Neighbours to choose from, at most.

    Raises:
        ValueError, RuntimeError: of imbalanced-learn, if no row suits the variant.
        LookupError: if it drew no point, or none passes the cleaning.
    """
    mine = np.flatnonzero(is_mine)
    n, width = len(mine), points.shape[1]
    tags = sparse.csr_matrix((np.full(n, TAG), (mine, np.arange(n))), shape=(len(points), n))
    tagged = sparse.hstack([sparse.csr_matrix(points), tags], format="csr")
    near = TaggedNeighbors(width, min(k_neighbors, n - 1) + 1)
    around = TaggedNeighbors(width, min(10, len(points) - 1) + 1)
    given: dict[str, Any] = {"sampling_strategy": {1: n + wanted}, "random_state": 0}
    if variant == "borderline":
        sampler = BorderlineSMOTE(k_neighbors=near, m_neighbors=around, **given)
    elif variant == "svm":
        sampler = SVMSMOTE(k_neighbors=near, m_neighbors=around, out_step=OUTWARDS, **given)
    elif variant == "kmeans":
        # By default only clusters count that are at least half of the class, which a rare one never reaches.
        clusters, share = min(8, max(1, n // (4 * near.n_neighbors))), float(np.mean(is_mine))
        sampler = KMeansSMOTE(k_neighbors=near, kmeans_estimator=clusters, cluster_balance_threshold=share, **given)
    elif variant == "adasyn":
        sampler = ADASYN(n_neighbors=near, **given)
    else:
        sampler = SMOTE(k_neighbors=near, **given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the class becomes the largest, that some clusters are empty
        made = sampler.fit_resample(tagged, is_mine.astype(int))[0][len(points) :, width:]
    if not made.shape[0]:
        raise LookupError("no row suits the variant")
    first, last = made.indptr[:-1], made.indptr[1:] - 1
    a, b, t = made.indices[first].astype(np.int64), made.indices[last].astype(np.int64), made.data[last] / TAG
    # Which of the two is the row, and which its neighbour? The search knows; beyond the row, its weight is above 1.
    pairs = np.unique(np.concatenate((sampler.nn_ if variant == "adasyn" else sampler.nn_k_).pairs))
    forward, backward = np.isin(a * n + b, pairs), np.isin(b * n + a, pairs)
    turn = ~forward | (t > 1)
    a, b, t = np.where(turn, b, a), np.where(turn, a, b), np.where(turn, 1 - t, t)
    segments = Segments(mine[a], mine[b], t, forward & backward)
    return clean(segments, points, is_mine, variant) if variant in CLEANED else segments


def clean(segments: Segments, points: np.ndarray, is_mine: np.ndarray, variant: str) -> Segments:
    """Return the segments whose points imbalanced-learn's cleaning keeps; arguments and errors as in `ask`."""
    a = points[segments.a]
    drawn = a + segments.t[:, None] * (points[segments.b] - a)
    cleaner = (EditedNearestNeighbours if variant == "smoteenn" else TomekLinks)(sampling_strategy=[1])
    cleaner.fit_resample(np.concatenate([points, drawn]), np.r_[is_mine, np.ones(len(drawn), dtype=bool)].astype(int))
    kept = cleaner.sample_indices_[cleaner.sample_indices_ >= len(points)] - len(points)
    if not len(kept):
        raise LookupError("no point passes the cleaning")
    return segments.take(kept)


class TaggedNeighbors(NearestNeighbors):
    """Nearest neighbours by the first `width` columns, which notes the neighbours of tagged rows.

    Attributes:
        pairs: One array per search among tagged rows: tag of the row times number of tags, plus tag of a neighbour.
    """

    def __init__(self, width: int = 1, n_neighbors: int = 6) -> None:
        super().__init__(n_neighbors=n_neighbors)
        self.width = width
        self.pairs: list[np.ndarray] = []

    def fit(self, X: sparse.csr_matrix, y: None = None) -> TaggedNeighbors:  # noqa: N803
        """Take the rows among which to search."""
        self.tags_ = X[:, self.width :].indices.astype(np.int64)
        return super().fit(X[:, : self.width].toarray())

    def kneighbors(self, X: sparse.csr_matrix, n_neighbors: None = None, return_distance: bool = False) -> np.ndarray:  # noqa: N803
        """Return the positions of the neighbours of each row, the row itself among them."""
        near = super().kneighbors(X[:, : self.width].toarray(), return_distance=False)
        if len(self.tags_) == self.n_samples_fit_:
            row = X[:, self.width :].indices.astype(np.int64)
            self.pairs.append((row[:, None] * (X.shape[1] - self.width) + self.tags_[near[:, 1:]]).ravel())
        return near
