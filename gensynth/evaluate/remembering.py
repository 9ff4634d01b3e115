"""Remembering: a classifier whose moved threshold trains nothing that `real` has not trained already."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.ways import REAL, THRESHOLD
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Remembering(Classifier):
    """Knows what was trained on the training examples that were given last; a kind writes `_trained`."""

    _known: dict[Any, Probabilities] = field(default_factory=dict, init=False, repr=False)

    @abstractmethod
    def _trained(self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData) -> Probabilities:
        """Train in a way, which is not `THRESHOLD`, and predict the test examples; as `try_way`."""

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Probabilities:
        """As `Classifier.try_way`."""
        key = (REAL if way == THRESHOLD else way, train, added, test)
        if not any(known[1] is train for known in self._known):
            self._known.clear()
        if key not in self._known:
            self._known[key] = self._trained(*key)
        on_step(1)
        return replace(self._known[key], moved=way == THRESHOLD)
