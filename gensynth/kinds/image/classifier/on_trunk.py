"""OnTrunk: a classifier that is fitted to the features of a pretrained trunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.evaluate import some_of
from gensynth.evaluate.folds import Folds
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.ways import AUGMENTED
from gensynth.kinds.image.classifier.heads import Basis, Head, Lesson
from gensynth.kinds.image.classifier.network import MIXUP
from gensynth.kinds.image.classifier.task import WAYS, Way
from gensynth.kinds.image.classifier.views import PLAIN, Views, views_of
from gensynth.sampler.synthetic import Synthetic

VIEWS = (2, 8)
"""Changed views of each image beside the plain one, fewest and most; smaller classes have more."""
MIXTURES = 4
"""Mixtures for each image."""
FOLDS, MOST = 3, 3000
"""How often images are held out to choose how far a head is held back, and of how many images at most."""


@final
@dataclass(frozen=True, eq=False)
class OnTrunk(Classifier):
    """A head on the features of a trunk that stays as it is; every class counts alike except in the way `real`.

    To draw every class equally often, and to weigh it so, is the same thing here. How far the head is held back is
    chosen for each way by balanced accuracy in a cross-validation of the real training images, and serves the arms with
    synthetic ones, too: these may be made from the images that a fold holds out.

    Attributes:
        head: What is fitted.
        views: The features; shared with other heads.
        positive: As `Outcome.positive`.
        notes: As `Classifier.notes`.
    """

    head: Head
    views: Views
    positive: int | None = None
    notes: tuple[str, ...] = ()
    _bases: dict[str, Basis] = field(default_factory=dict)
    _chosen: dict[tuple[str, bool, bool, bool], float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return self.head.name

    @property
    def settings(self) -> str:
        """As `Classifier.settings`."""
        return repr((self.head.strengths, VIEWS, MIXTURES, FOLDS, MOST, self.views.trunk.stamp))

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Probabilities:
        """As `Classifier.try_way`."""
        key, parts = train.fingerprint, [train] if added is None else [train, added]
        if key not in self._bases:
            self._bases[key] = Basis.of(_plain(self.views, train, partial(_share, on_step, 0.5)))
        taught = _Taught(self.views, self._bases[key], WAYS[way])
        learned = (key, WAYS[way].augmented, WAYS[way].mixed, taught.balanced)
        if learned not in self._chosen:
            self._chosen[learned] = taught.held_back(self.head, train)
        found = self.head.fit(taught.lesson(parts, partial(_share, on_step, 0.25)), [self._chosen[learned]])[0]
        p = found.predict(taught.plain(test, partial(_share, on_step, 0.25)))
        return Probabilities(test.y, p[None], sum(map(len, parts)), self.positive)


@dataclass(frozen=True, eq=False)
class _Taught:
    """What a head is taught in one way."""

    views: Views
    basis: Basis
    how: Way

    @property
    def balanced(self) -> bool:
        """Whether every class counts alike."""
        return self.how.oversampled or self.how.weighted

    def held_back(self, head: Head, train: LabeledData) -> float:
        """Return how far a head is to be held back, found in real training images."""
        used = train.subset(some_of(train, MOST, 0))
        try:
            folds = Folds(used, FOLDS, 1, 0)
        except ValueError:  # a class has no two different images
            return head.usual
        hits = np.zeros((len(head.strengths), len(used)))
        for at, rows in enumerate(folds.splits):
            part, held_out = folds.split(at)
            x = self.plain(held_out, _unseen)
            for hit, found in zip(hits, head.fit(self.lesson([part], _unseen), head.strengths), strict=True):
                hit[rows] = found.predict(x).argmax(1) == held_out.y
        balanced = [np.mean([hit[used.y == k].mean() for k in np.unique(used.y)]) for hit in hits]
        return head.strengths[int(np.argmax(balanced))]  # of equal ones the strongest restraint

    def plain(self, part: LabeledData | Synthetic, on_step: OnStep) -> np.ndarray:
        """Return the components of images as they are, shape (n, p)."""
        return self.basis(_plain(self.views, part, on_step))

    def lesson(self, parts: Sequence[LabeledData | Synthetic], on_step: OnStep) -> Lesson:
        """Return what is learned from; each image counts once, however many views it has."""
        k, step = len(parts[0].classes), partial(_share, on_step, 0.5 / len(parts))
        x, y = (np.concatenate(each) for each in zip(*((self.plain(p, step), p.y) for p in parts), strict=True))
        if self.how.mixed:
            return _mixed(x, y, k)
        if not self.how.augmented:
            return Lesson(x, y, np.ones(len(y)), self.balanced, k)
        counts = views_of(y, *VIEWS)
        split = np.split(counts, [len(parts[0])])
        more = [self.basis(self.views.of(p.x, AUGMENTED, n, step)) for p, n in zip(parts, split, strict=False)]
        rows, weight = np.repeat(np.arange(len(y)), counts), 1 / (1 + counts)
        return Lesson(
            np.concatenate([x, *more]), np.append(y, y[rows]), np.append(weight, weight[rows]), self.balanced, k
        )


def _plain(views: Views, part: LabeledData | Synthetic, on_step: OnStep) -> np.ndarray:
    return views.of(part.x, PLAIN, np.ones(len(part), dtype=np.int64), on_step)


def _mixed(x: np.ndarray, y: np.ndarray, k: int) -> Lesson:
    """Return mixtures of features with both labels, every class drawn equally often.

    Zhang et al. 2018, "mixup: Beyond empirical risk minimization"; of features: Verma et al. 2019, "Manifold mixup".
    """
    rng = np.random.default_rng(0)
    chance = 1 / np.bincount(y)[y]
    one, other = rng.choice(len(y), (2, MIXTURES * len(y)), p=chance / chance.sum())
    share = rng.beta(MIXUP, MIXUP, len(one)).astype(np.float32)
    mixed = share[:, None] * x[one] + (1 - share[:, None]) * x[other]
    labels, weight = np.append(y[one], y[other]), np.append(share, 1 - share)
    return Lesson(np.concatenate([mixed, mixed]), labels, weight, True, k)


def _share(on_step: OnStep, of: float, done: float) -> None:
    on_step(of * done)


def _unseen(done: float) -> None:
    """The choice of a restraint takes little of the time."""
