"""Did it help? Classifiers trained with and without the synthetic examples, tested on real ones.

The arms (`gensynth.evaluate.ways`) share the splits, the classifiers, the number of gradient steps and the seeds. Each
arm with synthetic examples is compared with the strongest one without: what oversampling, class weights or augmentation
do alone is no gain of synthetic examples. Rebalancing always moves what is predicted at a probability of 0.5, and a
threshold does that for nothing: where a verdict rests on one, it is tuned in all arms. The headline is the best arm
with the first synthetic examples that are given. The strongest baseline is picked by its result on the test examples,
which flatters the baseline, never the synthetic examples.

Two ways to tell:

    evaluate          one split; intervals from a paired bootstrap of the test examples within their class, and from
                      the seeds. They speak of other test examples and seeds, not of other training examples.
    evaluate_splits   several splits, each with a generator fitted in its training part; intervals corrected for the
                      examples that the splits share (Nadeau and Bengio). They speak of other training examples, too.
                      `gensynth.evaluate.folds.cross_validate` makes the splits and fits the samplers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gensynth.data.labeled import LabeledData, numbers_within
from gensynth.data.split import Parts
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.compare import Key, Said, compare
from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.intervals import FEWEST_TEST
from gensynth.evaluate.kept_arms import kept_arm
from gensynth.evaluate.outcome import Outcome
from gensynth.evaluate.results import Evaluation
from gensynth.evaluate.side_by_side import OnStep, side_by_side
from gensynth.evaluate.ways import SYNTHETIC, UNGATED, added_to, expanded, is_alone, way_of
from gensynth.fidelity.draw import as_drawn
from gensynth.fidelity.verdict import Verdict
from gensynth.kind import kinds
from gensynth.mix.targets import filled_rare
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

Split = tuple[LabeledData, Synthetic | Mapping[str, Synthetic], LabeledData]
"""Real training examples, synthetic examples made from these alone (by name), and real test examples."""


def evaluate(
    train: LabeledData,
    synthetic: Synthetic | Mapping[str, Synthetic],
    test: LabeledData,
    config: ArmsConfig,
    quiet: bool = False,
    rare: Sequence[str] | None = None,
    classifier: Any = None,
    kept: Path | None = None,
) -> Evaluation:
    """Train the arms on one split and compare them on its test part.

    What is usual for the kind of data (`Kind.reference`) is among the arms, and gives as much of each class as the
    largest of the synthetic examples given.

    Args:
        train: Real training examples.
        synthetic: Accepted synthetic examples of the same classes, or several of them by name; the verdict is of the
            first. `ungated` is as many of each class as they were drawn (`gensynth.fidelity.draw.as_drawn`), for the
            arms that ask for them.
        test: Real examples that neither the generator nor the gate has seen. A class without test examples is left out
            of the averages, and the verdict is then CANNOT TELL.
        config: How to test.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).
        rare: Names of the rare classes; None for all with synthetic examples. Name them where other classes received
            some too, only so that being synthetic gives no class away.
        classifier: The user's own, as the kind of data takes it (`Kind.classifiers`); None for its own.
        kept: A folder in which arms without synthetic examples are kept, and found by the next evaluation with the same
            real examples and settings; those of a classifier of yours are not.

    Raises:
        TypeError: if the classifier is none that the kind of data takes.
        ValueError: if there are no synthetic or test examples, classes or layouts differ, or an arm needs examples as
            they were drawn and there are none.
        OSError: if nothing can be written to `kept`.
    """
    given, notes = _named(synthetic), []
    _check(train, given, test, train.classes)
    reference = kinds()[train.kind].reference()
    if reference is not None and reference.name not in given:
        most = np.max([np.bincount(s.y, minlength=len(s.classes)) for s in given.values()], axis=0)
        try:
            adds = dict(zip(train.classes, most.tolist(), strict=True))
            given[reference.name] = draw(reference.fit(train), adds, config.seed)
        except ValueError as error:
            notes.append(f"The arm {reference.name} is left out: {error}")
    if config.most is not None and max(len(train), len(test)) > config.most:
        of = len(train), len(test)
        train, given, test = _limited((train, given, test), config.most, config.seed)
        rows = f"training {train.noun}s and {len(test)} of {of[1]} test {train.noun}s"
        notes.insert(0, f"Tested with {len(train)} of {of[0]} {rows}.")
    found = evaluate_splits([(train, given, test)], config, quiet, rare, classifier, kept)
    return replace(found, notes=(*notes, *found.notes))


def evaluate_checked(
    parts: Parts,
    samples: Synthetic,
    verdict: Verdict,
    config: ArmsConfig,
    name: str = SYNTHETIC,
    adds: Mapping[str, int] | None = None,
    quiet: bool = False,
    kept: Path | None = None,
) -> Evaluation:
    """Evaluate the samples that pass the check on the test part, and as many as they were drawn where an arm asks.

    Args:
        parts: Real data.
        samples: All that were drawn.
        verdict: The fidelity checker's answer for them.
        config: How to test.
        name: What the samples are called in the names of arms.
        adds: How many the classes were to receive, so that those are the rare ones; None to tell by what passed. Others
            may have received some, only so that being synthetic gives no class away.
        quiet: As `evaluate`.
        kept: As `evaluate`.
    """
    accepted = samples.subset(verdict.samples.accepted)
    given = {name: accepted, UNGATED: as_drawn(samples, verdict)}
    counts = Counter(accepted.classes[label] for label in accepted.y) if adds is None else adds
    rare = filled_rare(parts.train.class_counts, counts)
    return evaluate(parts.train, given, parts.test, config, quiet, rare, kept=kept)


def evaluate_splits(
    splits: Sequence[Split],
    config: ArmsConfig,
    quiet: bool = False,
    rare: Sequence[str] | None = None,
    classifier: Any = None,
    kept: Path | None = None,
    tuned: Callable[[Sequence[Outcome]], Sequence[Outcome]] | None = None,
) -> Evaluation:
    """Train the arms on each of several splits of the same data and compare them over all test parts.

    Args:
        splits: Training examples, synthetic examples made from these alone, and test examples of each split.
        config: How to test.
        quiet: As `evaluate`.
        rare: As `evaluate`.
        classifier: As `evaluate`.
        kept: As `evaluate`.
        tuned: Tunes the outcomes of one arm and classifier, by split; by default each classifier tunes its own.

    Raises:
        TypeError: as `evaluate`.
        ValueError: as `evaluate`, or if there are no splits.
        OSError: as `evaluate`.
    """
    if not splits:
        raise ValueError("splits is empty; give at least one of (train, synthetic, test).")
    named = [(train, _named(synthetic), test) for train, synthetic, test in splits]
    trains, first = [train for train, _, _ in named], named[0][0]
    for train, given, test in named:
        _check(train, given, test, first.classes)
    config = kinds()[first.kind].suited(config, first)
    arms = expanded(config.arms, config.ways, [*named[0][1]])
    if needing := [arm for arm in arms if added_to(arm) == UNGATED and UNGATED not in named[0][1]]:
        raise ValueError(f"arms {', '.join(map(repr, needing))} need {first.noun}s as they were drawn; give ungated.")
    classifiers = kinds()[first.kind].classifiers(max(trains, key=len), config, classifier)
    if tuned is not None:
        classifiers = [c.untuned() for c in classifiers]
    made = {s.classes[k] for _, given, _ in named for name, s in given.items() if name != UNGATED for k in s.y}
    filled = [name for name in rarest_first(trains) if name in made and (rare is None or name in rare)]
    outcomes: dict[Key, Sequence[Outcome]] = {}
    left_out: list[str] = []
    for c in classifiers:
        mine = _left_to(c, arms, left_out)
        jobs = [
            partial(_outcome, c, arm, (train, given.get(added_to(arm)), test), filled, kept)
            for train, given, test in named
            for arm in mine
        ]
        with tqdm(total=len(jobs) * max(1, c.steps), desc=f"evaluate, {c.name}", disable=quiet or None) as bar:
            found = side_by_side(jobs, bar.update, c.runs_side_by_side)
        outcomes |= {(arm, c.name): found[at :: len(mine)] for at, arm in enumerate(mine)}
    if tuned is not None:
        outcomes = {key: tuned(of_splits) for key, of_splits in outcomes.items()}
    tested = [
        Said(test, len(train), {key: of_splits[at] for key, of_splits in outcomes.items()})
        for at, (train, _, test) in enumerate(named)
    ]
    chosen = (outcome.note for of_splits in outcomes.values() for outcome in of_splits if outcome.note)
    notes = dict.fromkeys((*(note for c in classifiers for note in c.notes), *left_out, *chosen))
    return replace(compare(tested, filled, config), steps=max(c.steps for c in classifiers), notes=tuple(notes))


def _left_to(c: Classifier, arms: Sequence[str], notes: list[str]) -> list[str]:
    """Return the arms that a classifier can be trained on, and add sentences on its other ways to the notes.

    Raises:
        ValueError: if none with synthetic examples, or none without, is left.
    """
    mine = [arm for arm in arms if way_of(arm) not in c.lacks]
    ways = dict.fromkeys(way_of(arm) for arm in arms if arm not in mine)
    told = [f"The way {way} is left out with {c.name}: {c.lacks[way]}." for way in ways]
    if all(added_to(arm) in ("", UNGATED) for arm in mine) or all(added_to(arm) for arm in mine):
        left = ", ".join(map(repr, mine)) or "none"
        raise ValueError(
            f"arms with and without synthetic examples are needed, left to {c.name} are {left}; name others. "
            f"{' '.join(told)}"
        )
    notes += told
    return mine


def _outcome(
    classifier: Classifier,
    arm: str,
    split: tuple[LabeledData, Synthetic | None, LabeledData],
    filled: Sequence[str],
    kept: Path | None,
    on_step: OnStep,
) -> Outcome:
    """Train one arm on one split, or find it in the folder of those that are kept."""
    train, added, test = split
    if is_alone(arm):
        train = train.subset(~np.isin(train.y, [train.label_of(name) for name in filled]))
    if kept is not None and added is None and classifier.settings is not None:
        return kept_arm(kept, classifier, arm, train, test, on_step)
    return classifier.try_way(way_of(arm), train, added, test, on_step)


def rarest_first(trains: Sequence[LabeledData]) -> list[str]:
    """Return the names of all classes, those with the fewest real examples first."""
    n_real = np.sum([list(train.class_counts.values()) for train in trains], axis=0)
    return [trains[0].classes[k] for k in np.argsort(n_real, kind="stable")]


def _named(synthetic: Synthetic | Mapping[str, Synthetic]) -> dict[str, Synthetic]:
    return {SYNTHETIC: synthetic} if isinstance(synthetic, Synthetic) else dict(synthetic)


def _check(train: LabeledData, given: Mapping[str, Synthetic], test: LabeledData, classes: tuple[str, ...]) -> None:
    noun = train.noun
    if not {*given} - {UNGATED}:
        raise ValueError(f"no synthetic {noun}s were given; give at least one set of them.")
    parts: list[tuple[str, Synthetic | LabeledData]] = [*given.items(), ("train", train), ("test", test)]
    for name, part in parts:
        if not len(part):
            raise ValueError(f"{name} has no {noun}s; at least one is needed to tell whether they help.")
        if part.classes != classes:
            raise ValueError(f"classes of {name} are {part.classes}, those of train {classes}; they must agree.")
        if part.x.layout != train.x.layout:
            raise ValueError(
                f"{name} {noun}s have shape {part.x.layout}, train {noun}s {train.x.layout}; they must agree."
            )


def _limited(
    split: tuple[LabeledData, dict[str, Synthetic], LabeledData], most: int, seed: int
) -> tuple[LabeledData, dict[str, Synthetic], LabeledData]:
    """Return a split with `most` real examples in each part, and of each class as large a share of synthetic ones."""
    train, given, test = split
    used = some_of(train, most, seed)
    share, left_out = len(used) / len(train), {*train.ids} - {train.ids[i] for i in used}
    parts = {}
    for name, samples in given.items():
        most_of = np.ceil(share * np.bincount(samples.y, minlength=len(samples.classes)))
        part = samples.subset(numbers_within(samples.y) < most_of[samples.y])
        parents = tuple(tuple(p for p in of if p not in left_out) for of in part.parents)
        parts[name] = replace(part, parents=parents)
    return train.subset(used), parts, test.subset(some_of(test, most, seed))


def some_of(data: LabeledData, most: int, seed: int) -> np.ndarray:
    """Return the positions of `most` examples, of each class its share, but at least 10; ascending; all if they fit."""
    if len(data) <= most:
        return np.arange(len(data))
    rng, kept = np.random.default_rng(seed), []
    for label in range(len(data.classes)):
        mine = rng.permutation(np.flatnonzero(data.y == label))
        kept.append(mine[: max(FEWEST_TEST, round(most * len(mine) / len(data)))])
    return np.sort(np.concatenate(kept))


def draw(sampler: Sampler, adds: Mapping[str, int], seed: int) -> Synthetic:
    """Draw this many examples of each class; at least one in all.

    Raises:
        ValueError: if the sampler cannot, or nothing is to be drawn.
    """
    parts = [sampler.sample(name, n, seed) for name, n in adds.items() if n]
    if not parts:
        raise ValueError(f"nothing is to be drawn: {dict(adds)}.")
    return Synthetic.concat(parts)
