"""Repeated stratified cross-validation of ways to train: samplers are fitted anew on each training part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from gensynth.data.labeled import LabeledData
from gensynth.data.split import units_of
from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.evaluate import draw, evaluate_splits
from gensynth.evaluate.outcome import Outcome
from gensynth.evaluate.results import Evaluation
from gensynth.evaluate.ways import UNGATED, added_to, is_alone
from gensynth.generator.config import TrainingDiverged
from gensynth.kind import kinds
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic


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
    if wrong := [arm for arm in config.arms if is_alone(arm) or added_to(arm) == UNGATED]:
        raise ValueError(f"arms {', '.join(map(repr, wrong))} cannot be cross-validated; leave them out.")
    given, reference = dict(samplers), kinds()[train.kind].reference()
    if reference is not None:
        given.setdefault(reference.name, reference)
    splits = Folds(train, folds, repeats, config.seed)
    parts, drawn, notes = [splits.split(at) for at in range(len(splits.splits))], dict[str, list[Synthetic]](), []
    for name, sampler in given.items():
        try:
            drawn[name] = [
                splits.drawn(at, clone(sampler).fit(part), splits.share(adds, at)) for at, (part, _) in enumerate(parts)
            ]
        except (ValueError, TrainingDiverged) as error:
            if name in samplers:
                raise ValueError(f"{name}: {error}") from error
            notes.append(f"The arms with {name} are left out: {error}")
    tested = [(part, {name: of[at] for name, of in drawn.items()}, test) for at, (part, test) in enumerate(parts)]
    rare = [name for name, n in adds.items() if n]
    found = evaluate_splits(tested, config, quiet, rare, tuned=splits.tuned)
    return replace(found, notes=(*notes, *found.notes))


def _seed(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
