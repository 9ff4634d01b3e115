"""The regressors that tell whether filling the tail of a number helps; none of them sees that number in a row.

They are the regressors of the families of `gensynth.kinds.table.models`, read the same arrays, and are set by the same
cross-validation, by the mean absolute error of real rows that they have not seen. So is how far `class weights` go: of
what added rows gain, weights do for nothing what more rows of a range would do in any case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.choosing import best_setting
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.numbers import Numbers
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.ways import WEIGHTS
from gensynth.kinds.table.config import FOREST, LOGISTIC
from gensynth.kinds.table.encoder import Encoder, Extra
from gensynth.kinds.table.models import GRID, RIDGE, Setting, made, preparation
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.tail import Tail
from gensynth.sampler.synthetic import Synthetic

POWERS = (1.0, 0.5)
"""Weights are these powers of those that make all ranges weigh the same: the inverse frequencies and their square roots
of Yang, Zha, Chen, Wang and Katabi 2021, "Delving into deep imbalanced regression"."""


@dataclass(frozen=True, eq=False)
class NumberFit:
    """How a regressor is fitted.

    Attributes:
        model: One of `gensynth.kinds.table.config.CLASSIFIERS`; `LOGISTIC` stands for ridge regression.
        is_code: Which columns hold codes.
        weighted: Whether rows are weighted by one of `POWERS`, so that rare ranges weigh more.
        extra: Synthetic rows that are added, with their numbers; None for none.
        tail: The ranges.
        seed: Seed of the model, and of the folds that choose its setting.
    """

    model: str
    is_code: np.ndarray
    weighted: bool
    extra: Extra | None
    tail: Tail
    seed: int

    def said(self, x: pd.DataFrame, number: np.ndarray, asked: pd.DataFrame) -> tuple[np.ndarray, int]:
        """Fit, set so that real rows that it has not seen are predicted best, and predict.

        Args:
            x: Encoded real rows; the index numbers the training rows.
            number: Their numbers, float64, shape (n,).
            asked: Encoded rows to predict.

        Returns:
            The predictions, float64, shape (m,), and the number of rows it was fitted on.
        """
        y = self.tail.labels(number)

        def loss(candidate: tuple[Setting, float], seen: np.ndarray, unseen: np.ndarray) -> float:
            predict, trained = self._fitted(*candidate, x.iloc[seen], number[seen])
            # Ranges count alike where they are weighted, else as they do in training (as in `Fit.chosen`).
            weights = (np.ones(len(trained)) if self.weighted else trained) / np.bincount(y[seen])
            off = np.abs(predict(x.iloc[unseen]) - number[unseen])
            return float(np.average(off, weights=weights[y[unseen]]))

        settings = RIDGE if self.model == LOGISTIC else GRID[self.model]
        grid = [(setting, power) for power in (POWERS if self.weighted else (0.0,)) for setting in settings]
        predict, _ = self._fitted(*best_setting(grid, y, self.seed, loss), x, number)
        return predict(asked), len(number) + (0 if self.extra is None else len(self.extra.y))

    def _fitted(self, setting: Setting, power: float, x: pd.DataFrame, number: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return what predicts encoded rows, and the number of rows of each range in training, shape (k,)."""
        rows = x.to_numpy()
        prepare = preparation(self.model, self.is_code, self.weighted).fit(rows)
        if self.extra is not None:
            extra = self.extra.made_of(x.index)
            rows, number = np.vstack([rows, extra.x]), np.concatenate([number, extra.y])
        y = self.tail.labels(number)
        weights = compute_sample_weight("balanced", y) ** power if self.weighted else None
        regressor = made(self.model, setting, self.is_code, self.seed, number=True)
        regressor.fit(prepare.transform(rows), number, sample_weight=weights)
        if self.model == FOREST:
            regressor.set_params(n_jobs=1)  # as in `Fit.to`
        trained = np.bincount(y, minlength=len(self.tail.classes))
        return (lambda asked: regressor.predict(prepare.transform(asked.to_numpy()))), trained


@final
@dataclass(frozen=True, eq=False)
class TableRegressor(Classifier):
    """One regressor of rows in all ways.

    Attributes:
        model: As `NumberFit`.
        encoder: Fitted on real training rows, without the number.
        tail: The ranges that are the classes.
        seed: As `NumberFit`.
        threads: Threads of the libraries that train.
    """

    model: str
    encoder: Encoder
    tail: Tail
    seed: int
    threads: int

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return "ridge" if self.model == LOGISTIC else self.model

    @property
    def notes(self) -> tuple[str, ...]:
        """As `Classifier.notes`."""
        return (
            "Of a number, 'class weights' makes all ranges weigh the same, or takes the square roots of such weights: "
            "what predicts unseen training rows better, each range counting alike.",
        )

    @property
    def settings(self) -> str:
        """As `Classifier.settings`."""
        return repr((self.seed, self.tail, POWERS, RIDGE if self.model == LOGISTIC else GRID[self.model]))

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Numbers:
        """As `Classifier.try_way`."""
        x, asked = (pd.DataFrame(self.encoder.rows(rows_of(part).frame)) for part in (train, test))
        number, true = _numbers(train), _numbers(test)
        extra = None if added is None else replace(self.encoder.extra(added, train.ids), y=_numbers(added))
        fit = NumberFit(self.model, self.encoder.is_code, way == WEIGHTS, extra, self.tail, self.seed)
        with threadpool_limits(self.threads):
            said, n_train = fit.said(x, number, asked)
        on_step(1)
        return Numbers(
            y=test.y,
            true=true,
            said=said[None],
            named=self.tail.labels(said)[None],
            n_train=n_train,
            median=float(np.median(number)),
            k=len(test.classes),
            tail=self.tail.rare,
        )


def _numbers(data: LabeledData | Synthetic) -> np.ndarray:
    rows = rows_of(data)
    return rows.schema.numbers(rows.frame)
