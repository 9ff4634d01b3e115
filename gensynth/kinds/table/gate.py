"""TableGate: accepts or rejects one row at a time, with thresholds calibrated on real training rows only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import pandas as pd
from scipy.stats import binom

from gensynth.data.labeled import LabeledData
from gensynth.data.words import some
from gensynth.fidelity.blend import is_blend
from gensynth.fidelity.conformal import NEIGHBORS, SMALL, conformal_p
from gensynth.fidelity.judge import Judge
from gensynth.fidelity.metrics import wilson_interval
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.table.codec import Encoded, TableCodec
from gensynth.kinds.table.measures import Coordinates, nearest
from gensynth.kinds.table.numbers import dense, is_absent
from gensynth.kinds.table.rows import row_hashes, rows_of
from gensynth.kinds.table.schema import NOT_JUDGED, plain_level
from gensynth.kinds.table.values import read_values

ROW_REASONS = {
    "invalid": "a value that the column cannot have, or a broken rule",
    "dup_exact": "the same values as a real row or as an accepted synthetic one",
    "held_out_parent": "made from a validation or test row",
    "dup_near": "a near copy of a real training row",
    "label": "the judge, trained on real rows, sees another class",
    "atypical": "further from the real rows of its class than real ones are from each other",
    "quota": "good, but more than was asked for: others differ more from one another",
}
"""Reason codes of rows, in the order in which they are tried, with their meaning."""

NEAR = 0.36
"""A ratio of distances below this is a near copy."""
LEVEL = 0.03
"""Share of real rows that `label` and `atypical` may cost each."""
NEAR_LEVEL = 0.01
"""Share of real rows that `dup_near` may cost: where they lie closer to each other by nature, `NEAR` is lowered."""
TAIL = 0.2
"""Share of the smallest distances between real rows from which it is estimated how many are smaller still."""
SHARED = 5
"""A row that this many real rows share is no copy of any one of them."""
EQUAL_LEVEL = 0.1
"""Share of real rows that `dup_exact` may cost: where more of them equal another one, `SHARED` is lowered."""
ALARM = 1e-3
"""Equality with held-out rows is an alarm where chance, as seen among training rows, gives it less than this."""
MOST_REFERENCES = 10_000
"""At most this many real rows of a class, drawn with the seed, are compared with; for exact copies it is all."""
BLENDED = 20
"""A blend lies between its nearest real row and one of this many neighbours of that row."""
BLOCK = 8192


@final
@dataclass(frozen=True, eq=False)
class Reference:
    """What the real rows of a class are like; classes of fewer than `SMALL` rows share one calibration.

    Attributes:
        n: Number of training rows.
        at: Positions in the training data of the m rows that are compared with, int64, shape (m,).
        rows: These rows.
        points: Their coordinates, shape (m, d).
        scale: Median distance from a row to the nearest different one.
        near: Below this share of `scale`, a distance is that of a near copy.
        spread: Mean distance to the nearest others over `spread_scale`, sorted.
        spread_scale: Median of these mean distances.
        label: If the judge's probability is below and another class is more likely, the label is rejected.
        shared: A row that equals fewer real rows than this, but one, is a copy; 0 where equality is natural.
        agreement: Share of rows in which the judge sees the class, each judged by one that did not see it.
        equal: Share of rows that equal another training row.
        copies: At most this share of rows equal so few others that they would be called a copy (95 % interval).
        valid: Share of rows without a fault.
    """

    n: int
    at: np.ndarray
    rows: Encoded
    points: np.ndarray
    scale: float
    near: float
    spread: np.ndarray
    spread_scale: float
    label: float
    shared: int
    agreement: float
    equal: float
    copies: float
    valid: float


@final
@dataclass(frozen=True, eq=False)
class RowMeasures:
    """What the gate measures about each of n rows, whatever else was drawn.

    Attributes:
        rows: The rows as arrays; what cannot be read is replaced by a value of a real row.
        hashes: Their content without ids, length n.
        faults: By column or rule, which rows break it, bool, shape (n,).
        agrees: Whether the judge's first choice is the wanted label, bool, shape (n,).
        flags: By reason code, bool, shape (n,): whether that filter alone would reject it.
        scores: As in `SampleVerdicts`.
        nearest: As in `SampleVerdicts`.
    """

    rows: Encoded
    hashes: tuple[bytes, ...]
    faults: dict[str, np.ndarray]
    agrees: np.ndarray
    flags: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    nearest: tuple[str, ...]


@final
class TableGate:
    """The filters of `ROW_REASONS`, fitted on real training rows.

    Args:
        train: Real training rows; the only ones that thresholds are calibrated on.
        held_out: Validation and test parts, whose rows no sample may equal; nothing is fitted on them.
        seed: Seed of the judge's folds and of the rows that are compared with.

    Raises:
        TypeError: if the data are no tables.
        ValueError: if there are no training rows, or a held-out part has other columns.
    """

    def __init__(self, train: LabeledData, held_out: Sequence[LabeledData] = (), seed: int = 0) -> None:
        real = rows_of(train)
        if not len(train):
            raise ValueError("there are no training rows to check against; add some.")
        self.train, self.schema, self.frame = train, real.schema, real.frame
        columns = [c for c in self.schema.columns if c.kind in ("categorical", "boolean", "constant")]
        self._levels = {c.name: {*c.levels, *map(plain_level, self.frame[c.name].dropna().unique())} for c in columns}
        self._may_miss = {
            c.name: any((c.missing or {}).values()) or bool(is_absent(self.frame[c.name], c).any())
            for c in self.schema.columns
        }
        self.codec = TableCodec(self.frame, self.schema)
        hashes = real.hashes()
        self.counts = Counter(hashes)
        self.references = self._references(np.array([self.counts[h] - 1 for h in hashes]), seed)
        self.held_out_ids = frozenset(name for part in held_out for name in part.ids) - frozenset(train.ids)
        self.held_out_counts = Counter(h for p in held_out for h in row_hashes(self.typed(p.x.frame)[0], self.schema))

    def _references(self, others: np.ndarray, seed: int) -> list[Reference]:
        """Calibrate on the training rows, `others` being how many others equal each of them."""
        train, rng = self.train, np.random.default_rng(seed)
        members = [np.flatnonzero(train.y == c) for c in range(len(train.classes))]
        at = [np.sort(rng.permutation(m)[:MOST_REFERENCES]) for m in members]
        y = np.repeat(np.arange(len(at)), [len(a) for a in at])
        of_class = [np.flatnonzero(y == c) for c in range(len(at))]

        frame, faults = self.typed(self.frame.iloc[np.concatenate(at)])
        rows, invalid = self.codec.encode(frame), _any(faults, len(y))
        self.coordinates = Coordinates.fit(rows, self.codec.cards)
        points = self.coordinates(rows)
        self.judge = Judge.fit(points, y, len(train.classes), seed)
        p, sees = self.judge.out_of_fold[np.arange(len(y)), y], self.judge.out_of_fold.argmax(axis=1) == y

        apart, scale = zip(*(_scaled(_distances_apart(points[a])) for a in of_class), strict=True)
        spread, spread_scale = zip(*(_scaled(_spread(points[a])) for a in of_class), strict=True)
        small = [c for c, m in enumerate(members) if len(m) < SMALL]
        references = []
        for c, m in enumerate(members):
            like = small if c in small else [c]
            near, far, wanted, twins = (
                np.concatenate([v[k] for k in like])
                for v in (apart, spread, [p[a] for a in of_class], [others[rows] for rows in members])
            )
            shared = _shared(twins)
            references.append(
                Reference(
                    n=len(m),
                    at=at[c],
                    rows=rows.take(of_class[c]),
                    points=points[of_class[c]],
                    scale=scale[c],
                    near=_near(near),
                    spread=np.sort(far),
                    spread_scale=spread_scale[c],
                    label=float(np.quantile(wanted, LEVEL)) if len(wanted) else 0.0,
                    shared=shared,
                    agreement=_mean(sees[of_class[c]]),
                    equal=_mean(others[m] > 0),
                    copies=_called_copies(twins, shared)[1],
                    valid=1 - _mean(invalid[of_class[c]]),
                )
            )
        shared = np.array([r.shared for r in references])[train.y]
        self._equal_by_chance = _mean((others > 0) & (others < shared))
        return references

    def typed(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Return rows in the training data's dtypes, and by column or rule, which of them break it, bool, shape (n,).

        Raises:
            TypeError: if it is no table.
            ValueError: if it has other columns than the training rows.
        """
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"rows must come as a pandas table, got {type(frame).__name__}.")
        if unlike := sorted(str(name) for name in {c.name for c in self.schema.columns} ^ set(frame.columns)):
            raise ValueError(f"the rows and the training rows differ in the columns {some(unlike)}.")
        columns: dict[Hashable, pd.Series] = {}
        faults = {}
        for c in self.schema.columns:
            given, real = dense(frame[c.name]), self.frame[c.name]
            if c.kind not in NOT_JUDGED:
                given, unreadable, wrong = read_values(given, real, c, self._levels.get(c.name, set()))
                if not self._may_miss[c.name]:
                    unreadable = unreadable | is_absent(given, c)
                faults[f"column {c.name!r}"] = unreadable | wrong
                if unreadable.any():
                    one = next(iter(real.dropna()), None)
                    given = given.astype(object).mask(unreadable, one)
                given = given.astype(real.dtype)
            columns[c.name] = given.reset_index(drop=True)
        typed = pd.DataFrame(columns)
        for rule, obeyed in zip(self.schema.rules, self.schema.obeyed(typed, self.frame).T, strict=True):
            faults[f"rule {rule.as_text()!r}"] = ~obeyed
        return typed, faults

    def measure(self, frame: pd.DataFrame, y: np.ndarray) -> RowMeasures:
        """Measure rows against the real ones of the label they claim.

        Args:
            frame: n rows with the training data's columns.
            y: Labels in the training data's order, int64, shape (n,), each with real rows.
        """
        typed, faults = self.typed(frame)
        rows, hashes, n = self.codec.encode(typed), row_hashes(typed, self.schema), len(y)
        ratio, typicality, p_wanted = np.ones(n), np.ones(n), np.ones(n)
        near, agrees, closest = np.zeros(n, dtype=bool), np.ones(n, dtype=bool), np.zeros(n, dtype=np.int64)
        for c in np.unique(y):
            real, of_class = self.references[c], np.flatnonzero(y == c)
            k = max(1, min(NEIGHBORS, len(real.at) - 1))
            for at in np.split(of_class, range(BLOCK, len(of_class), BLOCK)):
                points = self.coordinates(rows.take(at))
                p = self.judge(points)
                p_wanted[at], agrees[at] = p[:, c], p[:, c] >= p.max(axis=1)
                distance, i = nearest(points, real.points, k)
                ratio[at], closest[at] = distance[:, 0] / real.scale, real.at[i[:, 0]]
                near[at] = _near_copies(points, ratio[at] < real.near, i[:, 0], real.points)
                typicality[at] = conformal_p(real.spread, distance.mean(axis=1) / real.spread_scale)
        flags = {
            "invalid": _any(faults, n),
            "dup_exact": self._copies(hashes, y, self.counts),
            # A row that equals a real one is an exact copy or, where equality is natural, none at all.
            "dup_near": near & np.array([h not in self.counts for h in hashes], dtype=bool),
            "label": ~agrees & (p_wanted < np.array([r.label for r in self.references])[y]),
            "atypical": typicality <= LEVEL,
        }
        scores = {"near_duplicate": ratio, "label": p_wanted, "typicality": typicality}
        return RowMeasures(rows, hashes, faults, agrees, flags, scores, tuple(self.train.ids[i] for i in closest))

    def screen(
        self,
        frame: pd.DataFrame,
        y: np.ndarray,
        parents: Sequence[tuple[str, ...]],
        earlier: pd.DataFrame | None = None,
    ) -> tuple[SampleVerdicts, RowMeasures, int]:
        """Screen rows in order; a copy of an earlier accepted one is rejected, unless equality is natural.

        Args:
            frame: n rows with the training data's columns.
            y: Labels in the training data's order, int64, shape (n,), each with real rows.
            parents: Ids of the real rows each was made from, length n.
            earlier: Rows that were accepted before, if any.

        Returns:
            The verdicts, what they rest on, and the number of samples made from a held-out row, or equal to one where
            that are more than chance makes equal.
        """
        m, real = self.measure(frame, y), self.counts + self.held_out_counts
        leaked = np.array([not self.held_out_ids.isdisjoint(names) for names in parents], dtype=bool)
        flags = {**m.flags, "dup_exact": self._copies(m.hashes, y, real), "held_out_parent": leaked}
        held_out = flags["dup_exact"] & np.array([h in self.held_out_counts for h in m.hashes], dtype=bool)
        seen = set() if earlier is None else set(row_hashes(self.typed(earlier)[0], self.schema))
        again = np.zeros(len(y), dtype=bool)
        for i in np.flatnonzero(~_any(flags, len(y))):
            again[i] = m.hashes[i] in seen and real[m.hashes[i]] < self.references[y[i]].shared
            seen.add(m.hashes[i])
        flags["dup_exact"] = flags["dup_exact"] | again
        reason = tuple(next((r for r in ROW_REASONS if r in flags and flags[r][i]), "") for i in range(len(y)))
        accepted = np.array([r == "" for r in reason], dtype=bool)
        found = int(held_out.sum())
        chance = self._equal_by_chance * min(1.0, sum(self.held_out_counts.values()) / len(self.train))
        if found and binom.sf(found - 1, len(y), chance) >= ALARM:
            held_out[:] = False
        review = tuple("label" if doubt else "" for doubt in accepted & ~m.agrees)
        return SampleVerdicts(accepted, reason, m.scores, m.nearest, review), m, int((held_out | leaked).sum())

    def _copies(self, hashes: Sequence[bytes], y: np.ndarray, counts: Counter[bytes]) -> np.ndarray:
        """Return which rows equal counted ones, but too few for that to be natural, bool, shape (n,)."""
        count = np.array([counts[h] for h in hashes], dtype=np.int64)
        return (count > 0) & (count < np.array([r.shared for r in self.references])[y])


def _any(flags: dict[str, np.ndarray], n: int) -> np.ndarray:
    return np.any([np.zeros(n, dtype=bool), *flags.values()], axis=0)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _scaled(distances: np.ndarray) -> tuple[np.ndarray, float]:
    """Return distances over their median, and the median; 1 where it is 0 or there are none."""
    scale = (float(np.median(distances)) if len(distances) else 0.0) or 1.0
    return distances / scale, scale


def _distances_apart(points: np.ndarray) -> np.ndarray:
    """Return the distance of each different point to the nearest other one; empty below 2 of them."""
    different = np.unique(np.round(points, 5), axis=0)
    return nearest(None, different, 1)[0][:, 0] if len(different) > 1 else np.zeros(0)


def _spread(points: np.ndarray) -> np.ndarray:
    """Return the mean distance of each point to its nearest others, shape (n,); empty below 2 points."""
    if len(points) < 2:
        return np.zeros(0)
    return nearest(None, points, min(NEIGHBORS, len(points) - 1))[0].mean(axis=1)


def _near(apart: np.ndarray) -> float:
    """Return the distance below which a row is a near copy: `NEAR`, or where `NEAR_LEVEL` of real rows lie closer.

    Below their `TAIL` quantile r, distances follow P(distance < x) = TAIL (x / r)^d, with 1 / d = mean of log(r / x)
    (Hill 1975, "A simple general approach to inference about the tail of a distribution"; Weissman 1978). To look up
    the 1 % quantile would not do: of 20 rows of one number, that is the smallest distance, and 8 % of fresh rows lie
    closer, as against 4 % here.

    Args:
        apart: Distance of each real row to the nearest other one, over their median, above 0, shape (n,).
    """
    if len(apart) < 2:
        return NEAR
    r = float(np.quantile(apart, TAIL))
    return min(NEAR, r * (NEAR_LEVEL / TAIL) ** float(np.log(r / apart[apart <= r]).mean()))


def _shared(others: np.ndarray) -> int:
    """Return how many real rows must share a row for it to be no copy of any one of them (`Reference.shared`).

    Args:
        others: How many other real rows equal each row, shape (n,).
    """
    for shared in range(SHARED, 1, -1):
        if _called_copies(others, shared)[0] <= EQUAL_LEVEL:
            return shared
    return 0


def _called_copies(others: np.ndarray, shared: int) -> tuple[float, float]:
    """Return the 95 % interval of the share of real rows that `shared` makes copies of each other."""
    if not len(others):
        return 0.0, 1.0
    return wilson_interval(int(((others > 0) & (others < shared)).sum()), len(others))


def _near_copies(points: np.ndarray, near: np.ndarray, closest: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Return which of the near points are no blend of the closest real one and a neighbour of it, bool, shape (n,)."""
    at, copies = np.flatnonzero(near), near.copy()
    if not len(at):
        return copies
    neighbours = nearest(real[closest[at]], real, min(BLENDED + 1, len(real)))[1]
    for i, others in zip(at, neighbours, strict=True):
        copies[i] = not is_blend(points[i], real[closest[i]], real[others])
    return copies
