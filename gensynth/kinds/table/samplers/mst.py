"""PrivateTree: a tree of columns, learned from noisy counts, with a bound on what they tell of any one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, ClassVar, final

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from gensynth.data.labeled import LabeledData
from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.private import about_highest, budget_of, deviation, noisy
from gensynth.kinds.table.public import allowed_rows, may_miss
from gensynth.kinds.table.rows import Rows, rows_of
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.mixture import drawn
from gensynth.kinds.table.schema import Column, Schema

MOST_CELLS = 100
"""Cells of equal width that the range of a number is cut into, at most; of few whole numbers each has one."""
MOST_LEVELS = 32
"""Levels that the cells of a number are joined to, at most, each with about as many rows."""
SURE = 3.0
"""Cells with fewer rows than this many deviations of the noise are joined (as in the paper)."""
LEAST = 1e-3
"""Rows that the rarest level counts for, so that nothing is divided by 0."""
ROUNDS = 100
"""Steps in which a table of counts is fitted to the counts of its two columns."""


@final
class PrivateTree(TableSampler):
    r"""MST (McKenna, Miklau & Sheldon 2021, "Winning the NIST Contest", arXiv:2108.04978) by class, on a tree.

    All columns are cut into cells, as the schema alone says: its levels, equal parts of the range of a number, its
    spikes, 'missing'. A third of the budget each is spent on

    1. the counts of each column by class; cells with few rows are joined,
    2. the tree: again and again the pair of columns that are not connected yet and that independence within the classes
       describes worst, by ||counts - what step 1 would make of them||_1, is connected; off that goes what the noise of
       step 3 would add to so large a table (as in AIM: McKenna, Mullins, Sheldon & Miklau 2022, arXiv:2201.12677),
    3. the counts of these pairs by class.

    All of it carries discrete Gaussian noise (`gensynth.kinds.table.private`). What the noise made negative is mended
    by the nearest table of counts without, and pairs are fitted to the counts of their columns by raking (Deming &
    Stephan 1940), where the paper fits a graphical model to all counts at once. A row of a class is drawn from one
    column outwards: each column given its neighbour and the class, then a cell, then evenly within the cell. So every
    column keeps its relation to the class, as in tree-augmented naive Bayes (Friedman, Geiger & Goldszmidt 1997).

    What real rows hold that the schema does not allow counts as the nearest number, the first level. Only pairs on the
    tree keep their relation within a class; others keep what follows from these.

    Chance is the operating system's, so that no two trainings are alike; what is drawn is a function of what was
    learned, the seed, the label and the number, as of all samplers.

    Args:
        epsilon: The bound, above 0; smaller is stronger.
        delta: Probability with which it may fail, below 1 / rows.
        sampling_strategy: As in `Sampler`.
        random_state: As in `Sampler`.
        schema: What the columns are and what they may hold: public, and not covered by the bound.

    Raises:
        ModuleNotFoundError: if OpenDP is not installed.
        ValueError: when it is fitted, if there is no schema, or it does not say enough, or delta is too large.
    """

    name = "mst"
    private: ClassVar[bool] = True
    state: ClassVar[dict[str, Any]] = {"edges_": ["*"], "tree_": "links 2", "chances_": ["* *"], "cells_": ["* *"]}

    def __init__(
        self,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
        schema: Schema | None = None,
    ) -> None:
        super().__init__(sampling_strategy, random_state, schema)
        self.epsilon = epsilon
        self.delta = delta

    @property
    def bound(self) -> str:
        """As `Sampler.bound`."""
        return (
            f"epsilon = {self.epsilon:g}, delta = {self.delta:g}, for ONE row added or removed: who has several rows "
            "has as many times epsilon, and each further training adds its own. It covers what was learned and all "
            "that is drawn from it, not the schema (columns, levels, ranges, dtypes) and the names of the classes, "
            "which count as public"
        )

    def _fit(self, data: LabeledData) -> None:
        if self.schema is None:
            raise ValueError(f"{self.name} needs a schema, for what it would tell from the rows no bound would cover.")
        if self.delta * len(data) >= 1:
            least = f"1 / (number of rows) = {1 / len(data):.2g}"
            raise ValueError(f"delta must be below {least}, got {self.delta:g}: it would allow to publish a whole row.")
        rows = rows_of(data)
        schema = replace(self.schema, target=rows.schema.target, position=rows.schema.position)
        allowed = allowed_rows(schema)
        y, ids = np.zeros(len(allowed), dtype=np.int64), tuple(map(str, range(len(allowed))))
        public = LabeledData(Rows(allowed, schema, rows.label_values), y, data.classes, ids)
        self._begin(public)
        self._learn(self.codec_.encode(rows.frame), data.y)

    def _learn(self, rows: Encoded, y: np.ndarray) -> None:
        budget, k = budget_of(self.epsilon, self.delta) / 3, len(self.classes_)
        self.edges_ = [_edges(c) for c in self.codec_.number_columns]
        cells, cards = self._in_cells(rows)
        counts = [np.bincount(y * card + cell, minlength=k * card) for cell, card in zip(cells, cards, strict=True)]
        noise = deviation(len(cards), budget)
        ends = k * np.cumsum(cards)[:-1]
        found = [part.reshape(k, -1) for part in np.split(noisy(np.concatenate(counts), len(cards), budget), ends)]
        # The noise of a total grows with the number of cells.
        totals = np.average([each.sum(axis=1) for each in found], axis=0, weights=1 / np.array(cards)).clip(1.0)
        found = [np.stack([*map(nearest, each, totals)]) for each in found]
        bins = [*(len(edges) - 1 for edges in self.edges_), *(0 for _ in self.codec_.cards)]
        levels = [joined(each.sum(axis=0), n, SURE * noise * k**0.5) for each, n in zip(found, bins, strict=True)]
        shares = [_by_level(each, level) for each, level in zip(found, levels, strict=True)]
        coarse = np.stack([level[cell] for level, cell in zip(levels, cells, strict=True)])
        self.tree_ = _tree(coarse, y, shares, budget)
        self.chances_ = [_cumulated(shares[0]), *self._chances(coarse, y, shares, budget)]
        self.cells_ = [_within(level, each.sum(axis=0)) for level, each in zip(levels, found, strict=True)]
        self.counts_ = np.round(totals).astype(np.int64)

    def _in_cells(self, rows: Encoded) -> tuple[np.ndarray, list[int]]:
        """Return the cell of each row in the numbers and the codes, int64, shape (q, n), and how many there are."""
        cells, cards = [], []
        for x, edges, c in zip(rows.numbers.T, self.edges_, self.codec_.number_columns, strict=True):
            bins = len(edges) - 1
            cell = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, bins - 1)
            for at, spike in enumerate(c.spikes):
                cell[x == spike] = bins + at
            if may_miss(c):
                cell[np.isnan(x)] = bins + len(c.spikes)
            cells.append(cell)
            cards.append(bins + len(c.spikes) + may_miss(c))
        return np.stack([*cells, *rows.codes.T]), [*cards, *self.codec_.cards]

    def _chances(self, levels: np.ndarray, y: np.ndarray, shares: Sequence[np.ndarray], rho: float) -> list[np.ndarray]:
        """Return of each link the chances of the second column's levels by class and level of the first, cumulated."""
        exact = [_pair(levels, y, shares, a, b) for a, b in self.tree_]
        if not exact:
            return []
        found = noisy(np.concatenate([table.ravel() for table in exact]), len(exact), rho)
        chances = []
        for (a, b), table, part in zip(
            self.tree_, exact, np.split(found, np.cumsum([t.size for t in exact])[:-1]), strict=True
        ):
            classes = zip(part.reshape(len(table), -1), shares[a], shares[b], strict=True)
            mended = [raked(nearest(x, r.sum()).reshape(len(r), -1), r, c) for x, r, c in classes]
            chances.append(_cumulated(np.concatenate(mended)))
        return chances

    def _rows(self, label: int, n: int, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        level = np.zeros((len(self.cells_), n), dtype=np.int64)
        level[0] = drawn(self.chances_[0], np.full(n, label), rng)
        for (a, b), chances in zip(self.tree_, self.chances_[1:], strict=True):
            level[b] = drawn(chances, label * len(self.cells_[a]) + level[a], rng)
        cells = [drawn(chances, each, rng) for chances, each in zip(self.cells_, level, strict=True)]
        numbers = np.empty((n, len(self.edges_)))
        for j, (edges, c) in enumerate(zip(self.edges_, self.codec_.number_columns, strict=True)):
            bins, cell = len(edges) - 1, cells[j]
            at = np.minimum(cell, bins - 1)
            even = edges[at] + rng.random(n) * (edges[at + 1] - edges[at])
            numbers[:, j] = np.where(cell < bins, even, np.array([*c.spikes, np.nan])[np.maximum(cell - bins, 0)])
        codes = np.stack([*cells[len(self.edges_) :]], axis=1) if self.codec_.cards else np.empty((n, 0), np.int64)
        return Encoded(numbers, codes), np.empty((n, 0), dtype=np.int64)


def _edges(c: Column) -> np.ndarray:
    """Return the ends of the cells of a number; its last digit is rounded, so that they lie half of it further out."""
    low, high = float(c.low), float(c.high)  # type: ignore[arg-type]
    step = 1.0 if c.kind in ("integer", "datetime") else 0.0 if c.decimals is None else 10.0**-c.decimals
    n = min(MOST_CELLS, round((high - low) / step) + 1) if step else MOST_CELLS
    return np.linspace(low - step / 2, high + step / 2, n + 1)


def nearest(counts: np.ndarray, total: float) -> np.ndarray:
    """Return the nearest counts that are not negative and add up to a total, shape (n,) (Duchi et al. 2008)."""
    falling = -np.sort(-counts)
    excess = (np.cumsum(falling) - total) / np.arange(1, len(counts) + 1)
    return np.maximum(counts - excess[np.flatnonzero(falling > excess)[-1]], 0)


def joined(counts: np.ndarray, bins: int, least: float) -> np.ndarray:
    """Return the level that each cell belongs to, int64, shape (n,).

    Args:
        counts: Rows in each cell, shape (n,).
        bins: How many of the cells, the first ones, have an order: neighbours are joined. Of the others, all that have
            few rows are one.
        least: Rows that a level has at least.
    """
    level = np.zeros(len(counts), dtype=np.int64)
    enough = max(least, counts[:bins].sum() / MOST_LEVELS)
    at, rows = 0, 0.0
    for cell in range(bins):
        level[cell], rows = at, rows + counts[cell]
        if rows >= enough:
            at, rows = at + 1, 0.0
    if at and rows:  # too few were left for the last one
        level[:bins] = np.minimum(level[:bins], at - 1)
    few = counts[bins:] < least
    first = level[:bins].max(initial=-1) + 1
    level[bins:] = first + np.where(few, (~few).sum(), np.cumsum(~few) - 1)
    return level


def raked(table: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return a table with given sums, shape (r, c), by iterative proportional fitting.

    Args:
        table: Counts, not negative, shape (r, c).
        rows: Wanted sums of its rows, positive, shape (r,).
        columns: Wanted sums of its columns, positive, shape (c,).
    """
    table = table + LEAST * np.outer(rows, columns) / rows.sum()
    for _ in range(ROUNDS):
        table *= (rows / table.sum(axis=1))[:, None]
        table *= columns / table.sum(axis=0)
    return table


def _by_level(counts: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return the rows of each level by class, at least `LEAST`, shape (k, levels)."""
    return np.maximum(np.stack([np.bincount(level, each) for each in counts]), LEAST)


def _cumulated(table: np.ndarray) -> np.ndarray:
    """Return the chances of the columns of a table of counts in each of its rows, cumulated."""
    return np.cumsum(table / table.sum(axis=1, keepdims=True), axis=1)


def _pair(levels: np.ndarray, y: np.ndarray, shares: Sequence[np.ndarray], a: int, b: int) -> np.ndarray:
    """Return by class how many rows have which levels of two columns, int64, shape (k, levels, levels)."""
    shape = (*shares[a].shape, shares[b].shape[1])
    return np.bincount(np.ravel_multi_index((y, levels[a], levels[b]), shape), minlength=np.prod(shape)).reshape(shape)


def _tree(levels: np.ndarray, y: np.ndarray, shares: Sequence[np.ndarray], rho: float) -> np.ndarray:
    """Return the links in the order to draw in, int64, shape (q - 1, 2), the nearer to the first column first."""
    pairs = list(combinations(range(len(shares)), 2))
    noise = np.sqrt(2 / np.pi) * deviation(max(1, len(shares) - 1), rho)  # mean size of what is added to a cell
    scores = []
    for a, b in pairs:
        apart = shares[a][:, :, None] * shares[b][:, None] / shares[a].sum(axis=1)[:, None, None]
        scores.append(np.abs(_pair(levels, y, shares, a, b) - apart).sum() - noise * apart.size)
    connected, links = DisjointSet(range(len(shares))), []
    for _ in range(len(shares) - 1):
        open_ = [at for at, pair in enumerate(pairs) if not connected.connected(*pair)]
        chosen = open_[about_highest(np.array([scores[at] for at in open_]), rho / (len(shares) - 1))]
        connected.merge(*pairs[chosen])
        links.append(pairs[chosen])
    order, seen = [], [0]
    for near in seen:
        for pair in [pair for pair in links if near in pair]:
            far = pair[1] if pair[0] == near else pair[0]
            if far not in seen:
                order.append((near, far))
                seen.append(far)
    return np.array(order, dtype=np.int64).reshape(-1, 2)


def _within(level: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the chances of the cells of each level, cumulated, shape (levels, cells)."""
    return _cumulated(np.where(level == np.arange(level.max() + 1)[:, None], counts + LEAST, 0.0))
