"""What the arms said of the test examples -> the answer: scores, intervals, p-values, verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.data.words import capital
from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.intervals import (
    CANNOT_TELL,
    DRAWS,
    FEWEST_TEST,
    HELPS,
    NOT_BEST,
    Estimate,
    Spread,
    as_p,
    as_points,
    by_examples_and_seeds,
    by_splits,
    corrected,
    independent_examples,
    least_variance,
    least_variance_of_mean,
    resamples,
    verdict_of,
)
from gensynth.evaluate.outcome import BY_CLASS, OF_NUMBERS, WORDS, Outcome, class_score, limits
from gensynth.evaluate.results import Arm, Comparison, Evaluation
from gensynth.evaluate.ways import UNGATED, added_to

Key = tuple[str, str]
"""Name of the arm, name of the classifier."""
SLOW_DRAWS, SLOW_CELLS = (20, 200), 200_000_000
"""Resamples of slow scores that no verdict rests on, fewest and most, and about how many numbers these may take."""
TOLD = 0.0005
"""Another classifier that does better than this without synthetic examples is named beside the answer."""


@dataclass(frozen=True, eq=False)
class Said:
    """What the arms said of the test part of one split.

    Attributes:
        test: The n test examples.
        n_real: Number of real training examples.
        outcomes: By arm and classifier, in the order in which they are shown.
    """

    test: LabeledData
    n_real: int
    outcomes: Mapping[Key, Outcome]


def compare(tested: Sequence[Said], rare: Sequence[str], config: ArmsConfig) -> Evaluation:
    """Turn what the arms said into the answer.

    Args:
        tested: What they said of the test part of each split; the same arms each time.
        rare: Names of the rare classes that were filled with synthetic examples, the rarest first.
        config: What was run; its seed also seeds the bootstrap.
    """
    scored = _Scored(tested, rare, config)
    comparisons = [c for model in scored.models for c in scored.comparisons(model)]
    # Examples that the gate rejects are never mixed, so arms with them are not the headline.
    made = [name for name in scored.names if added_to(name) not in ("", UNGATED)]
    first = [name for name in made if added_to(name) == added_to(made[0])]
    # The classifier that does best counts, for that is the one that people would use. It is not picked by the real
    # examples alone: of three that do equally well, the one with the luckiest baseline would be taken, against which
    # synthetic examples then lose. That gave a false HURTS in 12 % of simulated tables. The mean over the arms favours
    # none of them, and picks the same classifier wherever one is ahead by more than chance. What one of them lacks says
    # nothing of that.
    shared = [name for name in scored.names if all(name in scored.of(m) for m in scored.models)]
    main = max(
        scored.models,
        key=lambda m: np.mean([scored.value[n, m] for n in shared if n in (*scored.baselines(m), *first)]).item(),
    )
    told = {m: _told(comparisons, m, scored.best_of(m, first)) for m in scored.models}
    headline = told[main]
    outcome, classes = next(iter(tested[0].outcomes.values())), tested[0].test.classes
    n_test = np.bincount([*scored.different.values()], minlength=len(classes)).tolist()
    return Evaluation(
        arms=tuple(scored.arms.values()),
        comparisons=tuple(comparisons),
        verdict=headline.verdict,
        why=headline.why + _disagreement(headline, [*told.values()]),
        metric=config.metric,
        intervals=scored.intervals,
        positive=None if outcome.positive is None else classes[outcome.positive],
        rare=tuple(rare),
        n_test=dict(zip(classes, n_test, strict=True)),
        splits=len(tested),
        seeds=scored.seeds,
        steps=0,
        noun=tested[0].test.noun,
        notes=(),
        schema=2,
    )


def _told(comparisons: Sequence[Comparison], model: str, arm: str) -> Comparison:
    return next(c for c in comparisons if (c.arm, c.model) == (arm, model))


def _disagreement(headline: Comparison, told: Sequence[Comparison]) -> str:
    """Return a sentence on the classifiers whose best arm with synthetic examples has another verdict; "" for none."""
    others = [c for c in told if c.verdict != headline.verdict]
    if not others:
        return ""
    words = [f"{c.verdict} with {c.model} ('{c.arm}': {as_points(c.difference)})" for c in others]
    return f" The classifiers disagree: {headline.verdict} with {headline.model}, but {', '.join(words)}."


class _Scored:
    """What the arms score. First axis of all draws: resamples of the only test part, or splits; then seeds.

    Args:
        tested: As `compare`.
        rare: As `compare`.
        config: As `compare`.
    """

    def __init__(self, tested: Sequence[Said], rare: Sequence[str], config: ArmsConfig) -> None:
        self.tested, self.rare, self.config = tested, rare, config
        self.keys = list(tested[0].outcomes)
        self.names, self.models = (list(dict.fromkeys(key[at] for key in self.keys)) for at in (0, 1))
        self.classes, self.noun = tested[0].test.classes, tested[0].test.noun
        self.ratio = float(np.mean([len(of.test) / of.n_real for of in tested]))
        self.independent = independent_examples([of.test for of in tested])
        rng = np.random.default_rng(config.seed)
        found: dict[Key, list[dict[str, np.ndarray]]] = {key: [] for key in self.keys}
        for of in tested:
            n = len(of.test)
            # All arms share the resamples, which keeps them paired.
            once = np.ones((n, 1), dtype=np.float32)
            weights = resamples(of.test.y, rng, DRAWS, of.test.groups) if len(tested) == 1 else once
            cells = sum(outcome.size for outcome in of.outcomes.values())
            few = 1 + int(np.clip(SLOW_CELLS // cells, *SLOW_DRAWS))
            for key, outcome in of.outcomes.items():
                found[key].append(outcome.score(weights, DRAWS + 1 if config.metric in outcome.slow else few))
        self.draws = {
            key: {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            for key, parts in found.items()
        }
        self.seeds = max(draws[BY_CLASS].shape[1] for draws in self.draws.values())
        # A class that some test part lacks has no recall of its own.
        self.known = np.isfinite(self.draws[self.keys[0]][BY_CLASS]).all((0, 1))

    @property
    def of_class(self) -> str:
        """The word for the score of one class."""
        return class_score(self.config.metric)

    @property
    def _between(self) -> tuple[float, float]:
        """Between what differences in the metric, and in the score of one class, lie."""
        low, high = limits(self.of_class)
        return low - high, high - low

    @cached_property
    def arms(self) -> dict[Key, Arm]:
        """The scores of every arm with their intervals."""
        return {key: self._arm(key) for key in self.keys}

    @cached_property
    def value(self) -> dict[Key, float]:
        """The metric of every arm."""
        return {key: arm.scores[self.config.metric].value for key, arm in self.arms.items()}

    @cached_property
    def different(self) -> dict[str, int]:
        """Labels of the different test examples by id."""
        return {id: label for of in self.tested for id, label in zip(of.test.ids, of.test.y.tolist(), strict=True)}

    def _arm(self, key: Key) -> Arm:
        outcomes, draws = [of.outcomes[key] for of in self.tested], self.draws[key]
        scores = {
            name: self._spread(draws[name], self._floor(name)).estimate(limits(name)) for name in WORDS if name in draws
        }
        recall = {
            self.classes[k]: self._spread(draws[BY_CLASS][..., k], self._floors[k]).estimate(limits(self.of_class))
            for k in np.flatnonzero(self.known)
        }
        tuned = [outcome.threshold for outcome in outcomes if outcome.threshold is not None]
        threshold = float(np.mean(tuned)) if tuned else None
        return Arm(*key, float(np.mean([outcome.n_train for outcome in outcomes])), scores, threshold, recall)

    @property
    def _floors(self) -> np.ndarray:
        floors: np.ndarray = least_variance(self.independent)
        return floors * (self.of_class == "recall")

    def _floor(self, name: str) -> float:
        """Return the least variance that is believed of a score, or of a difference of such scores."""
        outcome = self.tested[0].outcomes[self.keys[0]]
        if name in OF_NUMBERS or name.startswith(("brier", "calibration")):
            return 0.0
        if name == "worst_recall":
            return float(self._floors[self.independent > 0].max())
        if name in outcome.slow and outcome.positive is not None and self.independent[outcome.positive]:
            return float(self._floors[outcome.positive])
        return least_variance_of_mean(self.independent)

    def of(self, model: str) -> list[str]:
        """Return the arms that a classifier was trained on."""
        return [name for name in self.names if (name, model) in self.draws]

    def best_of(self, model: str, arms: Sequence[str]) -> str:
        """Return which of some arms does best with a classifier, of those that it was trained on."""
        return max((name for name in self.of(model) if name in arms), key=lambda name: self.value[name, model])

    def baselines(self, model: str) -> list[str]:
        """Return the arms without synthetic examples, of those that no draw of the metric tells apart the first."""
        found: dict[bytes, str] = {}
        for name in self.of(model):
            if not added_to(name):
                found.setdefault(self.draws[name, model][self.config.metric].tobytes(), name)
        return list(found.values())

    def comparisons(self, model: str) -> Iterator[Comparison]:
        """Compare each arm with synthetic examples with the strongest one without, for one classifier."""
        baselines, metric = self.baselines(model), self.config.metric
        # Ties go to the simplest way to train, which stands first.
        base = max(baselines, key=lambda name: self.value[name, model])
        added = [name for name in self.of(model) if added_to(name)]
        # Two families: to add arms without the gate must not change the answer about examples that are mixed.
        for family in ([n for n in added if (added_to(n) == UNGATED) is ungated] for ungated in (False, True)):
            gaps = [self._gap(name, base, model, metric) for name in family]
            differences = [self._spread(gap, self._floor(metric)) for gap in gaps]
            p_values = corrected(differences, len(baselines)).tolist()
            for name, of, p in zip(family, differences, p_values, strict=True):
                difference, of_rare = of.estimate(self._between), self._rare_difference(name, base, model)
                verdict = CANNOT_TELL if self._lacking else verdict_of(difference, p, self.config.rope)
                if verdict == HELPS and not self._is_ahead_of_best(name, model, len(family)):
                    verdict = NOT_BEST
                said = f"{as_points(difference)}, {as_p(p, len(family))}; mean {self.of_class} of the rare classes: "
                said += as_points(of_rare)
                why = self._why((name, base, model), said)
                yield Comparison(name, model, base, difference, of_rare, p, verdict, why)

    @cached_property
    def best(self) -> Key:
        """The strongest of all classifiers and ways to train without synthetic examples."""
        return max(((n, m) for m in self.models for n in self.baselines(m)), key=self.value.__getitem__)

    def _is_ahead_of_best(self, name: str, model: str, n: int) -> bool:
        """Say whether an arm, one of n, is surely ahead of `best`: who gains on a worse model would take that one."""
        gap = self.draws[name, model][self.config.metric] - self.draws[self.best][self.config.metric]
        ahead = self._spread(gap, self._floor(self.config.metric))
        return verdict_of(ahead.estimate(self._between), min(1.0, n * ahead.p_value), self.config.rope) == HELPS

    def _why(self, compared: tuple[str, str, str], said: str) -> str:
        """Return the sentence on an arm, its baseline and their classifier, with what was `said` of the difference."""
        name, base, model = compared
        several, reached = len(self.models) > 1, self.value[self.best]
        rests_on = f"{self.seeds} seeds, " * (self.seeds > 1) + self._rests_on
        lacking = f", of which too few of {', '.join(map(repr, self._lacking))} to tell" if self._lacking else ""
        other = f"{self.best[1]} reaches {reached:.1%} without synthetic {self.noun}s ('{self.best[0]}')"
        gains = self.value[base, model] < self.value[name, model] <= reached
        better = f"; {'only a worse model gains: ' * gains}{other}"
        return (
            f"{capital(WORDS[self.config.metric])} of '{name}' is {self.value[name, model]:.1%}, of '{base}', the "
            f"strongest without synthetic {self.noun}s, {self.value[base, model]:.1%}{f' ({model})' * several}: "
            f"{said}; {rests_on}{lacking}{better * (reached - self.value[base, model] > TOLD)}."
        )

    def _rare_difference(self, name: str, base: str, model: str) -> Estimate:
        """Return the difference of two arms in the mean score of the rare classes."""
        labels = [k for k in np.flatnonzero(self.known) if self.classes[k] in self.rare]
        if not labels:
            return Estimate(0.0, -1.0, 1.0)  # nothing is known without test examples
        gap = self._gap(name, base, model, BY_CLASS)[..., labels].mean(-1)
        return self._spread(gap, self._floors[labels].mean() / len(labels)).estimate(self._between)

    def _gap(self, name: str, base: str, model: str, of: str) -> np.ndarray:
        return self.draws[name, model][of] - self.draws[base, model][of]

    def _spread(self, scores: np.ndarray, floor: float) -> Spread:
        if len(self.tested) == 1:
            return by_examples_and_seeds(scores, floor)
        return by_splits(scores.mean(-1), self.ratio, floor)

    @cached_property
    def _lacking(self) -> list[str]:
        """The classes with too few test examples to tell."""
        counts = zip(self.classes, self.independent, strict=True)
        return [name for name, n in counts if n < (FEWEST_TEST if name in self.rare else 1)]

    @cached_property
    def _rests_on(self) -> str:
        """On how much the answer rests, in words."""
        splits, groups = len(self.tested), {group for of in self.tested for group in of.test.groups or ()}
        words = f"{splits} splits, " * (splits > 1) + f"{len(self.different)} test {self.noun}s"
        if groups:
            words += f" in {len(groups)} groups" + " that were resampled as wholes" * (splits == 1)
        return words

    @property
    def intervals(self) -> str:
        """What the intervals are, in one sentence."""
        if (splits := len(self.tested)) > 1:
            return (
                f"95 % intervals for other training and test {self.noun}s, from {splits} splits, corrected for the "
                f"{self.noun}s that the splits share (Nadeau and Bengio 2003)."
            )
        whole = " of whole groups" if self.tested[0].test.groups is not None else ""
        return (
            f"95 % intervals for other test {self.noun}s{' and seeds' * (self.seeds > 1)}, from {DRAWS:,} paired "
            f"bootstrap resamples within each class{whole}; other training {self.noun}s may differ more."
        )
