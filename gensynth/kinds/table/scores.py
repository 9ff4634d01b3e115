"""Scores of a class of rows as a set: columns, pairs of columns and whole rows, beside what real rows reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from gensynth.data.words import some
from gensynth.fidelity.class_scores import COPYING
from gensynth.fidelity.class_verdict import Limit
from gensynth.fidelity.metrics import permutation_p
from gensynth.fidelity.metrics.detection import detection_auc, detection_score, expected_detection_score
from gensynth.fidelity.verdict import Score
from gensynth.kinds.table import measures as metrics
from gensynth.kinds.table.codec import Encoded, Levels, TableCodec
from gensynth.kinds.table.schema import Schema

MOST_ROWS = 2_000
"""Scores of a class use at most this many rows of either kind."""
SPLITS = 99
"""Random splits of real and synthetic rows together, which tell what real rows reach against real rows."""
PAIR_ROWS = 1000
"""Relations of columns, and a classifier that tells samples from real rows, use at most this many rows of either."""
COMMON = 10
"""Levels with this many rows of the class must occur among its samples."""


def _short(most: float, what: str, unit: str, asks: bool = False) -> Limit:
    """Limit of a score that fails if it falls short of its yardstick by more than `most`, and speaks up at half of it.

    Args:
        most: In [0, 1].
        what: What is wrong then.
        unit: What the percentage is of.
        asks: Whether half of it asks for a person.
    """
    says = f"{what}: {{value:.0%}} {unit}, where {{yardstick:.0%}} can be expected of real {{noun}}s. {{note}}"
    return Limit(says, fails=most, asks=most / 2 if asks else np.inf, warns=most / 2)


LIMITS = {
    "marginals": _short(0.2, "Single columns are not distributed as in real rows", "alike on average"),
    # What is wrong with a single column hardly shows in a mean over many.
    "worst_column": _short(0.4, "One column is not distributed as in real rows", "alike", asks=True),
    "pairs": _short(0.1, "Columns are not related to each other as in real rows", "alike on average"),
    "worst_pair": _short(0.4, "Two columns are not related to each other as in real rows", "alike", asks=True),
    "levels": _short(0.5, "Common levels do not occur", "of them do"),
    "missing": _short(0.2, "Values are not missing as often as in real rows", "alike"),
    "valid": _short(0.5, "Rows hold forbidden values or break rules", "are valid"),
    # An area under the curve above 0.9.
    "detection": Limit("A classifier tells nearly all samples from real rows. {note}", warns=0.8, ideal=1.0),
    "dtypes": Limit("Columns have another dtype. {note}", asks=0.0, ideal=1.0),
    "copying": COPYING,
}
"""When scores speak against a class of rows."""

SPLIT = "The yardstick is reached by 95 % of random splits of real and synthetic rows together."
MEANING = {
    "marginals": f"How much of its distribution a column shares with real rows, the mean over all columns. {SPLIT}",
    "worst_column": f"The same of the column that falls furthest short. {SPLIT}",
    "pairs": f"How alike the relation of two columns is to that in real rows, the mean over all pairs. {SPLIT}",
    "worst_pair": f"The same of the pair that falls furthest short. {SPLIT}",
    "detection": "1 - 2 max(AUC - 1/2, 0) of boosted trees that tell samples from real rows; 0 where they always can.",
    "levels": f"Share of the levels of which {COMMON} samples or more are to be expected that do occur.",
    "missing": f"1 - difference between the shares of missing values, of the column that differs most. {SPLIT}",
    "valid": "Share of rows with allowed values that obey the rules.",
    "dtypes": "Share of columns with the dtype of the real rows.",
}
"""What each score is, in the order in which they are shown."""


@final
@dataclass(frozen=True, eq=False)
class RowScores:
    """Compares the synthetic rows of a class with the real ones.

    Attributes:
        codec: From which the rows as arrays come.
        schema: What the columns are.
        real: Real rows of the class.
        synthetic: Its samples.
        seed: Seed of the rows and splits that are taken.
    """

    codec: TableCodec
    schema: Schema
    real: Encoded
    synthetic: Encoded
    seed: int

    def distributions(self) -> tuple[Score, ...]:
        """Scores of single columns, of pairs of columns and of whole rows."""
        real, synthetic = self._some(MOST_ROWS)
        few = self._some(PAIR_ROWS)
        cards = self.codec.cards
        splits = metrics.random_splits(len(real), len(synthetic), self.seed, SPLITS)
        marginals = metrics.marginal_similarities(metrics.stacked([real, synthetic]), cards, splits)
        n, m = map(len, few)
        splits = metrics.random_splits(n, m, self.seed, SPLITS)
        places, pairs = metrics.pair_similarities(metrics.stacked(few), cards, splits)
        names = self._column_names()
        of_pairs = [f"{names[a]} with {names[b]}" for a, b in places]
        auc = detection_auc(few[0].array, few[1].array, self.seed)
        return (
            similarity("marginals", marginals),
            worst("worst_column", marginals, names),
            similarity("pairs", pairs),
            worst("worst_pair", pairs, of_pairs),
            score_of(
                "detection",
                detection_score(auc),
                expected_detection_score(n, m),
                note=f"The AUC is {auc:.2f}.",
            ),
        )

    def levels(self) -> Score:
        """Share of the common levels, spikes of numbers among them, that occur."""
        codec, schema, real, synthetic = self.codec, self.schema, self.real, self.synthetic
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
        note = (
            f"Of {len(common)} levels these are absent: {some((names[i] for i in absent), 6)}." if len(absent) else ""
        )
        return score_of("levels", value, expected, note=note)

    def missing(self) -> Score:
        """How often values are missing, of the column that differs most."""
        missing = [levels.missing for levels in self.codec.levels]
        real, synthetic = self._some(MOST_ROWS)
        splits = metrics.random_splits(len(real), len(synthetic), self.seed, SPLITS)
        rates = metrics.missing_similarities(metrics.stacked([real, synthetic]), missing, splits)
        return worst("missing", rates, self._column_names())

    def _some(self, most: int) -> tuple[Encoded, Encoded]:
        """Return at most so many rows, real and synthetic ones."""
        at = [np.random.default_rng(self.seed).permutation(len(rows))[:most] for rows in (self.real, self.synthetic)]
        return self.real.take(np.sort(at[0])), self.synthetic.take(np.sort(at[1]))

    def _column_names(self) -> list[str]:
        return [str(c.name) for c in (*self.codec.number_columns, *self.codec.code_columns)]


def score_of(
    name: str,
    value: float | None,
    yardstick: float | None = None,
    interval: tuple[float, float] | None = None,
    note: str = "",
    p_value: float | None = None,
) -> Score:
    """Score of `MEANING`; of all of them more is better."""
    return Score(name, value, True, yardstick, interval, p_value, note, meaning=MEANING[name])


def similarity(name: str, alike: np.ndarray) -> Score:
    """Score of similarities, shape (columns or pairs, 1 + SPLITS): their mean, as drawn and in splits."""
    if not len(alike):
        return score_of(name, None, note="Not given: there are too few columns.")
    values = alike.mean(axis=0)
    yardstick = float(np.quantile(values[1:], 0.05))
    return score_of(name, float(values[0]), yardstick, p_value=permutation_p(-values))


def worst(name: str, alike: np.ndarray, of: Sequence[str]) -> Score:
    """Score of the similarity that falls furthest short of what it is in random splits (`metrics.worst_shortfall`)."""
    if not len(alike):
        return score_of(name, None, note="Not given: there are too few columns.")
    at, expected, short = metrics.worst_shortfall(alike)
    yardstick, note = float(expected - np.quantile(short[1:], 0.95)), f"The worst is {of[at]}, {alike[at, 0]:.2f}."
    return score_of(name, float(alike[at, 0]), yardstick, note=note, p_value=permutation_p(short))


def _level_names(levels: Levels) -> list[str]:
    shown = [", ".join(map(str, row)) for row in levels.values.iloc[: levels.told_apart].itertuples(index=False)]
    if levels.missing >= 0:
        shown[levels.missing] = "missing"
    return shown + ["other"] * levels.has_other
