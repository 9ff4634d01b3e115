"""choose: how to train for rare classes, with a sampler, and how far to fill, or without.

Ways to train without synthetic examples come first. Then each sampler is fitted to real training examples, and
classifiers trained with what it draws predict others. How that is scored is the design of the kind of data
(`gensynth.choose.designs`): a part held out for tuning, or cross-validation of the training part. Test examples play no
part: whether the choice helps is for them to say.

The best of many candidates looks better than it is. So the simplest way wins unless a better one is `standard_errors`
ahead (Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees", section 3.4.3).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gensynth.choose.config import ChooseConfig
from gensynth.choose.record import Key, Record
from gensynth.choose.results import Choice, Tried, words_of
from gensynth.choose.search import Search, Source
from gensynth.data.labeled import LabeledData
from gensynth.data.words import capital
from gensynth.evaluate.evaluate import some_of
from gensynth.evaluate.intervals import Spread
from gensynth.evaluate.outcome import HALF, TUNED, WORDS
from gensynth.evaluate.ways import REAL, THRESHOLD
from gensynth.kind import kinds


def choose(
    train: LabeledData,
    validation: LabeledData | None,
    sources: Sequence[Source],
    targets: Mapping[str, Mapping[str, int]],
    config: ChooseConfig,
    folder: Path | None = None,
    notes: Sequence[str] = (),
    quiet: bool = False,
) -> Choice:
    """Choose a sampler and a target, or none. The same call continues a killed search.

    Args:
        train: Real training examples.
        validation: Real examples that nothing was fitted on, and that are not for the test; None where the design of
            the kind of data needs none.
        sources: Samplers, in the order of trying them.
        targets: How many examples each class shall receive, by the name of the target, the smallest first.
        config: How to choose; of the kind of data. Seconds before an interruption count, and ways without synthetic
            examples are always tried.
        folder: Where `search.json` and `search/` keep what was found so far; None to keep nothing.
        notes: Sentences on what is known beforehand.
        quiet: Whether to hide the progress bar (it is shown on a terminal only), and not to say how long it takes.

    Raises:
        ValueError: if the examples do not suffice, or two samplers share a name.
    """
    names = [source.name for source in sources]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two samplers are called {twice[0]!r}; give each one once.")
    part = train if config.most is None else train.subset(some_of(train, config.most, config.seed))
    design = kinds()[train.kind].design(part, validation, config)
    record = Record.open(folder, design.split)
    cut = [f"Chosen on {len(part)} of {len(train)} {train.noun}s, drawn by class."] * (len(part) < len(train))
    for sentence in dict.fromkeys((*cut, *notes, *(note for c in design.classifiers for note in c.notes))):
        record.note(sentence)
    # Of a part as many as its share of the whole.
    scaled = {to: {name: round(n * len(part) / len(train)) for name, n in adds.items()} for to, adds in targets.items()}
    search = Search(design, sources, scaled, config.seconds, record)
    steps = {classifier.name: max(1, classifier.steps) for classifier in design.classifiers}
    total = len(design.weights) * sum(steps[key[3]] for key in search.keys)
    with tqdm(total=total, desc="choose", disable=True if quiet else None) as bar:
        search.begin(bar.update)
        if not quiet:
            bar.write(" ".join((*cut, search.plan.outlook())), file=sys.stderr)
        done = search.run(bar.update)
    # A threshold is tuned on the other folds of a cross-validation, and a first fold alone has none.
    return _Scored(search, done - (done % design.least == 1), config).choice(train, targets)


class _Scored:
    """What was tried, scored.

    Args:
        search: What was tried.
        splits: Number of splits that count.
        config: How to choose.
    """

    def __init__(self, search: Search, splits: int, config: ChooseConfig) -> None:
        self.search, self.design, self.splits, self.config = search, search.design, splits, config
        self.keys = [key for key in search.keys if all(search.knows(at, key) for at in range(splits))]
        self.thresholds: dict[Key, list[float]] = {}
        self.scores = {key: self._scores(key) for key in self.keys}
        self.draws = {key: scores[config.metric] for key, scores in self.scores.items()}
        if config.metric == TUNED:  # who does nothing moves no threshold
            self.draws |= {key: scores[HALF] for key, scores in self.scores.items() if key[2] == REAL}
        self.value = {key: self.design.spread(draws).value for key, draws in self.draws.items()}
        # No classifier is simpler than another: of each way without synthetic examples the best one counts.
        ways = dict.fromkeys(key[2] for key in self.keys if not key[0])
        plain = [max((k for k in self.keys if k[:3] == ("", "", w)), key=self.value.__getitem__) for w in ways]
        self.first, self.baseline = plain[0], self._simplest(plain)
        self.chosen = self._simplest([*plain, *(key for key in self.keys if key[0])])
        self.best = max(self.keys, key=self.value.__getitem__)

    def _scores(self, key: Key) -> dict[str, np.ndarray]:
        """Return scores by name, by weights of all splits and seeds."""
        tuned = self.design.tuned([self.search.record.outcomes[str(at), *key] for at in range(self.splits)])
        self.thresholds[key] = [o.threshold for o in tuned if o.threshold is not None]
        slow = self.config.metric in tuned[0].slow
        scores = [o.score(w, w.shape[1] if slow else 1) for o, w in zip(tuned, self.design.weights, strict=False)]
        names = {self.config.metric, HALF, TUNED} & scores[0].keys()
        return {name: np.concatenate([of[name] for of in scores]) for name in names}

    def _gap(self, key: Key, other: Key) -> Spread:
        return self.design.spread(self.draws[key] - self.draws[other])

    def _simplest(self, keys: Sequence[Key]) -> Key:
        return simplest(keys, self.value, lambda key, other: self._is_ahead(self._gap(key, other)))

    def _is_ahead(self, gap: Spread) -> bool:
        return gap.value > self.config.standard_errors * math.sqrt(gap.variance)

    def choice(self, train: LabeledData, targets: Mapping[str, Mapping[str, int]]) -> Choice:
        """Return the choice for real training examples and targets."""
        sampler, to, arm, _ = self.chosen
        why, told, thresholds = self._why(), self.scores[self.chosen], self.thresholds[self.chosen]
        told_of = (outcome.note for outcome in self.search.record.outcomes.values() if outcome.note)
        threshold = float(np.median(thresholds)) if thresholds else None
        if arm == REAL and {HALF, TUNED} <= told.keys():
            half, tuned = self.design.spread(told[HALF]).value, self.design.spread(told[TUNED]).value
            if self._is_ahead(self.design.spread(told[TUNED] - told[HALF])):
                # A threshold changes no rank: it is all that is left to do where ranks count and nothing else is ahead.
                arm = THRESHOLD
                why += _advice(threshold, train, half, tuned)
        return Choice(
            sampler=sampler,
            to=to,
            arm=arm,
            classifier=self._named(self.chosen),
            baseline=self.baseline[2],
            adds={name: n for name, n in targets[to].items() if n} if sampler else {},
            threshold=threshold,
            why=why,
            metric=self.config.metric,
            candidates=tuple(map(self._tried, sorted(self.keys, key=lambda key: -self.value[key]))),
            splits=self.splits,
            examples=self.design.examples,
            noun=train.noun,
            notes=tuple(dict.fromkeys((*self.search.record.notes, *told_of))),
            schema=3,
        )

    def _tried(self, key: Key) -> Tried:
        sampler, to, arm, _ = key
        gap, seconds = self._gap(key, self.baseline), self.search.record.seconds
        return Tried(
            *(sampler, to, arm, self._named(key), self.value[key], gap.value),
            standard_error=math.sqrt(gap.variance) if key != self.baseline else 0.0,
            seconds=float(np.mean([seconds[str(at), *key] for at in range(self.splits)])),
        )

    def _why(self) -> str:
        """Return the sentences on what was chosen, and what it was held against."""
        chosen, best, value = self.chosen, self.best, self.value
        noun, n = self.design.split(0)[1].noun, self.design.examples
        on = f"in the mean of {self.splits} splits" if self.splits > 1 else f"on {n} validation {noun}s"
        said = f"{WORDS[self.config.metric]} {value[chosen]:.1%} {on}"
        start = "" if any(key[0] for key in self.keys) else "No sampler could be tried. "
        start += capital(self._words(chosen))
        if chosen == best:
            # The baseline is held against the next best, all others against the baseline.
            others = [key for key in self.keys if key != chosen]
            rival = max(others, key=value.__getitem__) if chosen == self.baseline else self.baseline
            return f"{start} is best: {said}{self._against(rival)}."
        gain = "" if chosen == self.first else self._against(self.first)
        return (
            f"{start} is chosen: {said}{gain}. {capital(self._words(best))} gives {value[best]:.1%}, which is not "
            f"clearly more ({self._points(best, chosen)})."
        )

    def _against(self, rival: Key) -> str:
        return f", against {self.value[rival]:.1%} with {self._words(rival)} ({self._points(self.chosen, rival)})"

    def _words(self, key: Key) -> str:
        return words_of(*key[:3]) + f" ({self._named(key)})" * bool(self._named(key))

    def _named(self, key: Key) -> str:
        """Return the name of the classifier where there are several."""
        return key[3] if len(self.design.classifiers) > 1 else ""

    def _points(self, key: Key, other: Key) -> str:
        gap = self._gap(key, other)
        return f"{100 * gap.value:+.1f} points, standard error {100 * math.sqrt(gap.variance):.1f}"


def simplest(keys: Sequence[Key], value: Mapping[Key, float], is_ahead: Callable[[Key, Key], bool]) -> Key:
    """Return the first way if no other is ahead of it; else the simplest that is, and that the best is not ahead of.

    Args:
        keys: Ways by sampler, target and arm, the simplest first; those with a sampler are none simpler than another.
        value: Their scores.
        is_ahead: Whether the first is surely better than the second.
    """
    best = max(keys, key=value.__getitem__)  # of equal ones the first
    if not is_ahead(best, keys[0]):
        return keys[0]
    simple = (key for key in keys[1:] if not key[0])
    return next((key for key in simple if is_ahead(key, keys[0]) and not is_ahead(best, key)), best)


def _advice(threshold: float | None, train: LabeledData, half: float, tuned: float) -> str:
    rarest = min(train.class_counts, key=train.class_counts.__getitem__)
    rule = (
        "divide the probabilities by the classes' shares and take the largest"
        if threshold is None
        else f"predict {rarest!r} from a probability of {threshold:.2g} on, not of 0.5"
    )
    return (
        f" Where a class has to be named, move the threshold: {rule}. Balanced accuracy is then {tuned:.1%} instead of "
        f"{half:.1%}."
    )
