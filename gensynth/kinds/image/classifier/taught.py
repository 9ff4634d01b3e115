"""Taught: what a head on a trunk learns from in one way to train, and how well it does on other images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.folds import Folds
from gensynth.evaluate.side_by_side import OnStep
from gensynth.kinds.image.classifier.heads import Basis, Head, Lesson
from gensynth.kinds.image.classifier.mixing import MIXUP
from gensynth.kinds.image.classifier.task import PLAIN, Way
from gensynth.kinds.image.classifier.views import Views, views_of
from gensynth.kinds.image.images import Images
from gensynth.sampler.synthetic import Synthetic

VIEWS = (2, 8)
"""Changed views of each image beside the plain one, fewest and most; smaller classes have more."""
MIXTURES = 4
"""Mixtures for each image."""
FOLDS = 3
SETTINGS = (VIEWS, MIXTURES, FOLDS)


@final
@dataclass(frozen=True, eq=False)
class Taught:
    """What a head is taught in one way.

    Attributes:
        views: The features.
        basis: Their main components.
        how: The way to train; images are not mixed, but their features.
        bounds: Changed views of each image, as `views_of` takes them.
    """

    views: Views
    basis: Basis
    how: Way
    bounds: tuple[int, int] = VIEWS

    @property
    def balanced(self) -> bool:
        """Whether every class counts alike."""
        return self.how.oversampled or self.how.weighted

    def cross_validated(self, head: Head, used: LabeledData) -> list[float] | None:
        """Return balanced accuracy by strength of a head, on folds of real images that it was not shown.

        None where a class has no two different images, so that there are no folds.
        """
        try:
            folds = Folds(used, FOLDS, 1, 0)
        except ValueError:
            return None
        hits = np.zeros((len(head.strengths), len(used)))
        for at, rows in enumerate(folds.splits):
            part, held_out = folds.split(at)
            x = self.plain(held_out.x, unseen)
            for hit, found in zip(hits, head.fit(self.lesson([part], unseen), head.strengths), strict=True):
                hit[rows] = found.predict(x).argmax(1) == held_out.y
        return [float(np.mean([hit[used.y == k].mean() for k in np.unique(used.y)])) for hit in hits]

    def plain(self, images: Images, on_step: OnStep) -> np.ndarray:
        """Return the components of images as they are, shape (n, p)."""
        return self.basis(self.views.plain(images, on_step))

    def lesson(self, parts: Sequence[LabeledData | Synthetic], on_step: OnStep) -> Lesson:
        """Return what is learned from, the first part being real; each image counts once, however many views it has."""
        real = np.bincount(parts[0].y, minlength=len(parts[0].classes))
        step = partial(share_of, on_step, 0.5 / len(parts))
        x, y = (np.concatenate(each) for each in zip(*((self.plain(p.x, step), p.y) for p in parts), strict=True))
        if self.how.mixing is not None:
            return _mixed(x, y, real)
        if self.how.recipe == PLAIN:
            return Lesson(x, y, np.ones(len(y)), self.balanced, real)
        counts = views_of(y, *self.bounds)
        split = np.split(counts, [len(parts[0])])
        more = [self.basis(self.views.of(p.x, self.how.recipe, n, step)) for p, n in zip(parts, split, strict=False)]
        rows, weight = np.repeat(np.arange(len(y)), counts), 1 / (1 + counts)
        x, y, weight = np.concatenate([x, *more]), np.append(y, y[rows]), np.append(weight, weight[rows])
        return Lesson(x, y, weight, self.balanced, real)


def _mixed(x: np.ndarray, y: np.ndarray, real: np.ndarray) -> Lesson:
    """Return mixtures of features with both labels, every class drawn equally often.

    Zhang et al. 2018, "mixup: Beyond empirical risk minimization"; of features: Verma et al. 2019, "Manifold mixup".
    """
    rng = np.random.default_rng(0)
    chance = 1 / np.bincount(y)[y]
    one, other = rng.choice(len(y), (2, MIXTURES * len(y)), p=chance / chance.sum())
    share = rng.beta(MIXUP, MIXUP, len(one)).astype(np.float32)
    mixed = share[:, None] * x[one] + (1 - share[:, None]) * x[other]
    labels, weight = np.append(y[one], y[other]), np.append(share, 1 - share)
    return Lesson(np.concatenate([mixed, mixed]), labels, weight, True, real)


def share_of(on_step: OnStep, of: float, done: float) -> None:
    """Report a share of what is done."""
    on_step(of * done)


def unseen(done: float) -> None:
    """The choice of a restraint takes little of the time."""
