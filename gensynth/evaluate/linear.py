"""Linear: the classifier of a kind of data that has none of its own, on what its space sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.ways import WEIGHTS
from gensynth.fidelity.space import Space
from gensynth.sampler.synthetic import Synthetic


@final
@dataclass(frozen=True, eq=False)
class Linear(Classifier):
    """Logistic regression on `Seen.wide`, standardised.

    Attributes:
        space: Fitted on real training examples.
        positive: As `Probabilities.positive`.
    """

    space: Space
    positive: int | None

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return "logistic"

    @property
    def settings(self) -> str:
        """As `Classifier.settings`."""
        return repr((self.space.stamp, self.positive))

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Probabilities:
        """As `Classifier.try_way`."""
        k, y, wide = len(train.classes), train.y, self.space.see(train.x).wide
        if added is not None:
            y, wide = np.concatenate([y, added.y]), np.concatenate([wide, self.space.see(added.x).wide])
        weights = compute_sample_weight("balanced", y) if way == WEIGHTS else np.ones(len(y))
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(wide, y, logisticregression__sample_weight=weights)
        raw = np.zeros((1, len(test), k))
        raw[0][:, model.classes_] = model.predict_proba(self.space.see(test.x).wide)
        on_step(1)
        return Probabilities(
            test.y,
            raw,
            len(y),
            positive=self.positive,
            shares=np.bincount(train.y, minlength=k) / len(train),
            trained=np.bincount(y, weights, minlength=k) / weights.sum(),
        )
