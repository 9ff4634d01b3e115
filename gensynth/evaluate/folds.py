"""Repeated stratified cross-validation of ways to train: samplers are fitted anew on each training part."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from tqdm import tqdm

from gensynth.data.labeled import LabeledData
from gensynth.data.split import units_of
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.compare import Key, Said, compare
from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.evaluate import draw, rarest_first
from gensynth.evaluate.outcome import Outcome
from gensynth.evaluate.results import Evaluation
from gensynth.evaluate.ways import REAL, UNGATED, added_to, expanded, is_alone, way_of
from gensynth.generator.config import TrainingDiverged
from gensynth.kind import kinds
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Candidate:
    """What is to be trained.

    Attributes:
        name: For people, unique.
        way: How, see `gensynth.evaluate.ways`.
        sampler: What draws synthetic examples; None for none.
        adds: How many of them go to all training examples, by class name; a part of these gets its share.
    """

    name: str
    way: str = REAL
    sampler: Sampler | None = None
    adds: Mapping[str, int] | None = None


@dataclass(frozen=True, eq=False)
class Fold:
    """One train-test split of the training examples.

    Attributes:
        rows: Positions of the test examples.
        outcomes: What was said of them, by candidate and classifier.
        failed: Why a candidate could not be trained, by its name.
    """

    rows: np.ndarray
    outcomes: dict[Key, Outcome]
    failed: dict[str, str]


class Folds:
    """The splits of real training examples.

    Args:
        train: Real training examples.
        folds: Folds of one cross-validation; fewer where the rarest class has fewer different examples.
        repeats: Times it is repeated with other folds.
        seed: Seed of the folds and of what samplers draw.

    Attributes:
        splits: Test examples of each fold, in the order in which they are to be tried.
        ratio: Test examples per training example.

    Raises:
        ValueError: if a class has fewer than 2 different examples.
    """

    def __init__(self, train: LabeledData, folds: int, repeats: int, seed: int) -> None:
        self.train, self.seed, y = train, seed, train.y
        # Exact copies stay in one fold: a classifier would know them otherwise.
        hashes = train.x.hashes()
        units = hashes if train.groups is None else units_of(hashes, train.groups)
        _, first, group = np.unique(np.array(units), return_index=True, return_inverse=True)
        different = np.array([len(np.unique(group[y == k])) for k in range(len(train.classes))])
        if different.min() < 2:
            what = f"different {train.noun}s" if train.groups is None else f"groups with {train.noun}s"
            raise ValueError(
                f"train has fewer than 2 {what} of {train.classes[different.argmin()]!r}; cross-validation needs more."
            )
        self.folds = min(folds, int(different.min()))
        self.ratio = 1 / (self.folds - 1)
        self.splits = []
        for repeat in range(repeats):
            if train.groups is not None:
                grouped = StratifiedGroupKFold(self.folds, shuffle=True, random_state=_seed(seed, repeat))
                self.splits += [test for _, test in grouped.split(y, y, group)]
                continue
            parts = StratifiedKFold(self.folds, shuffle=True, random_state=_seed(seed, repeat))
            self.splits += [np.flatnonzero(np.isin(group, test)) for _, test in parts.split(first, y[first])]

    def run(
        self,
        at: int,
        candidates: Sequence[Candidate],
        classifiers: Sequence[Classifier],
        update: Callable[[float], object],
    ) -> Fold:
        """Train all candidates on one split. A sampler that raises ValueError fails; the others go on.

        Args:
            at: Position in `splits`.
            candidates: What to train.
            classifiers: What is trained, `Classifier.untuned`.
            update: Called with the number of steps done since.
        """
        rows = self.splits[at]
        train, test = self.split(at)
        fold = Fold(rows, {}, {})
        drawn: dict[int, Synthetic] = {}
        for c in candidates:
            added = None
            if c.sampler is not None:
                try:
                    if id(c.sampler) not in drawn:
                        adds = self.share(c.adds or {}, at)
                        drawn[id(c.sampler)] = self.drawn(at, clone(c.sampler).fit(train), adds)
                    added = drawn[id(c.sampler)]
                except (ValueError, TrainingDiverged) as error:
                    fold.failed[c.name] = str(error)
            for classifier in classifiers:
                if c.name in fold.failed:
                    update(max(1, classifier.steps))
                else:
                    key = (c.name, classifier.name)
                    fold.outcomes[key] = classifier.try_way(c.way, train, added, test, update)
        return fold

    def split(self, at: int) -> tuple[LabeledData, LabeledData]:
        """Return the training and the test examples of a split."""
        rows = self.splits[at]
        return self.train.subset(np.setdiff1d(np.arange(len(self.train)), rows)), self.train.subset(rows)

    def share(self, adds: Mapping[str, int], at: int) -> dict[str, int]:
        """Return how many examples go to the training examples of a split, if `adds` go to all."""
        n = len(self.train) - len(self.splits[at])
        return {name: math.ceil(more * n / len(self.train)) for name, more in adds.items()}

    def drawn(self, at: int, fitted: Sampler, adds: Mapping[str, int]) -> Synthetic:
        """Draw for a split from a sampler that was fitted to its training examples; ValueError if it cannot."""
        return draw(fitted, adds, _seed(self.seed, at))

    def tuned(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the outcomes of one candidate and classifier, tuned.

        A fold is tuned on the other folds of the same cross-validation, by what classifiers that had not seen those
        examples said of them.

        Args:
            outcomes: Those of the splits 0, 1, 2, ...; of each cross-validation at least two.
        """
        found = []
        for at, outcome in enumerate(outcomes):
            of_one = range(at - at % self.folds, min(len(outcomes), at - at % self.folds + self.folds))
            found.append(outcome.tuned([outcomes[other] for other in of_one if other != at]))
        return found


def cross_validate(
    train: LabeledData,
    samplers: Mapping[str, Sampler],
    adds: Mapping[str, int],
    config: ArmsConfig,
    folds: int = 5,
    repeats: int = 3,
    quiet: bool = False,
) -> Evaluation:
    """Cross-validate training with and without synthetic examples; samplers are fitted anew on each training part.

    What is usual for the kind of data (`Kind.reference`) is among the arms.

    Args:
        train: Real examples. Those that decide later must not be among them.
        samplers: Samplers by name; the verdict is of the first. They are copied, and need no fit.
        adds: How many synthetic examples are added to all of `train`, by class name; a part of it gets its share.
        config: How to test.
        folds: Folds of one cross-validation; fewer where the rarest class has fewer different examples.
        repeats: Times that it is repeated with other folds.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).

    Raises:
        ValueError: if nothing is to be added, an arm is none for samplers, a class is unknown or has fewer than 2
            different examples, or a sampler cannot draw.
    """
    for name in adds:
        train.label_of(name)
    if not samplers or not any(adds.values()):
        raise ValueError(
            f"nothing is to be added: samplers {', '.join(samplers) or 'none'}, {train.noun}s {dict(adds)}."
        )
    given, kind = dict(samplers), kinds()[train.kind]
    reference = kind.reference()
    if reference is not None:
        given.setdefault(reference.name, reference)
    arms = expanded(config.arms, config.ways, [*given])
    if wrong := [arm for arm in arms if is_alone(arm) or added_to(arm) == UNGATED]:
        raise ValueError(f"arms {', '.join(map(repr, wrong))} cannot be cross-validated; leave them out.")
    candidates = [Candidate(arm, way_of(arm), given.get(added_to(arm)), adds) for arm in arms]
    splits = Folds(train, folds, repeats, config.seed)
    classifiers = [c.untuned() for c in kind.classifiers(train, config)]
    results: list[Fold] = []
    notes: list[str] = []
    total = len(splits.splits) * len(candidates) * sum(max(1, c.steps) for c in classifiers)
    with tqdm(total=total, desc="evaluate", disable=True if quiet else None) as bar:
        for at in range(len(splits.splits)):
            results.append(splits.run(at, candidates, classifiers, bar.update))
            for name, why in results[-1].failed.items():
                if added_to(name) in samplers:
                    raise ValueError(f"arm {name}: {why}")
                notes.append(f"The arm {name} is left out: {why}")
            candidates = [c for c in candidates if c.name not in results[-1].failed]
    keys = [(c.name, classifier.name) for classifier in classifiers for c in candidates]
    outcomes = {key: splits.tuned([fold.outcomes[key] for fold in results]) for key in keys}
    tested = [
        Said(train.subset(fold.rows), len(train) - len(fold.rows), {key: outcomes[key][at] for key in keys})
        for at, fold in enumerate(results)
    ]
    rare = [name for name in rarest_first([train]) if adds.get(name)]
    found = compare(tested, rare, config)
    return replace(found, steps=max(c.steps for c in classifiers), notes=tuple(notes))


def _seed(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
