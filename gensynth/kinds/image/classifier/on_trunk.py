"""OnTrunk: a classifier that is fitted to the features of a pretrained trunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.evaluate import some_of
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.ways import CUTMIX
from gensynth.kinds.image.classifier import taught as of_taught
from gensynth.kinds.image.classifier.heads import Head
from gensynth.kinds.image.classifier.task import PLAIN, WAYS, Way
from gensynth.kinds.image.classifier.taught import Taught, share_of
from gensynth.kinds.image.classifier.trunk import Trunk
from gensynth.sampler.synthetic import Synthetic

MOST = 3000
"""Of more images this many, drawn by class, tell how far a head is held back."""


@final
@dataclass(frozen=True, eq=False)
class OnTrunk(Classifier):
    """A head on the features of a trunk that stays as it is; every class counts alike except in the way `real`.

    To draw every class equally often, and to weigh it so, is the same thing here. How far the head is held back is
    chosen for each way by balanced accuracy in a cross-validation of the real training images, and serves the arms with
    synthetic ones, too: these may be made from the images that a fold holds out. So is how the way `augmented` changes
    images (`gensynth.kinds.image.classifier.best_recipe`).

    Attributes:
        head: What is fitted.
        trunk: Shared with other heads.
        positive: As `Outcome.positive`.
    """

    head: Head
    trunk: Trunk
    positive: int | None = None
    _chosen: dict[tuple[str, Way], float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return self.head.name

    @property
    def notes(self) -> tuple[str, ...]:
        """As `Classifier.notes`."""
        return self.trunk.notes

    @property
    def lacks(self) -> Mapping[str, str]:
        """As `Classifier.lacks`."""
        return {CUTMIX: "features that are computed beforehand have no pixels to cut"}

    @property
    def settings(self) -> str:
        """As `Classifier.settings`."""
        return repr((self.head.strengths, MOST, of_taught.SETTINGS, self.trunk.views.trunk.stamp))

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Probabilities:
        """As `Classifier.try_way`."""
        parts: list[LabeledData | Synthetic] = [train] if added is None else [train, added]
        key, how, done = train.fingerprint, WAYS[way], list[float]()

        def tell(more: float) -> None:
            done.append(more)
            on_step(more)

        basis = self.trunk.basis(train, partial(share_of, tell, 0.5))
        note = ""
        if how.recipe != PLAIN:
            recipe = self.trunk.recipe(train)
            how, note = replace(how, recipe=recipe.name), recipe.note
        taught = Taught(self.trunk.views, basis, how)
        # To draw every class equally often is to weigh it so: the same restraint.
        learned = (key, replace(how, oversampled=taught.balanced, weighted=False))
        if learned not in self._chosen:
            scores = taught.cross_validated(self.head, train.subset(some_of(train, MOST, 0)))
            # Of strengths that do equally well the first, which holds back most.
            best = self.head.usual if scores is None else self.head.strengths[int(np.argmax(scores))]
            self._chosen[learned] = best
        found = self.head.fit(taught.lesson(parts, partial(share_of, tell, 0.25)), [self._chosen[learned]])[0]
        p = found.predict(taught.plain(test.x, partial(share_of, tell, 0.25)))
        on_step(1 - sum(done))  # features that were known took no time
        return Probabilities(test.y, p[None], sum(len(part) for part in parts), self.positive, note=note)
