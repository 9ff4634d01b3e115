"""ModelClassifier: a model of examples, set by cross-validation, in all ways that change no example."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.class_weight import compute_sample_weight

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.choosing import best_setting, taught_loss
from gensynth.evaluate.models import Lesson, Model
from gensynth.evaluate.outcome import Probabilities, rarer
from gensynth.evaluate.remembering import Remembering
from gensynth.evaluate.ways import OVERSAMPLED, WEIGHTS
from gensynth.sampler.synthetic import Synthetic

Items = Callable[[Any], Sequence[Any]]
"""Takes n `Examples`; returns them as a model takes them, length n."""


@dataclass(frozen=True, eq=False)
class Taught:
    """Examples to learn from and what each was made from.

    Attributes:
        lesson: Real examples, then what is added.
        parents: Positions of the real examples that each was made from, and of a real one its own; length n.
        k: Number of classes.
    """

    lesson: Lesson
    parents: Sequence[frozenset[int]]
    k: int

    @staticmethod
    def of(train: LabeledData, added: Synthetic | None, items: Items) -> Taught:
        """Return training examples and what is added to them, as a model takes them."""
        found, y = [*items(train.x)], train.y
        own = [frozenset([i]) for i in range(len(train))]
        if added is not None:
            place = {name: i for i, name in enumerate(train.ids)}
            found, y = [*found, *items(added.x)], np.concatenate([y, added.y])
            own += [frozenset(place[name] for name in names if name in place) for names in added.parents]
        return Taught(Lesson(found, y, len(train)), own, len(train.classes))

    def without(self, held_out: np.ndarray) -> Lesson:
        """Return what is left where some real examples, positions, and all that was made from them are held out."""
        gone = frozenset(held_out.tolist())
        kept = np.array([i for i, own in enumerate(self.parents) if gone.isdisjoint(own)], dtype=np.int64)
        of = self.lesson
        return Lesson([of.items[i] for i in kept], of.y[kept], of.n_real - len(held_out))

    def splits(self, folds: int, seed: int) -> list[np.ndarray]:
        """Return positions of the real examples that each fold holds out; none where a class has a single one."""
        y = self.lesson.y[: self.lesson.n_real]
        folds = min(folds, int(np.bincount(y)[np.unique(y)].min()))
        if folds < 2:
            return []
        return [unseen for _, unseen in StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y)]


@dataclass(frozen=True, eq=False)
class ModelClassifier(Remembering):
    """A model of examples in all ways that change none of them.

    How far it is held back is chosen by `taught_loss`, the threshold tuned by balanced accuracy, both in
    cross-validation of the real examples; synthetic ones are learned from, never predicted.

    Attributes:
        model: What is fitted.
        seed: Seed of the folds and of what is drawn.
        folds: Folds of the cross-validation that tunes the threshold; 0 to leave that to others.
        items: Returns examples as the model takes them.
    """

    model: Model
    seed: int
    folds: int
    items: Items

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return self.model.name

    @property
    def settings(self) -> str | None:
        """As `Classifier.settings`: nothing tells whether an estimator of the user's is the one of before."""
        return None if self.model.stamp is None else repr((self.seed, self.folds, self.model.stamp))

    @property
    def notes(self) -> tuple[str, ...]:
        """As `Classifier.notes`."""
        return self.model.notes

    @property
    def lacks(self) -> Mapping[str, str]:
        """As `Classifier.lacks`."""
        return {} if self.model.weighs else {WEIGHTS: "its fit takes no sample_weight"}

    def untuned(self) -> ModelClassifier:
        """As `Classifier.untuned`."""
        return replace(self, folds=0)

    def _trained(self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData) -> Probabilities:
        """As `Remembering`."""
        taught = Taught.of(train, added, self.items)

        def loss(setting: float, seen: np.ndarray, unseen: np.ndarray) -> float:  # noqa: ARG001
            found = self._held_out(way, taught, unseen, setting)
            assert found.trained is not None and found.shares is not None
            return taught_loss(found.raw[0], found.y, found.trained, found.shares)

        setting = best_setting(self.model.settings, train.y, self.seed, loss)
        found = self._outcome(way, taught.lesson, setting, (self.items(test.x), test.y), taught.k)
        if self.folds and found.positive is not None:
            parts = taught.splits(self.folds, self.seed)
            found = found.tuned([self._held_out(way, taught, part, setting) for part in parts]) if parts else found
        return found

    def _held_out(self, way: str, taught: Taught, held_out: np.ndarray, setting: float) -> Probabilities:
        of = taught.lesson
        asked = [of.items[i] for i in held_out], of.y[held_out]
        return self._outcome(way, taught.without(held_out), setting, asked, taught.k)

    def _outcome(
        self, way: str, lesson: Lesson, setting: float, asked: tuple[Sequence[Any], np.ndarray], k: int
    ) -> Probabilities:
        """Fit and predict examples with their labels."""
        real = np.bincount(lesson.y[: lesson.n_real], minlength=k)
        if way == OVERSAMPLED:
            lesson = self._drawn(lesson)
        weights = compute_sample_weight("balanced", lesson.y) if way == WEIGHTS else None
        labels, p = self.model.fit(lesson, weights, setting)(asked[0])
        raw = np.zeros((1, len(asked[1]), k))
        raw[0][:, labels] = p
        total = np.bincount(lesson.y, weights, minlength=k)
        return Probabilities(
            asked[1],
            raw,
            len(lesson.y),
            positive=rarer(lesson.y[: lesson.n_real], k),
            shares=real / real.sum(),
            trained=total / total.sum(),
        )

    def _drawn(self, lesson: Lesson) -> Lesson:
        """Return a lesson in which every class is as frequent as the largest one; what is drawn again comes last."""
        rng, counts = np.random.default_rng(self.seed), np.bincount(lesson.y)
        more = [rng.choice(np.flatnonzero(lesson.y == c), counts.max() - n) for c, n in enumerate(counts) if n]
        at = np.concatenate([np.arange(len(lesson.y)), *more])
        return Lesson([lesson.items[i] for i in at], lesson.y[at], lesson.n_real)
