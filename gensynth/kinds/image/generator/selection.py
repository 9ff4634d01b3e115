"""Selection: keeps the best weights of a training by what they draw, not by their loss.

The score is label agreement x coverage. Adversarial losses say nothing about either: a translation can fool its
discriminator and leave the class, or reach the class with one picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.judge import Judge
from gensynth.fidelity.metrics import coverage
from gensynth.generator.base import Generator
from gensynth.generator.batches import Scope
from gensynth.kinds.image.features.embedding import Embedding

ROUNDS, SAMPLES, MOST_REAL = 10, 128, 1000


class Selection:
    """Scores what a generator draws, `ROUNDS` times in a training, and keeps the best weights.

    Judge and features are fitted on the training images alone, the sources that are translated are training
    images: held-out images of a rare class are too few to choose by, and they belong to the final test.

    Args:
        data: All real training images, of all classes.
        scope: What the generator learns from.
        seed: Seed of the samples and of the judge.
    """

    def __init__(self, data: LabeledData, scope: Scope, seed: int) -> None:
        self.scope, self.seed = scope, seed
        self.best, self.agreement = -1.0, 0.0
        self.weights: dict[str, torch.Tensor] = {}
        self.scores = {"val/label_agreement": float("nan"), "val/coverage": float("nan")}
        if scope.target_class:
            reals, judged = data, data.y
            self.wanted = {scope.target_class: data.label_of(scope.target_class)}
        else:  # a domain is judged together with the class: what lands in the other domain must keep its class
            reals, judged = scope.data, scope.data.y + len(data.classes) * scope.target
            self.wanted = {c: data.label_of(c) + len(data.classes) for c in scope.trained}
        self.embedding = Embedding.fit(reals.x, seed)
        self.judge = Judge.fit(self.embedding.wide(reals.x), judged, int(judged.max()) + 1, seed)
        some = np.random.default_rng(seed).permutation(np.flatnonzero(scope.target))[:MOST_REAL]
        self.real = self.embedding(scope.data.subset(np.sort(some)).x)

    def look(self, model: Generator) -> None:
        """Draw, score, and keep the weights if no earlier ones were better."""
        each = max(16, SAMPLES // len(self.wanted))
        agrees, features = [], []
        for label, wanted in self.wanted.items():
            wide = self.embedding.wide(model.sample(label, np.arange(each), self.seed).x)
            agrees.append(self.judge(wide).argmax(axis=1) == wanted)
            features.append(self.embedding.narrow(wide))
        agreement = float(np.concatenate(agrees).mean())
        covered = coverage(self.real, np.concatenate(features))
        self.scores = {"val/label_agreement": agreement, "val/coverage": covered}
        if agreement * covered > self.best:
            self.best = agreement * covered
            self.agreement = agreement
            self.weights = {name: value.detach().cpu().clone() for name, value in model.named_parameters()}

    def restore(self, model: Generator) -> float:
        """Give the model its best weights; return their label agreement."""
        model.load_state_dict({**model.state_dict(), **self.weights})
        return self.agreement

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run continues from."""
        return {"best": self.best, "weights": self.weights, "scores": self.scores, "agreement": self.agreement}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        self.best, self.weights = state["best"], state["weights"]
        self.scores, self.agreement = state["scores"], state["agreement"]
