"""choose: which way to treat the rare classes of a table, if any, by cross-validation of the training rows.

In the race are doing nothing, class weights, a tuned threshold, and samplers that fill the rare classes to some shares
of the largest one. Rebalancing seldom ranks rows better than doing nothing, and the best of many candidates looks
better than it is. So doing nothing wins unless the best is more than one standard error ahead (Breiman, Friedman,
Olshen and Stone 1984, "Classification and regression trees", section 3.4.3). Test rows play no part.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.data.words import counted
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.evaluate import some_of
from gensynth.evaluate.folds import Candidate, Fold, Folds
from gensynth.evaluate.intervals import FEWEST_TEST, split_variance
from gensynth.evaluate.outcome import WORDS
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.table.classifiers import table_classifiers
from gensynth.kinds.table.config import ChooseConfig
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.catalog import get_table_sampler
from gensynth.mix.targets import target_counts
from gensynth.sampler.base import Sampler

WAYS = {REAL: "doing nothing", THRESHOLD: "moving the threshold", WEIGHTS: "class weights"}
"""What the ways without synthetic rows are called."""


@dataclass(frozen=True)
class Scored:
    """How one way did.

    Attributes:
        name: `real`, `threshold`, `class weights`, or a sampler.
        to: How far the sampler fills, as `target_counts` takes it; None for the others.
        score: Mean of the metric over splits and classifiers, in [0, 1].
        gain: `score` minus that of `real`.
        standard_error: Of `gain`, corrected for the rows that the splits share.
        seconds: Time for one split.
    """

    name: str
    to: str | None
    score: float
    gain: float
    standard_error: float
    seconds: float

    @property
    def called(self) -> str:
        """What it is called on the page."""
        return _called(self.name, self.to)


@dataclass(frozen=True)
class Choice:
    """What to do.

    Attributes:
        name: `real`, `threshold`, `class weights`, or a sampler.
        to: How far the sampler fills; None for the others.
        adds: Synthetic rows for each class of the training part that needs some; empty for the others.
        threshold: Probability (prior-corrected) from which on the rare class is predicted where the mean of the recalls
            shall be high; None for more than two classes, or where nothing was tried.
        why: In one sentence or two, with figures.
        metric: What counted.
        candidates: How all ways did, the best first.
        splits: Splits that the scores are the mean of.
        rows: Rows that were used.
        notes: What was left out, in sentences.
    """

    name: str
    to: str | None
    adds: dict[str, int]
    threshold: float | None
    why: str
    metric: str
    candidates: tuple[Scored, ...]
    splits: int
    rows: int
    notes: tuple[str, ...]

    base: ClassVar[str] = WAYS[REAL]
    """What gains are over."""

    @property
    def chosen(self) -> str:
        """What the chosen way is called; where ranks count, moving the threshold is done with doing nothing else."""
        name = _called(self.name, self.to)
        return name if name in [c.called for c in self.candidates] else self.base

    @property
    def basis(self) -> str:
        """What the scores rest on, in sentences."""
        adds = ", ".join(f"{n:,} rows of {name}" for name, n in self.adds.items())
        return (
            f"{f'It adds {adds}. ' if adds else ''}Each way was tried in {self.splits} splits of {self.rows:,} "
            "training rows by cross-validation; its sampler was fitted on the training side of each split alone, and "
            "test rows played no part. The best of many looks better than it is, so a simpler way wins unless another "
            "one is clearly ahead of it. Behind a sampler stands how far it fills, as --to takes it: 0.1 is a tenth of "
            "the largest class. Seconds are by split."
        )


def _called(name: str, to: str | None) -> str:
    return WAYS.get(name, name) if to is None else f"{name} to {to}"


def choose(train: LabeledData, samplers: Sequence[str | Sampler], config: ChooseConfig, quiet: bool = False) -> Choice:
    """Choose a way to treat the rare classes.

    Args:
        train: Real training rows.
        samplers: Names out of `gensynth.kinds.table.samplers.catalog`, or samplers, which are copied and need no fit.
        config: How to choose.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).

    Raises:
        ValueError: if `train` is no table, a class has fewer than 2 different rows, or two samplers share a name.
    """
    if train.kind != "table":
        raise ValueError(f"train must be a table, got data of kind {train.kind!r}.")
    made = [get_table_sampler(s)() if isinstance(s, str) else s for s in samplers]
    names = [s.name for s in made]
    width = len(rows_of(train).schema.columns)
    wide = [s.name for s in made if isinstance(s, TableSampler) and width > s.widest]
    made = [s for s in made if s.name not in wide]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two samplers are called {twice[0]!r}; give each one once.")
    rarest = min(train.class_counts, key=lambda name: train.class_counts[name])
    if train.class_counts[rarest] < FEWEST_TEST:
        n = train.class_counts[rarest]
        why = f"Nothing is added: class {rarest!r} has {counted(n, 'row')}, too few to tell whether anything helps."
        return Choice(REAL, None, {}, None, why, config.metric, (), 0, 0, ())
    part = train.subset(some_of(train, config.most_rows, config.seed))
    notes = [f"Chosen on {len(part)} of {len(train)} rows, drawn by class."] if len(part) < len(train) else []
    notes += [f"{name} is left out: it is too slow for {width} columns." for name in wide]
    candidates = [Candidate(REAL), Candidate(WEIGHTS, WEIGHTS)]
    fills: dict[str, tuple[str, str]] = {}
    for to in dict.fromkeys(config.targets or _shares(train.class_counts)):
        # Of a part as many as its share of the whole: a number of rows means rows of the whole training part.
        adds = {name: round(n * len(part) / len(train)) for name, n in target_counts(train.class_counts, to).items()}
        if any(adds.values()):
            candidates += [Candidate(f"{s.name} to {to}", sampler=s, adds=adds) for s in made]
            fills |= {f"{s.name} to {to}": (s.name, to) for s in made}
    folds = Folds(part, config.folds, config.repeats, config.seed)
    classifiers = table_classifiers(part, config.models, config.seed, 0, config.threads)
    with threadpool_limits(config.threads):
        candidates, results = _race(folds, candidates, classifiers, config, notes, quiet)
    values, at_half, at_tuned, thresholds = _scores(folds, results, [c.name for c in candidates], config)
    name = simplest(values, folds.ratio, config.standard_errors)
    why = _why(name, values, folds.ratio, config, fills)
    threshold = thresholds[REAL if name == THRESHOLD else name]
    if name == REAL and _is_ahead(at_tuned - at_half, folds.ratio, config.standard_errors):
        # A threshold changes no rank: it is all that is left to do where ranks count and nothing else is ahead.
        name = THRESHOLD
        why += _advice(threshold, rarest, at_half, at_tuned)
    filled = fills[name][1] if name in fills else None
    by_score = sorted(values, key=lambda other: -values[other].mean())
    return Choice(
        name=fills[name][0] if name in fills else name,
        to=filled,
        adds={} if filled is None else {c: n for c, n in target_counts(train.class_counts, filled).items() if n},
        threshold=threshold,
        why=why,
        metric=config.metric,
        candidates=tuple(_scored(other, values, folds.ratio, results, fills) for other in by_score),
        splits=len(results),
        rows=len(part),
        notes=tuple(notes),
    )


def _scores(
    folds: Folds, results: Sequence[Fold], names: Sequence[str], config: ChooseConfig
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, dict[str, float | None]]:
    """Return the metric by way and split, balanced accuracy of `real` at 0.5 and tuned, and all tuned thresholds."""
    wanted = (config.metric, "balanced_accuracy", "balanced_accuracy_tuned")
    scores: dict[str, dict[str, np.ndarray]] = {}
    thresholds: dict[str, float | None] = {}
    for name in names:
        by_model = [folds.tuned(results, (name, model)) for model in config.models]
        found = [
            [o.score(np.ones((len(fold.rows), 1)), 1) for o, fold in zip(of_model, results, strict=True)]
            for of_model in by_model
        ]
        scores[name] = {of: np.mean([[s[of].mean() for s in each] for each in found], axis=0) for of in wanted}
        tuned = [o.threshold for of_model in by_model for o in of_model if o.threshold is not None]
        thresholds[name] = float(np.median(tuned)) if tuned else None
    values = {name: s[config.metric] for name, s in scores.items()}
    at_half, at_tuned = (scores[REAL][of] for of in wanted[1:])
    if config.metric == "balanced_accuracy_tuned":
        values |= {REAL: at_half, THRESHOLD: at_tuned}
    return values, at_half, at_tuned, thresholds


def _advice(threshold: float | None, rarest: str, at_half: np.ndarray, at_tuned: np.ndarray) -> str:
    rule = (
        "divide the probabilities by the classes' shares and take the largest"
        if threshold is None
        else f"predict {rarest!r} from a probability of {threshold:.2g} on, not of 0.5"
    )
    return (
        f" Where a class has to be named, move the threshold: {rule}. Balanced accuracy is then "
        f"{at_tuned.mean():.1%} instead of {at_half.mean():.1%}."
    )


def _scored(
    way: str,
    values: Mapping[str, np.ndarray],
    ratio: float,
    results: Sequence[Fold],
    fills: Mapping[str, tuple[str, str]],
) -> Scored:
    name, filled = fills.get(way, (way, None))
    gain = values[way] - values[REAL]
    return Scored(
        name=name,
        to=filled,
        score=float(values[way].mean()),
        gain=float(gain.mean()),
        standard_error=math.sqrt(split_variance(gain, ratio)),
        seconds=float(np.mean([fold.seconds[REAL if way == THRESHOLD else way] for fold in results])),
    )


def simplest(values: Mapping[str, np.ndarray], ratio: float, standard_errors: float) -> str:
    """Return `real` if nothing is ahead of it; else the simplest way that is, and that the best one is not ahead of.

    Args:
        values: Score by split of each way, shape (J,), among them `real`; higher is better.
        ratio: Test rows per training row of a split.
        standard_errors: How far the best has to be ahead in the mean.
    """

    def is_ahead(name: str, of: str) -> bool:
        return _is_ahead(values[name] - values[of], ratio, standard_errors)

    best = _best(values)
    if not is_ahead(best, REAL):
        return REAL
    simple = (name for name in (THRESHOLD, WEIGHTS) if name in values)
    return next((name for name in simple if is_ahead(name, REAL) and not is_ahead(best, name)), best)


def save_choice(choice: Choice, path: str | Path) -> None:
    """Write a choice as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(choice), indent=1) + "\n")


def load_choice(path: str | Path) -> Choice:
    """Read what `save_choice` wrote; ValueError if it is something else."""
    return read_json(path, Choice, "a choice", MAKE_AGAIN)


def _race(
    folds: Folds,
    candidates: list[Candidate],
    classifiers: Sequence[Classifier],
    config: ChooseConfig,
    notes: list[str],
    quiet: bool,
) -> tuple[list[Candidate], list[Fold]]:
    """Train on one split after another until all are done or the time is over; at least one cross-validation."""
    start = time.monotonic()
    results: list[Fold] = []
    total = len(folds.splits) * len(candidates) * len(config.models)
    with tqdm(total=total, desc="choose", disable=True if quiet else None) as bar:
        for at in range(len(folds.splits)):
            elapsed = time.monotonic() - start
            if at >= folds.folds and elapsed * (at + 1) / at > config.seconds:
                notes.append(f"{at} of {len(folds.splits)} splits fitted into {config.seconds:g} seconds.")
                bar.total = bar.n
                break
            bar.set_postfix_str(f"split {at + 1} of {len(folds.splits)}")
            fold = folds.run(at, candidates, classifiers, bar.update)
            results.append(fold)
            notes += [f"{name} is left out: {why}" for name, why in fold.failed.items()]
            gone = set(fold.failed)
            if at == 0:
                left = config.seconds - (time.monotonic() - start)
                slow = _slow([c for c in candidates if c.name not in gone], fold.seconds, left / (folds.folds - 1))
                notes += [f"{name} is left out: it is too slow for {config.seconds:g} seconds." for name in slow]
                gone |= set(slow)
            candidates = [c for c in candidates if c.name not in gone]
            bar.total = bar.n + (len(folds.splits) - at - 1) * len(candidates) * len(config.models)
    # A threshold is tuned on the other folds of the same cross-validation: a first fold alone has none.
    return candidates, results[:-1] if len(results) % folds.folds == 1 else results


def _slow(candidates: Sequence[Candidate], seconds: Mapping[str, float], most: float) -> list[str]:
    """Return the candidates of the slowest samplers, without which the others take at most `most` seconds."""
    slow: list[str] = []
    by_sampler: dict[str, list[str]] = {}
    for c in candidates:
        if c.sampler is not None:
            by_sampler.setdefault(c.sampler.name, []).append(c.name)
    total = sum(seconds[c.name] for c in candidates)
    for names in sorted(by_sampler.values(), key=lambda names: -sum(seconds[name] for name in names)):
        if total <= most:
            break
        total -= sum(seconds[name] for name in names)
        slow += names
    return slow


def _shares(class_counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return two shares of the largest class on the way from the rarest one's to 1, in equal steps of the logarithm."""
    now = min(class_counts.values()) / max(class_counts.values())
    return tuple(f"{max(round(now**power, 4), 1e-4)}" for power in (2 / 3, 1 / 3))


def _best(values: Mapping[str, np.ndarray]) -> str:
    return max(values, key=lambda name: values[name].mean())


def _is_ahead(gap: np.ndarray, ratio: float, standard_errors: float) -> bool:
    return bool(gap.mean() > standard_errors * math.sqrt(split_variance(gap, ratio)))


def _why(
    name: str,
    values: Mapping[str, np.ndarray],
    ratio: float,
    config: ChooseConfig,
    fills: Mapping[str, tuple[str, str]],
) -> str:
    metric, score, best = WORDS[config.metric], f"{values[name].mean():.1%}", _best(values)
    said = _words(name, fills).capitalize()
    of = f"in the mean of {len(values[name])} splits"
    if name == best:
        # The winner is held against doing nothing, doing nothing against the next best way.
        rival = REAL if name != REAL else _best({other: v for other, v in values.items() if other != REAL})
        return (
            f"{said} is best: {metric} {score} {of}, against {values[rival].mean():.1%} with {_words(rival, fills)} "
            f"({_points(values[name] - values[rival], ratio)})."
        )
    gain = ""
    if name != REAL:
        gain = f", against {values[REAL].mean():.1%} with doing nothing ({_points(values[name] - values[REAL], ratio)})"
    return (
        f"{said} is chosen: {metric} {score} {of}{gain}. {_words(best, fills).capitalize()} gives "
        f"{values[best].mean():.1%}, which is not clearly more ({_points(values[best] - values[name], ratio)})."
    )


def _points(gap: np.ndarray, ratio: float) -> str:
    return f"{100 * gap.mean():+.1f} points, standard error {100 * math.sqrt(split_variance(gap, ratio)):.1f}"


def _words(name: str, fills: Mapping[str, tuple[str, str]]) -> str:
    if name in fills:
        return "filling with '{}' to {}".format(*fills[name])
    return {REAL: "doing nothing", THRESHOLD: "moving the threshold", WEIGHTS: "weighing the classes"}[name]
