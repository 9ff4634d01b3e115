"""Fidelity metrics of tables as pure functions of encoded rows (`gensynth.kinds.table.codec.Encoded`).

The definitions of marginals and pair trends follow SDMetrics (https://docs.sdv.dev/sdmetrics), written
anew; what is new is that each comes with the value that real rows reach against real rows at the same numbers.
Memory stays bounded: distances are computed in blocks, contingencies split by split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.stats import rankdata

from gensynth.kinds.table.codec import Encoded

BINS = 5
"""Bins of a number in its contingency with a categorical column: its quintiles."""
MOST_PAIRED = 64
"""Columns whose relations are measured, as the number of pairs is the square of it."""
PAIR_LEVELS = 10
"""Levels of a column that are told apart in contingencies, the rarest counting as one."""


@final
@dataclass(frozen=True, eq=False)
class Coordinates:
    """Rows as points, whose Euclidean distances weigh numbers and levels alike.

    A number becomes asinh((x - median) / spread), standardised: linear in the middle, logarithmic in the tails. A
    missing one lies at 0, and has a coordinate of its own that is 1. A categorical column has one 0/1 coordinate per
    level. So two rows differ by sqrt(2) where their levels differ, and in the root mean square in a number.

    Attributes:
        median: Median of each number, shape (p,).
        spread: Median distance from it, equal ones left out, shape (p,).
        mean: Mean after asinh, shape (p,).
        scale: Standard deviation after asinh, shape (p,).
        has_missing: Which numbers are missing in some row, bool, shape (p,).
        cards: Number of codes of each categorical column.
    """

    median: np.ndarray
    spread: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    has_missing: np.ndarray
    cards: tuple[int, ...]

    @staticmethod
    def fit(rows: Encoded, cards: Sequence[int]) -> Coordinates:
        """Fit on real rows; constant and empty columns become 0."""
        of_columns = np.array([_spread(x[~np.isnan(x)]) for x in rows.numbers.T]).reshape(-1, 4)
        median, spread, mean, scale = of_columns.T
        return Coordinates(median, spread, mean, scale, np.isnan(rows.numbers).any(axis=0), tuple(cards))

    def __call__(self, rows: Encoded) -> np.ndarray:
        """Return the points, float64, shape (n, p + numbers that can be missing + sum of cards)."""
        z = (np.arcsinh((rows.numbers - self.median) / self.spread) - self.mean) / self.scale
        absent = np.isnan(z)
        levels = [codes[:, None] == np.arange(card) for codes, card in zip(rows.codes.T, self.cards, strict=True)]
        return np.concatenate([np.where(absent, 0, z), absent[:, self.has_missing], *levels], axis=1, dtype=np.float64)


def _spread(x: np.ndarray) -> tuple[float, float, float, float]:
    """Return median, median distance from it, and mean and standard deviation after asinh, of a number."""
    if not len(x) or x.min() == x.max():
        return (float(x[0]) if len(x) else 0.0), 1.0, 0.0, 1.0
    median = float(np.median(x))
    distance = np.abs(x - median)
    spread = float(np.median(distance[distance > 0]))
    z = np.arcsinh((x - median) / spread)
    return median, spread, float(z.mean()), float(z.std())


def stacked(parts: Sequence[Encoded]) -> Encoded:
    """Return all rows of all parts."""
    return Encoded(np.concatenate([p.numbers for p in parts]), np.concatenate([p.codes for p in parts]))


def random_splits(n_real: int, n_synthetic: int, seed: int, splits: int) -> np.ndarray:
    """Return which rows count as real: as they are (first column), then in random splits of the same sizes.

    Returns:
        bool, shape (n_real + n_synthetic, splits + 1). What a statistic is in the random splits is what it is between
        real rows and real rows, if all rows are of one distribution.
    """
    rng = np.random.default_rng(seed)
    is_real = np.arange(n_real + n_synthetic) < n_real
    return np.stack([is_real, *(rng.permutation(is_real) for _ in range(splits))], axis=1)


def marginal_similarities(rows: Encoded, cards: Sequence[int], is_real: np.ndarray) -> np.ndarray:
    """Return for each column how much of its distribution real and synthetic rows share, in [0, 1].

    1 - Kolmogorov-Smirnov distance max_x |F_real(x) - F_synthetic(x)| for numbers that are not missing;
    1 - total variation distance 1/2 sum_l |p_real(l) - p_synthetic(l)| for levels, a missing one being a level.

    Args:
        rows: Real and synthetic rows together, N of them.
        cards: Number of codes of each categorical column.
        is_real: As of `random_splits`, shape (N, B).

    Returns:
        float64, shape (columns, B), the numbers first.
    """
    distances = [_kolmogorov_smirnov(x, is_real) for x in rows.numbers.T]
    for codes, card in zip(rows.codes.T, cards, strict=True):
        counts = (codes[:, None] == np.arange(card)).astype(np.float64)
        distances.append(np.abs(_share(counts.T @ is_real) - _share(counts.T @ ~is_real)).sum(axis=0) / 2)
    return 1 - np.array(distances).reshape(-1, is_real.shape[1])


def _kolmogorov_smirnov(x: np.ndarray, is_real: np.ndarray) -> np.ndarray:
    order = np.argsort(x)[: len(x) - int(np.isnan(x).sum())]  # missing ones are sorted to the end
    if not len(order):
        return np.zeros(is_real.shape[1])
    x, s = x[order], is_real[order]
    real, synthetic = np.cumsum(s, axis=0), np.cumsum(~s, axis=0)
    with np.errstate(invalid="ignore"):
        difference = np.abs(real / real[-1] - synthetic / synthetic[-1])
    # All equal values must have been counted. Where one side has no value at all, nothing is shared.
    return np.nan_to_num(difference[np.append(x[1:] != x[:-1], True)], nan=1.0).max(axis=0)


def _share(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(axis=0), 1)


def missing_similarities(rows: Encoded, missing_codes: Sequence[int], is_real: np.ndarray) -> np.ndarray:
    """Return 1 - |share of missing values in real rows - in synthetic ones|, shape (columns, B), the numbers first.

    Args:
        rows: Real and synthetic rows together, N of them.
        missing_codes: The code that stands for a missing value in each categorical column, -1 for none.
        is_real: As of `random_splits`, shape (N, B).
    """
    absent = np.concatenate([np.isnan(rows.numbers), rows.codes == np.asarray(missing_codes)], axis=1).T
    rates = [(absent @ s.astype(np.float64)) / s.sum(axis=0) for s in (is_real, ~is_real)]
    return 1 - np.abs(rates[0] - rates[1])


def pair_similarities(
    rows: Encoded, cards: Sequence[int], is_real: np.ndarray
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Return how alike the relation of every two of the `paired_columns` is among real and synthetic rows, in [0, 1].

    1 - |r_real - r_synthetic| / 2 for two numbers, r being the correlation of their ranks among all rows;
    1 - total variation distance of the joint distributions for others, numbers being cut into `BINS` quantiles.

    Args:
        rows: Real and synthetic rows together, N of them.
        cards: Number of codes of each categorical column.
        is_real: As of `random_splits`, shape (N, B).

    Returns:
        The pairs as positions of columns, the numbers first, and the similarities, float64, shape (pairs, B).
    """
    kept = paired_columns(rows.numbers.shape[1] + len(cards))
    numbers, codes = kept[kept < rows.numbers.shape[1]], kept[kept >= rows.numbers.shape[1]] - rows.numbers.shape[1]
    rows, cards = Encoded(rows.numbers[:, numbers], rows.codes[:, codes]), [cards[j] for j in codes]
    p = len(numbers)
    places = [(a, b) for a in range(p) for b in range(a + 1, p)]
    places += [(a, p + b) for b in range(len(cards)) for a in range(p + b)]
    trends = _correlation_distances(rows.numbers, is_real)
    contingencies = _contingency_distances(rows, cards, is_real)
    return [(int(kept[a]), int(kept[b])) for a, b in places], 1 - np.concatenate([trends, contingencies])


def paired_columns(n: int) -> np.ndarray:
    """Return the positions of those out of n columns whose relations are measured: all, or `MOST_PAIRED` of them."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_PAIRED)).round().astype(np.int64)) if n else np.arange(0)


def _correlation_distances(numbers: np.ndarray, is_real: np.ndarray) -> np.ndarray:
    """Return |r_real - r_synthetic| / 2 of every two columns, shape (pairs, B)."""
    p = numbers.shape[1]
    ranks = np.stack([_centred_ranks(x) for x in numbers.T], axis=1) if p else numbers
    correlations = []
    for s in (is_real.astype(np.float64), (~is_real).astype(np.float64)):
        n = s.sum(axis=0)
        mean, variance = ranks.T @ s / n, (ranks**2).T @ s / n
        deviation = np.sqrt(np.maximum(variance - mean**2, 0))
        covariances = [(ranks[:, a + 1 :] * ranks[:, [a]]).T @ s / n - mean[a + 1 :] * mean[a] for a in range(p)]
        scales = [deviation[a + 1 :] * deviation[a] for a in range(p)]
        covariance, scale = (np.concatenate([*parts, np.empty((0, len(n)))]) for parts in (covariances, scales))
        correlations.append(np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 1e-12))
    return np.abs(correlations[0] - correlations[1]) / 2


def _centred_ranks(x: np.ndarray) -> np.ndarray:
    """Return the ranks of numbers, of mean 0 and in [-1, 1], 0 where missing."""
    given, ranks = ~np.isnan(x), np.zeros(len(x))
    ranks[given] = 2 * rankdata(x[given]) / (given.sum() + 1) - 1
    return ranks


def _contingency_distances(rows: Encoded, cards: Sequence[int], is_real: np.ndarray) -> np.ndarray:
    """Return the total variation distance of the joint distribution of each categorical column with those before it."""
    if not len(cards):
        return np.empty((0, is_real.shape[1]))
    columns = [_binned(x) for x in rows.numbers.T] + [_common(codes) for codes in rows.codes.T]
    sizes = [int(column.max()) + 1 for column in columns]
    starts, p = np.cumsum([0, *sizes[:-1]]), rows.numbers.shape[1]
    hot = np.zeros((len(rows), sum(sizes)), dtype=np.float32)
    for start, column in zip(starts, columns, strict=True):
        hot[np.arange(len(rows)), start + column] = 1
    levels = hot[:, starts[p] :]
    n_real, together = is_real.sum(axis=0), hot.T @ levels
    distances = np.empty((sum(range(p, len(columns))), is_real.shape[1]))
    for b, s in enumerate(is_real.T):
        real = hot[s].T @ levels[s]
        difference = np.abs(real / n_real[b] - (together - real) / (len(rows) - n_real[b]))
        by_pair = np.add.reduceat(np.add.reduceat(difference, starts, axis=0), starts[p:] - starts[p], axis=1) / 2
        distances[:, b] = np.concatenate([by_pair[: p + j, j] for j in range(len(cards))])
    return distances


def _binned(x: np.ndarray) -> np.ndarray:
    """Return the quantile bin of each number, a missing one having its own, int64."""
    given = x[~np.isnan(x)]
    edges = np.unique(np.quantile(given, np.arange(1, BINS) / BINS)) if len(given) else given
    return np.where(np.isnan(x), len(edges) + 1, np.searchsorted(edges, x))


def _common(codes: np.ndarray) -> np.ndarray:
    """Return the codes with the rarest as one, numbered by frequency, int64."""
    counts = np.bincount(codes)
    place = np.empty(len(counts), dtype=np.int64)
    place[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(place[codes], PAIR_LEVELS - 1)


def worst_shortfall(alike: np.ndarray) -> tuple[int, float, np.ndarray]:
    """Return which similarity falls furthest short of what it is in random splits.

    A mean over many columns hides one that is wrong. The worst of many looks bad by chance, too: it is compared with
    the worst of each random split (Westfall and Young 1993, "Resampling-based multiple testing").

    Args:
        alike: Similarities as they are (first column) and in random splits, shape (columns or pairs, B).

    Returns:
        Its position, its mean over the splits, and how far the worst falls short in each split, shape (B,).
    """
    expected = alike.mean(axis=1)
    short = expected[:, None] - alike
    worst = int(short[:, 0].argmax())
    return worst, float(expected[worst]), short.max(axis=0)


def level_coverage(
    real: np.ndarray, n_real: int, synthetic: np.ndarray, n_synthetic: int, fewest: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return which levels are common enough to be expected, which of these are missing, and what real rows reach.

    Args:
        real: Number of real rows with each level, shape (levels,).
        n_real: Number of real rows.
        synthetic: Number of synthetic rows with each level, shape (levels,).
        n_synthetic: Number of synthetic rows.
        fewest: A level is common if it has this many real rows, and would have them among the synthetic ones.

    Returns:
        Positions of the common levels, positions of those of them that do not occur, and the expected share of
        common levels that occur under one distribution, the mean of 1 - (1 - p)^n_synthetic; 1.0 where none counts.
    """
    share = real / n_real
    common = np.flatnonzero((real >= fewest) & (share * n_synthetic >= fewest))
    expected = float(np.mean(1 - (1 - share[common]) ** n_synthetic)) if len(common) else 1.0
    return common, common[synthetic[common] == 0], expected
