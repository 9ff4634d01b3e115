"""The classifiers that tell whether synthetic documents help, on TF-IDF of words and characters."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import Probabilities, rarer
from gensynth.evaluate.side_by_side import OnStep
from gensynth.evaluate.ways import OVERSAMPLED, REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.text.config import LOGISTIC
from gensynth.kinds.text.features import Counts, Tfidf
from gensynth.sampler.synthetic import Synthetic

PENALTIES = (1.0, 10.0, 100.0)
"""Inverse penalties C that cross-validation chooses between."""
CHOOSING_FOLDS = 3


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned from.

    Attributes:
        counts: Of words and characters, real documents first, shape (n, p).
        y: Labels, int64, shape (n,).
        parents: Positions of the real documents that a synthetic one was made from, and of a real one its own; length
            n.
    """

    counts: csr_matrix
    y: np.ndarray
    parents: Sequence[frozenset[int]]

    def without(self, held_out: np.ndarray) -> Lesson:
        """Return what is left where some real documents, positions, and all that was made from them are held out."""
        gone = frozenset(held_out.tolist())
        kept = np.array([i for i, own in enumerate(self.parents) if gone.isdisjoint(own)], dtype=np.int64)
        return Lesson(self.counts[kept], self.y[kept], [self.parents[i] for i in kept])


@final
@dataclass(frozen=True, eq=False)
class TextClassifier(Classifier):
    """A linear model of documents in all ways.

    The penalty is chosen by log loss, the threshold tuned by balanced accuracy, both in cross-validation of the real
    documents; synthetic ones are learned from, never predicted.

    Attributes:
        model: One of `gensynth.kinds.text.config.CLASSIFIERS`.
        counts: Shared with other classifiers.
        seed: Seed of the folds and of what is drawn.
        folds: Folds of the cross-validation that tunes the threshold; 0 to leave that to others.
    """

    model: str
    counts: Counts
    seed: int
    folds: int
    _known: dict[Any, Probabilities] = field(default_factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return self.model

    @property
    def settings(self) -> str:
        """As `Classifier.settings`."""
        return repr((self.seed, self.folds, PENALTIES))

    def untuned(self) -> TextClassifier:
        """As `Classifier.untuned`."""
        return replace(self, folds=0)

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Probabilities:
        """As `Classifier.try_way`; moving the threshold trains nothing that `real` has not trained already."""
        key = (REAL if way == THRESHOLD else way, train, added, test)
        if not any(known[1] is train for known in self._known):
            self._known.clear()
        if key not in self._known:
            self._known[key] = self._trained(*key)
        on_step(1)
        return replace(self._known[key], moved=way == THRESHOLD)

    def _trained(self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData) -> Probabilities:
        lesson, n = self._lesson(train, added), len(train)
        choosing = self._splits(train, CHOOSING_FOLDS)
        losses = [sum(self._loss(way, lesson, n, part, c) for part in choosing) for c in PENALTIES]
        penalty = PENALTIES[int(np.argmin(losses))]
        found = self._outcome(way, lesson, n, penalty, self.counts(list(test.x.texts)), test.y)
        if self.folds and found.positive is not None:
            parts = self._splits(train, self.folds)
            found = found.tuned([self._held_out(way, lesson, n, part, penalty) for part in parts])
        return found

    def _lesson(self, train: LabeledData, added: Synthetic | None) -> Lesson:
        texts, y = list(train.x.texts), train.y
        own = [frozenset([i]) for i in range(len(train))]
        if added is not None:
            place = {name: i for i, name in enumerate(train.ids)}
            texts, y = texts + list(added.x.texts), np.concatenate([y, added.y])
            own += [frozenset(place[name] for name in names if name in place) for names in added.parents]
        return Lesson(self.counts(texts), y, own)

    def _splits(self, train: LabeledData, folds: int) -> list[np.ndarray]:
        """Return positions of the documents that each fold holds out; none where a class has a single one."""
        folds = min(folds, int(np.bincount(train.y)[np.unique(train.y)].min()))
        if folds < 2:
            return []
        splits = StratifiedKFold(folds, shuffle=True, random_state=self.seed).split(train.y, train.y)
        return [unseen for _, unseen in splits]

    def _loss(self, way: str, lesson: Lesson, n: int, held_out: np.ndarray, penalty: float) -> float:
        """Return the log loss of a fold, the classes weighted as in training."""
        found = self._held_out(way, lesson, n, held_out, penalty)
        assert found.trained is not None and found.shares is not None
        p = found.raw[0][np.arange(len(found.y)), found.y]
        weights = (found.trained / np.maximum(found.shares, 1e-9))[found.y]
        return float(np.average(-np.log(np.maximum(p, 1e-9)), weights=weights))

    def _held_out(self, way: str, lesson: Lesson, n: int, held_out: np.ndarray, penalty: float) -> Probabilities:
        left = lesson.without(held_out)
        test, y = lesson.counts[held_out], lesson.y[held_out]
        return self._outcome(way, left, n - len(held_out), penalty, test, y, int(lesson.y.max()) + 1)

    def _outcome(
        self,
        way: str,
        lesson: Lesson,
        n: int,
        penalty: float,
        test: csr_matrix,
        y: np.ndarray,
        k: int | None = None,
    ) -> Probabilities:
        """Fit, of n real documents and what was added, and predict."""
        k = k or int(max(lesson.y.max(), y.max(initial=0))) + 1
        tfidf = Tfidf(lesson.counts[:n])
        at = self._drawn(lesson.y) if way == OVERSAMPLED else np.arange(len(lesson.y))
        x, labels = tfidf(lesson.counts[at]), lesson.y[at]
        weights = compute_sample_weight("balanced", labels) if way == WEIGHTS else np.ones(len(labels))
        model = self._model(penalty, labels)
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a little short of the optimum it ranks as well
            model.fit(x, labels, sample_weight=weights)
        raw = np.zeros((1, len(y), k))
        raw[0][:, model.classes_] = model.predict_proba(tfidf(test))
        real = np.bincount(lesson.y[:n], minlength=k)
        return Probabilities(
            y,
            raw,
            len(labels),
            positive=rarer(lesson.y[:n], k),
            shares=real / n,
            trained=np.bincount(labels, weights, minlength=k) / weights.sum(),
        )

    def _model(self, penalty: float, y: np.ndarray) -> Any:
        if self.model == LOGISTIC:
            return LogisticRegression(C=penalty, max_iter=300)
        # A support vector machine gives margins: Platt (1999) makes probabilities of them, in folds of its own.
        folds = min(3, int(np.bincount(y)[np.unique(y)].min()))
        svm = LinearSVC(C=penalty / 10, random_state=self.seed)
        return CalibratedClassifierCV(svm, cv=max(2, folds)) if folds > 1 else LogisticRegression(C=penalty)

    def _drawn(self, y: np.ndarray) -> np.ndarray:
        """Return positions in which every class is as frequent as the largest one."""
        rng, counts = np.random.default_rng(self.seed), np.bincount(y)
        more = [rng.choice(np.flatnonzero(y == c), counts.max() - n) for c, n in enumerate(counts) if n]
        return np.concatenate([np.arange(len(y)), *more])


def text_classifiers(models: Sequence[str], seed: int, folds: int) -> list[TextClassifier]:
    """Return the classifiers of these names, which count words together."""
    counts = Counts()
    return [TextClassifier(model, counts, seed, folds) for model in models]
