"""TableChecker: fitted on real training rows, it says which synthetic ones are good enough, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import final

import numpy as np
import pandas as pd

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.blend import BLEND
from gensynth.fidelity.class_verdict import DUPLICATES, FEWEST
from gensynth.fidelity.metrics import wilson_interval
from gensynth.fidelity.quota import only_wanted
from gensynth.fidelity.verdict import (
    ClassVerdict,
    SampleVerdicts,
    Score,
    Verdict,
    reject_shares,
    status_of_all,
    unsaid_copies,
)
from gensynth.kinds.table import measures as metrics
from gensynth.kinds.table.codec import Encoded, Levels
from gensynth.kinds.table.gate import LEVEL, NEAR, ROW_REASONS, RowMeasures, TableGate
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.schema import plain_level
from gensynth.kinds.table.verdict import (
    BETTER,
    COMMON,
    DETECTED,
    NEARER,
    SHORT,
    judge_class,
    listed,
    score_of,
    similarity,
    worst,
)
from gensynth.sampler.synthetic import Synthetic

MOST_ROWS = 2_000
"""Scores of a class use at most this many rows of either kind."""
MOST_HELD_OUT = 5_000
"""At most this many held-out rows, drawn with the checker's seed, measure what the gate costs."""
SPLITS = 99
"""Random splits of real and synthetic rows together, which tell what real rows reach against real rows."""
PAIR_ROWS = 1000
"""Relations of columns, and a classifier that tells samples from real rows, use at most this many rows of either."""
FEWEST_HELD_OUT = 20
"""Below this many held-out rows of a class, distances to them say nothing."""


@final
class TableChecker:
    """Checks synthetic rows against real ones: each row, each class and the whole.

    Everything is fitted and calibrated on `train` at construction. `gate` screens a round of drawing;
    `check` gives the full verdict.

    Args:
        train: Real training rows, kind "table".
        held_out: Validation and test parts. They measure what the gate costs real rows, raise the alarm when samples
            equal them, and are what distances to training rows are compared with; nothing is fitted on them.
        seed: Seed of all that is random here.

    Raises:
        TypeError: if the data are no tables.
        ValueError: if there are no training rows, or a held-out part has a class or a column that `train` lacks.
    """

    def __init__(self, train: LabeledData, held_out: Sequence[LabeledData] = (), seed: int = 0) -> None:
        held_out = [replace(p, y=train.labels_of(p.y, p.classes), classes=train.classes) for p in held_out]
        self.train, self.seed = train, seed
        self._gate = TableGate(train, held_out, seed)
        rng, n = np.random.default_rng(seed), sum(map(len, held_out))
        measured, y = [], []
        for part in held_out:
            some = rng.random(len(part)) < MOST_HELD_OUT / max(n, MOST_HELD_OUT)
            some &= np.isin(part.y, train.y)
            y.append(part.y[some])
            measured.append(self._gate.measure(part.x[some], part.y[some]))
        self.false_reject = reject_shares([m.flags for m in measured], measured[0].flags) if sum(map(len, y)) else None
        points = [self._gate.coordinates(m.rows) for m in measured]
        self._fresh = [
            np.concatenate([x[y_part == c] for x, y_part in zip(points, y, strict=True)] or [reference.points[:0]])
            for c, reference in enumerate(self._gate.references)
        ]

    def gate(self, synthetic: Synthetic, accepted: Synthetic | None = None) -> SampleVerdicts:
        """Screen one round of drawing.

        Args:
            synthetic: The samples; their classes are matched with the training data's by name.
            accepted: What earlier rounds accepted: copies of it are rejected, unless real rows are as alike.

        Raises:
            TypeError: if the samples are no table.
            ValueError: if a class has no real training rows or the samples have other columns.
        """
        return self._screen(synthetic, accepted)[0]

    def check(self, synthetic: Synthetic, wanted: Mapping[str, int] | None = None) -> Verdict:
        """Check samples as drawn: every row, every class that has samples, and the whole.

        Args:
            synthetic: The samples; their classes are matched with the training data's by name.
            wanted: How many of a class are accepted at most, by name: of more good ones those that differ most are
                chosen (`gensynth.fidelity.quota`). By default all good ones are.

        Raises:
            TypeError: if the samples are no table.
            ValueError: if there are no samples, a class has no real training rows or the samples have other columns.
        """
        if not len(synthetic):
            raise ValueError("there is nothing to check: the synthetic data are empty; draw samples first.")
        samples, measures, contamination = self._screen(synthetic)
        y = self.train.labels_of(synthetic.y, synthetic.classes)
        unsaid = unsaid_copies(samples.reason, synthetic.parents)
        frame = rows_of(synthetic).frame
        dtypes, real_dtypes = frame.dtypes, self._gate.frame.dtypes
        columns = [c for c in self._gate.schema.columns if c.kind != "ignore"]
        other = [str(c.name) for c in columns if dtypes[c.name] != real_dtypes[c.name]]
        labels = [int(c) for c in np.unique(y)]
        passed = {c: int(samples.accepted[y == c].sum()) for c in labels}
        if wanted is not None:
            points = self._gate.coordinates(measures.rows)
            samples = only_wanted(samples, points, y, {c: wanted.get(self.train.classes[c], 0) for c in labels})
        classes = []
        for c in labels:
            at = np.flatnonzero(y == c)
            rejected = Counter(samples.reason[i] for i in at)
            accepted = rejected.pop("", 0)
            review = sum(samples.review[i] != "" for i in at)
            scores = self._scores(c, at, measures, other, frame)
            real = self._gate.references[c]
            status, why = judge_class(scores, real.n, len(at), passed[c], int(unsaid[at].sum()), real.copies)
            counts = {r: rejected[r] for r in ROW_REASONS if r in rejected}
            name = self.train.classes[c]
            classes.append(ClassVerdict(name, status, real.n, len(at), accepted, counts, scores, why, review))
        return Verdict(
            status_of_all(classes, contamination),
            samples,
            tuple(classes),
            self.false_reject,
            contamination,
            self._thresholds(labels),
            self.stamp,
        )

    @property
    def stamp(self) -> dict[str, str]:
        """Coordinates and training data: compare scores only between equal stamps."""
        return {"name": "table", "coordinates": "asinh and one-hot", "train": self.train.fingerprint}

    def _screen(
        self, synthetic: Synthetic, accepted: Synthetic | None = None
    ) -> tuple[SampleVerdicts, RowMeasures, int]:
        y = self.train.labels_of(synthetic.y, synthetic.classes)
        empty = [self.train.classes[c] for c in np.unique(y) if not self._gate.references[c].n]
        if empty:
            raise ValueError(f"classes {empty} have no real training row to check against; add some or leave them out.")
        earlier = None if accepted is None else rows_of(accepted).frame
        return self._gate.screen(rows_of(synthetic).frame, y, synthetic.parents, earlier)

    def _scores(
        self, label: int, at: np.ndarray, m: RowMeasures, other_dtypes: Sequence[str], frame: pd.DataFrame
    ) -> tuple[Score, ...]:
        """Scores of one class, in the order of `BETTER`; `at` are the positions of its samples, the rows of `frame`."""
        reference, synthetic = self._gate.references[label], m.rows.take(at)
        if min(reference.n, len(at)) < FEWEST:
            note = f"Not given: {FEWEST} real and synthetic rows are needed, there are {reference.n} and {len(at)}."
            return tuple(score_of(name, None, note=note) for name in BETTER)
        agrees, valid = m.agrees[at], ~m.flags["invalid"][at]
        equal = np.array([m.hashes[i] in self._gate.counts for i in at], dtype=bool)
        shares = {name: float(wrong[at].mean()) for name, wrong in m.faults.items()}
        worst = max(shares, key=lambda name: shares[name], default="")
        n_columns = len(self._gate.schema.columns)
        column = next((c.name for c in self._gate.schema.columns if f"column {c.name!r}" == worst), None)
        example = ""
        if column is not None and shares[worst]:
            row = int(at[m.faults[worst][at]][0])
            example = f", such as {plain_level(frame[column].iloc[row])!r} in row {row}, counted from 0"
        return (
            *self._distributions(reference.rows, synthetic),
            self._levels(reference.rows, synthetic),
            self._missing(reference.rows, synthetic),
            score_of(
                "valid",
                float(valid.mean()),
                reference.valid,
                wilson_interval(int(valid.sum()), len(at)),
                "" if valid.all() else f"Most often wrong is {worst}, in {shares[worst]:.0%} of the rows{example}.",
            ),
            score_of(
                "dtypes",
                1 - len(other_dtypes) / n_columns,
                1.0,
                note=listed("It differs in", other_dtypes),
            ),
            score_of(
                "label_agreement",
                float(agrees.mean()),
                reference.agreement,
                wilson_interval(int(agrees.sum()), len(at)),
            ),
            score_of(
                "exact_copies",
                float(equal.mean()),
                reference.equal,
                wilson_interval(int(equal.sum()), len(at)),
            ),
            self._nearer_to_training(label, synthetic),
        )

    def _distributions(self, real: Encoded, synthetic: Encoded) -> tuple[Score, ...]:
        """Scores of single columns, of pairs of columns and of whole rows."""
        real, synthetic = self._some(real, MOST_ROWS), self._some(synthetic, MOST_ROWS)
        few = self._some(real, PAIR_ROWS), self._some(synthetic, PAIR_ROWS)
        cards = self._gate.codec.cards
        splits = metrics.random_splits(len(real), len(synthetic), self.seed, SPLITS)
        marginals = metrics.marginal_similarities(metrics.stacked([real, synthetic]), cards, splits)
        n, m = map(len, few)
        splits = metrics.random_splits(n, m, self.seed, SPLITS)
        places, pairs = metrics.pair_similarities(metrics.stacked(few), cards, splits)
        names = self._column_names()
        of_pairs = [f"{names[a]} with {names[b]}" for a, b in places]
        auc = metrics.detection_auc(*few, self.seed)
        return (
            similarity("marginals", marginals),
            worst("worst_column", marginals, names),
            similarity("pairs", pairs),
            worst("worst_pair", pairs, of_pairs),
            score_of(
                "detection",
                metrics.detection_score(auc),
                metrics.expected_detection_score(n, m),
                note=f"The AUC is {auc:.2f}.",
            ),
        )

    def _levels(self, real: Encoded, synthetic: Encoded) -> Score:
        """Share of the common levels, spikes of numbers among them, that occur."""
        codec, schema = self._gate.codec, self._gate.schema
        names: list[str] = []
        counts: list[tuple[int, int]] = []
        for j, c in enumerate(codec.number_columns):
            # The codec counts times from the first one; people know them as the schema has them.
            names += [f"{c.name} = {spike}" for spike in schema.column(c.name).spikes]
            counts += [((real.numbers[:, j] == s).sum(), (synthetic.numbers[:, j] == s).sum()) for s in c.spikes]
        for j, (c, card) in enumerate(zip(codec.code_columns, codec.cards, strict=True)):
            names += [f"{c.name} = {level}" for level in _level_names(codec.levels[j])]
            of_real, of_synthetic = (np.bincount(rows.codes[:, j], minlength=card) for rows in (real, synthetic))
            counts += list(zip(of_real, of_synthetic, strict=True))
        n_real, n_synthetic = np.array(counts, dtype=np.int64).reshape(-1, 2).T
        common, absent, expected = metrics.level_coverage(n_real, len(real), n_synthetic, len(synthetic), COMMON)
        if not len(common):
            return score_of("levels", None, note=f"Not given: no level has {COMMON} rows.")
        value = 1 - len(absent) / len(common)
        note = listed(f"Of {len(common)} levels these are absent:", [names[i] for i in absent])
        return score_of("levels", value, expected, note=note)

    def _missing(self, real: Encoded, synthetic: Encoded) -> Score:
        missing = [levels.missing for levels in self._gate.codec.levels]
        real, synthetic = self._some(real, MOST_ROWS), self._some(synthetic, MOST_ROWS)
        splits = metrics.random_splits(len(real), len(synthetic), self.seed, SPLITS)
        rates = metrics.missing_similarities(metrics.stacked([real, synthetic]), missing, splits)
        return worst("missing", rates, self._column_names())

    def _nearer_to_training(self, label: int, synthetic: Encoded) -> Score:
        """Share of rows that are nearer to training rows than to held-out ones, as if both were equally many."""
        real, fresh = self._gate.references[label].points, self._fresh[label]
        if len(fresh) < FEWEST_HELD_OUT:
            note = f"Not given: {FEWEST_HELD_OUT} held-out rows are needed, there are {len(fresh)}."
            return score_of("nearer_to_training", None, note=note)
        # Steps too small to matter put rows at equal distances into a random order.
        rng = np.random.default_rng(self.seed)
        points = self._gate.coordinates(self._some(synthetic, MOST_ROWS))
        both, points = (x + rng.normal(0, 1e-5, x.shape) for x in (np.concatenate([real, fresh]), points))
        chosen = np.bincount(metrics.nearest(points, both, 1)[1][:, 0], minlength=len(both)) / len(points)
        # Many samples share a nearest row, the more so where rows are equal: they are no independent witnesses.
        splits = metrics.random_splits(len(real), len(fresh), self.seed, SPLITS)
        share = chosen @ splits
        half = 1.96 * share[1:].std()
        value, low, high = (
            metrics.share_as_if_equal(float(np.clip(s, 0, 1)), len(real), len(fresh))
            for s in (share[0], share[0] - half, share[0] + half)
        )
        return score_of("nearer_to_training", value, 0.5, (low, high))

    def _some(self, rows: Encoded, most: int) -> Encoded:
        order = np.random.default_rng(self.seed).permutation(len(rows))
        return rows.take(np.sort(order[:most]))

    def _column_names(self) -> list[str]:
        return [str(c.name) for c in (*self._gate.codec.number_columns, *self._gate.codec.code_columns)]

    def _thresholds(self, labels: Sequence[int]) -> dict[str, float]:
        own: dict[str, float] = {}
        for name, r in ((self.train.classes[c], self._gate.references[c]) for c in labels):
            own |= {f"near_duplicate:{name}": r.near, f"shared:{name}": r.shared, f"label:{name}": r.label}
        return {
            "near_duplicate": NEAR,
            "blend": BLEND,
            "typicality": LEVEL,
            "duplicates": DUPLICATES,
            "detection": DETECTED,
            "nearer_to_training": NEARER,
            **{f"{name}_short_of_real": limit for name, (limit, _, _) in SHORT.items()},
            **own,
        }


def _level_names(levels: Levels) -> list[str]:
    shown = [", ".join(map(str, row)) for row in levels.values.iloc[: levels.told_apart].itertuples(index=False)]
    if levels.missing >= 0:
        shown[levels.missing] = "missing"
    return shown + ["other"] * levels.has_other
