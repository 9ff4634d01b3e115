"""The classifiers that tell whether synthetic rows help (`gensynth.kinds.table.models`), fitted and tuned.

All see a table as numbers, with NaN where missing, and codes of levels (`gensynth.kinds.table.codec`), and all are
fitted by `Fit`, so that the ways to train differ in nothing else.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from gensynth.data.labeled import LabeledData
from gensynth.data.words import some_counts
from gensynth.evaluate.choosing import best_setting, taught_loss
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.probabilities import prior_correct, tune_threshold
from gensynth.evaluate.remembering import Remembering
from gensynth.evaluate.ways import WEIGHTS
from gensynth.kinds.table.config import FOREST
from gensynth.kinds.table.encoder import Encoder, Extra
from gensynth.kinds.table.models import GRID, Setting, made, preparation
from gensynth.kinds.table.regressors import TableRegressor
from gensynth.kinds.table.rows import rows_of
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted classifier of encoded rows.

    Attributes:
        prepare: What turns encoded rows into what the classifier reads.
        classifier: The classifier.
        n_train: Rows it was fitted on.
        trained: Shares of the classes in training, weights counted as rows, shape (k,).
        shares: Shares of the classes among the real rows, shape (k,).
    """

    prepare: Any
    classifier: Any
    n_train: int
    trained: np.ndarray
    shares: np.ndarray

    def raw(self, x: pd.DataFrame) -> np.ndarray:
        """Return the classifier's own probabilities, shape (n, k)."""
        return self.classifier.predict_proba(self.prepare.transform(x.to_numpy()))

    def corrected(self, x: pd.DataFrame) -> np.ndarray:
        """Return the probabilities after `prior_correct`, shape (n, k)."""
        return prior_correct(self.raw(x), self.trained, self.shares)


@dataclass(frozen=True, eq=False)
class Fit:
    """How a classifier is fitted.

    Attributes:
        model: One of `gensynth.kinds.table.config.CLASSIFIERS`.
        is_code: Which columns hold codes.
        weighted: Whether classes weigh the same, however many rows they have.
        extra: Synthetic rows that are added; None for none.
        seed: Seed of the model, and of the folds that choose its setting and tune a threshold.
        setting: How the model is set; None to let `chosen` say.
    """

    model: str
    is_code: np.ndarray
    weighted: bool
    extra: Extra | None
    seed: int
    setting: Setting | None = None

    def chosen(self, x: pd.DataFrame, y: np.ndarray) -> Fit:
        """Return the same, set so that real rows that it has not seen are predicted best.

        That is the least `taught_loss` in cross-validation. Synthetic rows are learned from, never predicted.

        Args:
            x: As `to`.
            y: As `to`. Where a class has a single row, or there is one setting only, the first setting is taken.
        """

        def loss(setting: Setting, seen: np.ndarray, unseen: np.ndarray) -> float:
            fitted = replace(self, setting=setting).to(x.iloc[seen], y[seen])
            return taught_loss(fitted.raw(x.iloc[unseen]), y[unseen], fitted.trained, fitted.shares)

        return replace(self, setting=best_setting(GRID[self.model], y, self.seed, loss))

    def to(self, x: pd.DataFrame, y: np.ndarray) -> Fitted:
        """Fit to real rows and what is added to them.

        Args:
            x: Encoded real rows; the index numbers the training rows. Where only some of them are given, as in
                cross-validation, synthetic rows that were made from another one are left out.
            y: Labels, shape (n,).
        """
        if self.setting is None:
            return self.chosen(x, y).to(x, y)
        rows, labels, shares = x.to_numpy(), y, np.bincount(y) / len(y)
        prepare = preparation(self.model, self.is_code, self.weighted).fit(rows)
        if self.extra is not None:
            extra = self.extra.made_of(x.index)
            rows, labels = np.vstack([rows, extra.x]), np.concatenate([labels, extra.y])
        weights = compute_sample_weight("balanced", labels) if self.weighted else None
        trained = np.bincount(labels, weights) / (len(labels) if weights is None else weights.sum())
        classifier = made(self.model, self.setting, self.is_code, self.seed)
        with warnings.catch_warnings():
            # A little short of the optimum it ranks as well.
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(prepare.transform(rows), labels, sample_weight=weights)
        if self.model == FOREST:
            # Several cores would add up the trees in any order, and round differently from call to call.
            classifier.set_params(n_jobs=1)
        return Fitted(prepare, classifier, len(labels), trained, shares)

    def tuned_to(self, x: pd.DataFrame, y: np.ndarray, folds: int) -> tuple[Fitted, float | None]:
        """Fit to all rows, and tune the threshold for two classes by cross-validation of the real ones.

        Args:
            x: As `to`.
            y: As `to`, each label at least twice.
            folds: Folds; fewer where the rarest class has fewer rows. Without folds, or for more classes, the threshold
                is None.
        """
        fit = self.chosen(x, y)
        if not folds or len(np.unique(y)) > 2:
            return fit.to(x, y), None
        splits = StratifiedKFold(min(folds, np.bincount(y).min()), shuffle=True, random_state=self.seed)
        p = np.empty(len(y))
        for seen, unseen in splits.split(x, y):
            p[unseen] = fit.to(x.iloc[seen], y[seen]).corrected(x.iloc[unseen])[:, 1]
        return fit.to(x, y), tune_threshold(y, p)


@final
@dataclass(frozen=True, eq=False)
class TableClassifier(Remembering):
    """One classifier of rows in all ways.

    Attributes:
        model: One of `gensynth.kinds.table.config.CLASSIFIERS`.
        encoder: Fitted on real training rows.
        seed: Seed of the forest and of the folds.
        folds: Folds of the cross-validation that tunes the threshold; 0 to leave that to others.
        threads: Threads of the libraries that train.
    """

    model: str
    encoder: Encoder
    seed: int
    folds: int
    threads: int

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return self.model

    @property
    def settings(self) -> str:
        """As `Classifier.settings`."""
        return repr((self.seed, self.folds, self.encoder.order.tolist(), GRID[self.model]))

    def untuned(self) -> TableClassifier:
        """As `Classifier.untuned`."""
        return replace(self, folds=0)

    def _trained(self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData) -> Probabilities:
        """As `Remembering`."""
        encoder, counts = self.encoder, train.class_counts
        if self.folds and min(counts.values()) < 2:
            raise ValueError(f"train has the class counts {some_counts(counts)}; every class needs at least 2 rows.")
        if self.folds and len(np.unique(test.y)) < 2:
            raise ValueError(f"test has rows of {test.classes[test.y[0]]!r} only; at least two classes are needed.")
        x, x_test = (pd.DataFrame(encoder.rows(rows_of(part).frame)) for part in (train, test))
        extra = None if added is None else encoder.extra(added, train.ids)
        fit = Fit(self.model, encoder.is_code, way == WEIGHTS, extra, self.seed)
        with threadpool_limits(self.threads):
            fitted, threshold = fit.tuned_to(x, encoder.labels(train.y), self.folds)
            raw = fitted.raw(x_test)
        place = np.argsort(encoder.order)  # of each class among the encoder's labels
        return Probabilities(
            test.y,
            raw[None, :, place],
            fitted.n_train,
            positive=int(encoder.order[1]) if len(place) == 2 else None,
            shares=fitted.shares[place],
            trained=fitted.trained[place],
            threshold=threshold,
        )


def table_classifiers(
    train: LabeledData, models: Sequence[str], seed: int, folds: int, threads: int
) -> Sequence[Classifier]:
    """Return the classifiers of these names, or regressors where the classes are ranges of a number."""
    encoder = Encoder(train)
    if (tail := rows_of(train).schema.tail) is not None:
        return [TableRegressor(model, encoder, tail, seed, threads) for model in models]
    return [TableClassifier(model, encoder, seed, folds, threads) for model in models]
