"""Gate: accepts or rejects one example at a time, with thresholds calibrated on real training examples only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.conformal import DOUBT, NEIGHBORS, SMALL, conformal_p, cutoff, pooled, scaled, spread
from gensynth.fidelity.equality import Equality
from gensynth.fidelity.judge import Judge
from gensynth.fidelity.metrics import nearest
from gensynth.fidelity.space import Seen, Space, any_of
from gensynth.fidelity.verdict import REASONS, SampleVerdicts

LABEL = 0.03
"""An example that looks like another class is rejected below this quantile of real ones' out-of-fold probabilities. At
0.05 the gate took up to 7 % of genuine images (digits, MNIST, 20 to 50 references), and caught hardly more."""
BLOCK = 8192
"""Held-out examples are read so many at a time."""


@final
@dataclass(frozen=True, eq=False)
class Reference:
    """What the real examples of a class are like; classes of fewer than `SMALL` share one calibration.

    Attributes:
        n: Number of training examples.
        at: Positions in `Space.real` of those that are compared with, int64, shape (m,).
        spread: Mean distances to the nearest others over `scale`, sorted, float64.
        scale: Median of these mean distances.
        label: If the judge's probability is below and another class is more likely, the label is rejected.
        agrees: In which the judge sees the class, each judged by one that did not see it, bool, shape (m,).
    """

    n: int
    at: np.ndarray
    spread: np.ndarray
    scale: float
    label: float
    agrees: np.ndarray


@final
@dataclass(frozen=True, eq=False)
class Measures:
    """What the gate measures about each of n examples, whatever else was drawn.

    Attributes:
        seen: What the space sees in them.
        agrees: Whether the judge's first choice is the wanted label, bool, shape (n,).
        flags: By reason code, bool, shape (n,): whether that filter alone would reject it.
        doubts: By reason code, bool, shape (n,): whether that filter asks a person to look.
        scores: As in `SampleVerdicts`.
        nearest: As in `SampleVerdicts`.
    """

    seen: Seen
    agrees: np.ndarray
    flags: Mapping[str, np.ndarray]
    doubts: Mapping[str, np.ndarray]
    scores: dict[str, np.ndarray]
    nearest: tuple[str, ...]


@final
@dataclass(frozen=True, eq=False)
class Screened:
    """The gate's answer for n examples.

    Attributes:
        samples: The verdicts.
        measures: What they rest on, before copies of one another are looked for.
        copies: Which are undeclared copies: of real examples other than their parents, or, where they have no
            parents, of one another. bool, shape (n,).
        cutoffs: By label, the p-value up to which examples were called atypical.
        contamination: Number of examples (all but) equal to a held-out one, or made from one.
    """

    samples: SampleVerdicts
    measures: Measures
    copies: np.ndarray
    cutoffs: dict[int, float]
    contamination: int


@final
class Gate:
    """The filters of `REASONS`.

    Args:
        space: Fitted on the training examples; the only ones that thresholds are calibrated on.
        train: These.
        held_out: Validation and test parts, whose examples no sample may equal; nothing is fitted on them.
        seed: Seed of the judge's folds.
    """

    def __init__(self, space: Space, train: LabeledData, held_out: Sequence[LabeledData] = (), seed: int = 0) -> None:
        self.space, self.train = space, train
        self.equality = Equality(space, train)
        y = train.y[space.at]
        self.judge = Judge.fit(space.real.wide, y, len(train.classes), seed, space.refitted)
        self.references = self._references(y)
        self.held_out_ids = frozenset(name for part in held_out for name in part.ids) - frozenset(train.ids)
        self._held_out = []
        for part in held_out:
            for at in np.split(np.arange(len(part)), range(BLOCK, len(part), BLOCK)):
                if not len(at):
                    continue
                x = part.x.take(at)
                if not space.near_held_out.any():
                    self.equality.held_out.update(space.hashes_of(x))
                    continue
                seen = space.see(x)
                self.equality.held_out.update(seen.hashes)
                self._held_out.append((seen.places, part.y[at]))

    def _references(self, y: np.ndarray) -> list[Reference]:
        p = self.judge.out_of_fold
        members = [np.flatnonzero(y == c) for c in range(len(self.train.classes))]
        far, scale = zip(*(scaled(spread(self.space.real.points[at])) for at in members), strict=True)
        label = [
            float(np.quantile(v, LABEL)) if len(v) else 0.0
            for v in pooled([p[at, y[at]] for at in members], self.train)
        ]
        n, far = [*self.train.class_counts.values()], [np.sort(v) for v in pooled(far, self.train)]
        return [
            Reference(n[c], at, far[c], scale[c], label[c], agrees=p[at].argmax(axis=1) == c)
            for c, at in enumerate(members)
        ]

    def measure(self, x: Any, y: np.ndarray, parents: Sequence[tuple[str, ...]] | None = None) -> Measures:
        """Measure examples against the real ones of the label they claim.

        Args:
            x: n >= 1 `Examples` of the training data's kind.
            y: Labels in the training data's order, int64, shape (n,), each with real examples.
            parents: Ids of the real examples each was made from, length n; by default none.
        """
        n, seen = len(y), self.space.see(x)
        p = self.judge(seen.wide)
        p_wanted = p[np.arange(n), y]
        typicality, distance, closest = np.ones(n), np.zeros(n), np.zeros(n, dtype=np.int64)
        for c in np.unique(y):
            at, real = np.flatnonzero(y == c), self.references[c]
            k = max(1, min(NEIGHBORS, len(real.at) - 1))
            far, i = nearest(seen.points[at], self.space.real.points[real.at], k)
            distance[at], closest[at] = far[:, 0], real.at[i[:, 0]]
            typicality[at] = conformal_p(real.spread, far.mean(axis=1) / real.scale)
        found = self.space.found(seen, y, parents or ((),) * n, distance, closest)
        agrees = p_wanted >= p.max(axis=1)
        unsure = p_wanted < np.array([r.label for r in self.references])[y]
        few = np.array([r.n < SMALL for r in self.references])[y]
        # What equals a real example is an exact copy or, where equality is natural, none at all.
        known = self.equality.known(seen.hashes)
        flags = {code: of & ~(known & code.startswith("dup")) for code, of in found.flags.items()} | {
            "invalid": any_of(seen.faults, n) | found.flags.get("invalid", False),
            "dup_exact": self.equality.rare(seen.hashes, y)[1],
            "label": ~agrees & unsure,
        }
        doubts = {**found.doubts, "label": ~agrees | unsure, "atypical": few & (typicality <= DOUBT)}
        scores = {**found.scores, "label": p_wanted, "typicality": typicality}
        return Measures(seen, agrees, flags, doubts, scores, tuple(self.train.ids[i] for i in found.nearest))

    def screen(self, x: Any, y: np.ndarray, parents: Sequence[tuple[str, ...]]) -> Screened:
        """Screen examples in order; a copy of an earlier accepted one is rejected, unless equality is natural.

        Args:
            x: n >= 1 `Examples` of the training data's kind.
            y: Labels in the training data's order, int64, shape (n,), each with real examples.
            parents: Ids of the real examples each was made from, length n.
        """
        m = self.measure(x, y, parents)
        hashes, p = m.seen.hashes, m.scores["typicality"]
        cutoffs = {int(c): self.space.level or cutoff(p[y == c], self.references[c].n) for c in np.unique(y)}
        leaked = np.array([not self.held_out_ids.isdisjoint(names) for names in parents], dtype=bool)
        nearly, (rare, exact) = self._near_held_out(m.seen.places, y), self.equality.rare(hashes, y, held_out=True)
        flags = {
            **m.flags,
            "dup_exact": exact,
            "held_out_parent": leaked,
            "dup_near": m.flags["dup_near"] | nearly,
            "atypical": self.atypical(m, y, cutoffs),
        }
        copies, orphan = exact | flags["dup_near"], np.array([not names for names in parents], dtype=bool)
        again = self._again(hashes, rare, any_of(flags, len(y)))
        flags["dup_exact"] = exact | again
        near = self._near_another(m.seen, y, rare & ~any_of(flags, len(y)))
        flags["dup_near"] = flags["dup_near"] | near
        reason = tuple(next((r for r in REASONS if r in flags and flags[r][i]), "") for i in range(len(y)))
        accepted = np.array([r == "" for r in reason], dtype=bool)
        review = tuple(next((r for r, d in m.doubts.items() if d[i] and accepted[i]), "") for i in range(len(y)))
        contaminated = self.equality.leaks(hashes, exact) | nearly | leaked
        return Screened(
            SampleVerdicts(accepted, reason, m.scores, m.nearest, review),
            m,
            copies | ((again | near) & orphan),
            cutoffs,
            int(contaminated.sum()),
        )

    def atypical(self, m: Measures, y: np.ndarray, cutoffs: Mapping[int, float]) -> np.ndarray:
        """Return which examples are atypical at these cutoffs by label, bool, shape (n,)."""
        too_far = m.scores["typicality"] <= np.array([cutoffs.get(int(c), 0.0) for c in y])
        return too_far | m.flags.get("atypical", False)

    def _near_held_out(self, places: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return which examples all but equal a held-out one of their label, bool, shape (n,)."""
        near = np.zeros(len(y), dtype=bool)
        for real, label in self._held_out:
            for c in np.intersect1d(y, label):
                near[y == c] |= nearest(places[y == c], real[label == c])[0][:, 0] < self.space.near_held_out[c]
        return near

    def _again(self, hashes: Sequence[bytes], rare: np.ndarray, rejected: np.ndarray) -> np.ndarray:
        """Return which of the examples that are not rejected equal an earlier one, bool, shape (n,)."""
        seen, again = set(), np.zeros(len(hashes), dtype=bool)
        for i in np.flatnonzero(rare & ~rejected).tolist():
            again[i] = hashes[i] in seen
            seen.add(hashes[i])
        return again

    def _near_another(self, seen: Seen, y: np.ndarray, passed: np.ndarray) -> np.ndarray:
        """Return which of the examples that passed so far all but equal an earlier one, bool, shape (n,)."""
        near = np.zeros(len(y), dtype=bool)
        for c in np.unique(y[passed]):
            at = np.flatnonzero(passed & (y == c))
            near[at] = self.space.near_earlier(seen, at, int(c))
        return near
