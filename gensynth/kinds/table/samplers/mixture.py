"""MixedMixture: every class as a few groups of rows, inside of which columns are independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from scipy import sparse
from scipy.special import logsumexp, softmax
from threadpoolctl import threadpool_limits

from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.given import Given
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.ranks import evenly, scores

ROWS = 10_000
"""Rows of a class that its groups are learned from, at most; the shares of its levels are those of all rows."""
ROWS_PER_GROUP = 20
"""Rows of a class for each of its groups, at least."""
MOST_GROUPS = 32
PRIOR = 1.0
"""Rows that the prior counts for in every group: it pulls the group towards the class as a whole."""
ROUNDS, ENOUGH = 100, 1e-3
"""Steps of expectation maximisation at most, and the gain in log-likelihood per row below which it stops."""
SMALLEST_VARIANCE = 1e-4
POINTS = 200
"""Quantiles by which a number is described in a group."""
NEAR = 0.02
"""A given number is as likely in a group as the group has numbers near it: so many of all on either side."""
IMPOSSIBLE = 1e-9
"""Probability of a level that the class never has."""


@final
class MixedMixture(TableSampler):
    r"""Mixture model for mixed types, one for each class (McLachlan & Peel 2000; latent class analysis with numbers).

    A row belongs to group k with probability w_k, and within a group its columns are independent:

        p(x) = sum_k w_k prod_j p(x_j | k).

    - Levels, truth values: a categorical distribution. A missing level is a level.
    - Numbers and times: first a level out of 'ordinary', each spike of the schema, 'missing'; ordinary numbers are
      distributed as those of the group's rows are, each weighted with its probability of belonging to the group
      (`group_quantiles`), so that they are inside the range of the class, and gaps between groups stay almost empty.

    Groups are learned by expectation maximisation (Dempster, Laird & Rubin 1977) from a k-means++ start, for which
    ordinary numbers are normal variables, by their normal scores in the class. A Dirichlet prior with the shares of
    the class keeps every level possible in every group; numbers are pulled towards the class in the same way. The
    number of groups is doubled as long as every fifth row, left out, becomes more likely. A class with fewer than 40
    rows is one group: then its columns are independent.

    Where some columns are given, the group is drawn from p(k | what is given), and the other columns from the group.

    What is learned holds no whole row, but it does hold single values of real rows.

    Example:
        >>> import pandas as pd
        >>> X = pd.DataFrame({"age": [30.5, 41.2, 35.3, 52.9, 60.4]})
        >>> more, y = MixedMixture().fit_resample(X, ["no", "no", "no", "yes", "yes"])
        >>> bool(more["age"].iloc[-1] >= 52.9)
        True
    """

    name = "mixture"
    conditions: ClassVar[bool] = True
    fewest: ClassVar[int] = 2
    state: ClassVar[dict[str, Any]] = {
        "mixtures_": [{"weights": "groups", "levels": ["groups w"], "quantiles": ["groups points"]}]
    }

    def _learn(self, rows: Encoded, y: np.ndarray) -> None:
        self.mixtures_ = [self._mixture(rows.take(y == label)) for label in range(len(self.classes_))]

    def _mixture(self, rows: Encoded) -> dict[str, Any]:
        """Return what is learned from the rows of one class."""
        n, columns = len(rows), self.codec_.number_columns
        if n == 0:
            return {}
        kinds = np.empty(rows.numbers.shape, dtype=np.int64)
        for j, column in enumerate(columns):
            kinds[:, j] = _kinds(rows.numbers[:, j], column.spikes)
        ordinary = np.where(kinds == 0, rows.numbers, np.nan)
        z = np.array([scores(x) for x in ordinary.T]).reshape(-1, n).T
        codes = np.concatenate([kinds, rows.codes], axis=1)
        cards = [len(column.spikes) + 2 for column in columns] + self.codec_.cards
        shares = [np.bincount(code, minlength=card) / n for code, card in zip(codes.T, cards, strict=True)]
        at = evenly(np.arange(n), ROWS)
        groups = best_groups(z[at], codes[at], shares)
        member = groups.memberships(z[at], codes[at])
        return {
            "weights": np.cumsum(groups.weights),
            "levels": [np.cumsum(p, axis=1) for p in groups.levels],
            "quantiles": [group_quantiles(x, member) for x in ordinary[at].T],
        }

    def _rows(self, label: int, n: int, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        group = drawn(self.mixtures_[label]["weights"][None], np.zeros(n, dtype=np.int64), rng)
        return self._of_groups(label, group, rng), np.empty((n, 0), dtype=np.int64)

    def _complete(self, label: int, given: Given, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        n, p = given.rows.numbers.shape
        chances = np.cumsum(self._memberships(label, given), axis=1)
        rows = self._of_groups(label, drawn(chances, np.arange(n), rng), rng)
        numbers = np.where(given.known[:p], given.rows.numbers, rows.numbers)
        codes = np.where(given.known[p:], given.rows.codes, rows.codes)
        return Encoded(numbers, codes), np.empty((n, 0), dtype=np.int64)

    def _memberships(self, label: int, given: Given) -> np.ndarray:
        """Return the probability of each group, given the known columns of each row, shape (n, k)."""
        mixture, p = self.mixtures_[label], given.rows.numbers.shape[1]
        joint = np.log(np.diff(mixture["weights"], prepend=0))[None].repeat(len(given), axis=0)
        for j in np.flatnonzero(given.known):
            x = given.rows.numbers[:, j] if j < p else None
            level = given.rows.codes[:, j - p] if x is None else _kinds(x, self.codec_.number_columns[j].spikes)
            shares = np.diff(mixture["levels"][j], axis=1, prepend=0)
            joint += np.log(np.maximum(shares.T[level], IMPOSSIBLE))
            if x is not None:
                joint += np.where((level == 0)[:, None], np.log(near(x, mixture["quantiles"][j])), 0)
        return softmax(joint, axis=1)

    def _of_groups(self, label: int, group: np.ndarray, rng: np.random.Generator) -> Encoded:
        """Draw a row of each of some groups."""
        n, mixture = len(group), self.mixtures_[label]
        codes = np.empty((n, len(mixture["levels"])), dtype=np.int64)
        for j, shares in enumerate(mixture["levels"]):
            codes[:, j] = drawn(shares, group, rng)
        numbers = rng.random((n, len(mixture["quantiles"])))
        for j, (column, quantiles) in enumerate(zip(self.codec_.number_columns, mixture["quantiles"], strict=True)):
            at = np.clip(numbers[:, j] * POINTS - 0.5, 0, POINTS - 1)
            low, high = (quantiles[group, side.astype(np.int64)] for side in (np.floor(at), np.ceil(at)))
            values = np.array([0.0, *column.spikes, np.nan])[codes[:, j]]
            numbers[:, j] = np.where(codes[:, j] == 0, low + at % 1 * (high - low), values)
        return Encoded(numbers, codes[:, numbers.shape[1] :])


@dataclass(frozen=True, eq=False)
class Groups:
    """A fitted mixture of k groups.

    Attributes:
        weights: Share of each group, shape (k,).
        means: Of normal columns, shape (k, p).
        variances: Shape (k, p).
        levels: For each categorical column the probability of each level in each group, shape (k, card).
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    levels: list[np.ndarray]

    def memberships(self, z: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the probability that row i belongs to group k, shape (n, k), for rows as `best_groups` takes them."""
        one_hot = _one_hot(codes, [level.shape[1] for level in self.levels])
        with threadpool_limits(1, "blas"):  # rounding depends on the number of threads
            joint = self.log_joint(np.nan_to_num(z), (~np.isnan(z)).astype(float), one_hot)
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def log_joint(self, z: np.ndarray, present: np.ndarray, one_hot: sparse.csr_matrix) -> np.ndarray:
        """Return log p(row, group), shape (n, k), for rows as `fit_groups` sees them."""
        with np.errstate(divide="ignore"):
            levels = np.log(np.concatenate([np.empty((len(self.weights), 0)), *self.levels], axis=1))
        precision = 1 / self.variances
        constant = -(np.log(2 * np.pi * self.variances) + self.means**2 * precision) / 2
        # A level that never occurs has probability 0, and no row has it.
        categorical = one_hot @ np.where(np.isfinite(levels), levels, 0.0).T
        normal = present @ constant.T + z @ (self.means * precision).T - z**2 @ precision.T / 2
        return np.log(self.weights) + categorical + normal


def best_groups(z: np.ndarray, codes: np.ndarray, shares: Sequence[np.ndarray]) -> Groups:
    """Fit mixtures with 1, 2, 4, ... groups, and return the one under which rows left out are most likely.

    Args:
        z: Normal columns, shape (n, p); NaN where a row has no value.
        codes: Categorical columns, int64, shape (n, q).
        shares: For each of these the share of each level in the class, shape (card,).
    """
    present, z = (~np.isnan(z)).astype(float), np.nan_to_num(z)
    one_hot = _one_hot(codes, [len(s) for s in shares])
    left_out = np.arange(len(z)) % 5 == 4
    most = min(MOST_GROUPS, len(z) // ROWS_PER_GROUP)
    best, best_likelihood, k = 1, -np.inf, 1
    with threadpool_limits(1, "blas"):
        while 1 < most >= k:
            groups = fit_groups(z[~left_out], present[~left_out], one_hot[~left_out], shares, k)
            joint = groups.log_joint(z[left_out], present[left_out], one_hot[left_out])
            likelihood = float(logsumexp(joint, axis=1).mean())
            if likelihood <= best_likelihood:
                break
            best, best_likelihood, k = k, likelihood, 2 * k
        return fit_groups(z, present, one_hot, shares, best)


def group_quantiles(x: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Return `POINTS` quantiles of a number in each group, from that of 0.5 / POINTS in equal steps.

    Args:
        x: Ordinary numbers, shape (n,); NaN where a row has none.
        member: The probability that a row belongs to a group, shape (n, k).

    Returns:
        Shape (k, POINTS); NaN if no row has a number.
    """
    order = np.argsort(x, kind="stable")[: np.count_nonzero(~np.isnan(x))]  # NaN comes last
    if not len(order):
        return np.full((member.shape[1], POINTS), np.nan)
    weights = member[order] + PRIOR / len(order)
    # A value stands in the middle of the share that it makes up.
    at = (np.cumsum(weights, axis=0) - weights / 2) / weights.sum(axis=0)
    return np.stack([np.interp((np.arange(POINTS) + 0.5) / POINTS, share, x[order]) for share in at.T])


def near(x: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Return the share of each group that lies as near to each number as `NEAR` of all groups.

    Args:
        x: Numbers, shape (n,).
        quantiles: As of `group_quantiles`.

    Returns:
        Shape (n, k), never 0.
    """
    points = np.sort(quantiles, axis=None)
    rank = (np.searchsorted(points, x) + np.searchsorted(points, x, side="right")) / 2
    low, high = (
        points[np.clip(rank + side * NEAR * len(points), 0, len(points) - 1).astype(np.int64), None, None]
        for side in (-1, 1)
    )
    return (((low <= quantiles) & (quantiles <= high)).sum(axis=2) + 0.5) / POINTS


def fit_groups(
    z: np.ndarray, present: np.ndarray, one_hot: sparse.csr_matrix, shares: Sequence[np.ndarray], k: int
) -> Groups:
    """Fit a mixture of k groups by expectation maximisation of the posterior.

    Args:
        z: Normal columns, shape (n, p); 0 where a row has no value.
        present: 1 where it has one, shape (n, p).
        one_hot: All categorical columns side by side, shape (n, sum of cards).
        shares: For each of these columns the share of each level in the class.
        k: Number of groups.
    """
    member = _start(z, one_hot, k)
    before = -np.inf
    for _ in range(ROUNDS):
        groups = _maximise(member, z, present, one_hot, shares)
        joint = groups.log_joint(z, present, one_hot)
        total = logsumexp(joint, axis=1, keepdims=True)
        member = np.exp(joint - total)
        likelihood = float(total.mean())
        if likelihood - before < ENOUGH:
            break
        before = likelihood
    return groups


def _maximise(
    member: np.ndarray, z: np.ndarray, present: np.ndarray, one_hot: sparse.csr_matrix, shares: Sequence[np.ndarray]
) -> Groups:
    """Return the most probable groups if row i belongs to group k with probability `member[i, k]`."""
    size = member.sum(axis=0)[:, None]
    rows, sums, squares = member.T @ present, member.T @ z, member.T @ z**2
    means = sums / (rows + PRIOR)
    spread = np.maximum(squares - 2 * means * sums + means**2 * rows, 0)
    counts = np.split((one_hot.T @ member).T, np.cumsum([len(s) for s in shares])[:-1], axis=1) if shares else []
    return Groups(
        weights=(size[:, 0] + PRIOR) / (size.sum() + PRIOR * len(size)),
        means=means,
        variances=np.maximum((spread + PRIOR) / (rows + PRIOR), SMALLEST_VARIANCE),
        levels=[(count + PRIOR * share) / (size + PRIOR) for count, share in zip(counts, shares, strict=True)],
    )


def _start(z: np.ndarray, one_hot: sparse.csr_matrix, k: int) -> np.ndarray:
    """Return each row's membership in the group of the nearest of k rows, chosen as in k-means++ with a fixed seed."""
    rng = np.random.default_rng(0)
    n = len(z)
    nearest, member = np.full(n, np.inf), np.zeros(n, dtype=np.int64)
    for group in range(k):
        share = nearest.cumsum() if group and nearest.any() else np.arange(1.0, n + 1)
        row = min(int(np.searchsorted(share, rng.random() * share[-1], side="right")), n - 1)
        # Each column in which the levels differ counts as far as two standard deviations of a number.
        same = np.asarray((one_hot @ one_hot[row].T).todense())[:, 0]
        distance = np.square(z - z[row]).sum(axis=1) + 2 * (same[row] - same)
        member[distance < nearest] = group
        nearest = np.minimum(distance, nearest)
    return np.eye(k)[member]


def _one_hot(codes: np.ndarray, cards: Sequence[int]) -> sparse.csr_matrix:
    n, q = codes.shape
    columns = codes + np.concatenate([[0], np.cumsum(cards)])[:q].astype(np.int64)
    return sparse.csr_matrix((np.ones(n * q), columns.ravel(), np.arange(n + 1) * q), shape=(n, sum(cards)))


def _kinds(x: np.ndarray, spikes: Sequence[float | str]) -> np.ndarray:
    """Return 0 for ordinary numbers, 1, 2, ... for the spikes, and one more for missing ones."""
    kinds = np.zeros(len(x), dtype=np.int64)
    for at, spike in enumerate(spikes, start=1):
        kinds[x == spike] = at
    return np.where(np.isnan(x), len(spikes) + 1, kinds)


def drawn(cumulative: np.ndarray, group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one level per row from the cumulative probabilities, shape (k, card), of its group, int64, shape (n,)."""
    above = rng.random(len(group))[:, None] * cumulative[group, -1:]
    return (cumulative[group] <= above).sum(axis=1)
