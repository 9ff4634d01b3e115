"""Repeated stratified cross-validation of ways to train: samplers are fitted anew on each training part."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from gensynth.data.labeled import LabeledData
from gensynth.data.split import units_of
from gensynth.evaluate.intervals import FEWEST_TEST
from gensynth.evaluate.probabilities import score, tune_threshold
from gensynth.generator.config import TrainingDiverged
from gensynth.kinds.table.classifiers import Encoder, Extra, Treated
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Candidate:
    """A way to train.

    Attributes:
        name: For people, unique.
        weighted: Whether classes weigh the same, however many rows they have.
        sampler: What draws synthetic rows; None for none.
        adds: How many of them go to all training rows, by class name; a part of the rows gets its share.
    """

    name: str
    weighted: bool = False
    sampler: Sampler | None = None
    adds: Mapping[str, int] | None = None


@dataclass(frozen=True, eq=False)
class Held:
    """What one classifier says of n real rows that it has not seen.

    Attributes:
        raw: Its own probabilities, shape (n, k).
        corrected: Those after `table_scores.prior_correct`.
        n_train: Rows it was trained on.
        threshold: Tuned on training rows, or None.
    """

    raw: np.ndarray
    corrected: np.ndarray
    n_train: int
    threshold: float | None = None


Key = tuple[str, str]
"""Name of the candidate, name of the classifier."""


@dataclass(frozen=True, eq=False)
class Fold:
    """One train-test split of the training rows.

    Attributes:
        rows: Positions of the test rows.
        held: What was said of them, by candidate and classifier.
        failed: Why a candidate could not be trained, by its name.
        seconds: Time that each candidate took, by its name.
    """

    rows: np.ndarray
    held: dict[Key, Held]
    failed: dict[str, str]
    seconds: dict[str, float]


class Folds:
    """The splits of a table.

    Args:
        train: Real training rows.
        folds: Folds of one cross-validation; fewer where the rarest class has fewer different rows.
        repeats: Times it is repeated with other folds.
        seed: Seed of the folds, the forests, and the samplers' rows.

    Attributes:
        encoder: Fitted on `train`.
        y: Labels in the encoder's order, shape (n,).
        shares: Shares of the classes, shape (k,).
        splits: Test rows of each fold, in the order in which they are to be tried.
        ratio: Test rows per training row.

    Raises:
        ValueError: if a class has fewer than 2 different rows.
    """

    def __init__(self, train: LabeledData, folds: int, repeats: int, seed: int) -> None:
        self.train, self.seed = train, seed
        self.encoder = Encoder(train)
        self.x = pd.DataFrame(self.encoder.rows(train.x[:]))
        self.y = self.encoder.labels(train.y)
        self.shares = np.bincount(self.y) / len(self.y)
        # Exact copies stay in one fold: a classifier would know them otherwise.
        hashes = train.x.hashes()
        units = hashes if train.groups is None else units_of(hashes, train.groups)
        _, first, group = np.unique(np.array(units), return_index=True, return_inverse=True)
        different = np.array([len(np.unique(group[self.y == k])) for k in range(len(train.classes))])
        if different.min() < 2:
            name = train.classes[self.encoder.order[different.argmin()]]
            what = "different rows" if train.groups is None else "groups with rows"
            raise ValueError(f"train has fewer than 2 {what} of {name!r}; cross-validation needs more.")
        self.folds = min(folds, int(different.min()))
        self.ratio = 1 / (self.folds - 1)
        self.splits = []
        for repeat in range(repeats):
            if train.groups is not None:
                grouped = StratifiedGroupKFold(self.folds, shuffle=True, random_state=_seed(seed, repeat))
                self.splits += [test for _, test in grouped.split(self.y, self.y, group)]
                continue
            parts = StratifiedKFold(self.folds, shuffle=True, random_state=_seed(seed, repeat))
            self.splits += [np.flatnonzero(np.isin(group, test)) for _, test in parts.split(first, self.y[first])]

    def run(
        self, at: int, candidates: Sequence[Candidate], models: Sequence[str], update: Callable[[], object]
    ) -> Fold:
        """Train all candidates on one split. A sampler that raises ValueError fails; the others go on.

        Args:
            at: Position in `splits`.
            candidates: What to train.
            models: Names of the classifiers.
            update: Called after each training.
        """
        rows = self.splits[at]
        fit_at = np.setdiff1d(np.arange(len(self.y)), rows)
        x, y = self.x.iloc[fit_at], self.y[fit_at]
        held: dict[Key, Held] = {}
        failed: dict[str, str] = {}
        drawn: dict[int, Synthetic] = {}
        seconds: dict[str, float] = {}
        for c in candidates:
            start = time.monotonic()
            extra = None
            if c.sampler is not None:
                same = [o for o in candidates if o.sampler is c.sampler]
                try:
                    if id(c.sampler) not in drawn:
                        # Sample i does not depend on how many are drawn: fewer are the beginning of more.
                        fitted = clone(c.sampler).fit(self.train.subset(fit_at))
                        adds = {name: max((o.adds or {}).get(name, 0) for o in same) for name in self.train.classes}
                        drawn[id(c.sampler)] = draw(fitted, self._part(adds, len(fit_at)), _seed(self.seed, at))
                    extra = self._first(drawn[id(c.sampler)], self._part(c.adds or {}, len(fit_at)))
                except (ValueError, TrainingDiverged) as error:
                    failed[c.name] = str(error)
            for model in models:
                if c.name not in failed:
                    fitted = Treated(model, self.encoder.is_code, c.weighted, extra, self.seed).fit(x, y)
                    test = self.x.iloc[rows]
                    held[c.name, model] = Held(fitted.raw(test), fitted.predict_proba(test), fitted.n_train_)
                update()
            seconds[c.name] = time.monotonic() - start
        return Fold(rows, held, failed, seconds)

    def score(self, folds: Sequence[Fold], key: Key) -> tuple[np.ndarray, list[float | None]]:
        """Return scores, shape (8 + k, folds) as `table_scores.score` gives them, and the tuned thresholds.

        The threshold of a fold is tuned on the other folds of the same cross-validation, by what classifiers that had
        not seen those rows said of them.

        Args:
            folds: What `run` returned for 0, 1, 2, ...; of each cross-validation at least two.
            key: Candidate and classifier.
        """
        scores, tuned = [], []
        for at, fold in enumerate(folds):
            mine = at // self.folds
            others = [f for i, f in enumerate(folds) if i // self.folds == mine and i != at]
            threshold = None
            if len(self.shares) == 2:
                threshold = tune_threshold(
                    np.concatenate([self.y[f.rows] for f in others]),
                    np.concatenate([f.held[key].corrected[:, 1] for f in others]),
                )
            held = fold.held[key]
            scores.append(score(self.y[fold.rows], held.raw, held.corrected, threshold, self.shares))
            tuned.append(threshold)
        return np.concatenate(scores, axis=1), tuned

    def _part(self, adds: Mapping[str, int], n: int) -> dict[str, int]:
        return {name: math.ceil(more * n / len(self.y)) for name, more in adds.items()}

    def _first(self, synthetic: Synthetic, adds: Mapping[str, int]) -> Extra:
        most = np.array([adds.get(name, 0) for name in synthetic.classes])
        return self.encoder.extra(synthetic.subset(synthetic.index < most[synthetic.y]))


def some_rows(data: LabeledData, most: int, seed: int) -> np.ndarray:
    """Return the positions of `most` rows, ascending, from each class its share, but at least 10; all if they fit."""
    if len(data) <= most:
        return np.arange(len(data))
    rng, kept = np.random.default_rng(seed), []
    for label in range(len(data.classes)):
        mine = rng.permutation(np.flatnonzero(data.y == label))
        kept.append(mine[: max(FEWEST_TEST, round(most * len(mine) / len(data)))])
    return np.sort(np.concatenate(kept))


def draw(sampler: Sampler, adds: Mapping[str, int], seed: int) -> Synthetic:
    """Draw this many rows of each class; at least one in all.

    Raises:
        ValueError: if the sampler cannot, or nothing is to be drawn.
    """
    parts = [sampler.sample(name, n, seed) for name, n in adds.items() if n]
    if not parts:
        raise ValueError(f"nothing is to be drawn: {dict(adds)}.")
    return Synthetic.concat(parts)


def _seed(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
