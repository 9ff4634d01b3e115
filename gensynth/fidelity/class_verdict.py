"""The verdict on a class: from its scores to PASS, REVIEW, FAIL or INSUFFICIENT, with the reasons in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gensynth.fidelity.conformal import SMALL
from gensynth.fidelity.metrics import wilson_interval
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, REVIEW, Score

FEWEST, MANY = 10, 200
"""Real examples below which a class gets no verdict, and from which on nothing is said about power."""
DUPLICATES, AGREEMENT, P_VALUE = 0.05, 0.5, 0.01
"""A class fails with surely more copies than this (if real examples have fewer), or with label agreement below the
second (if real examples reach more); a test objects below the last, corrected for the number of classes and tests."""
FAULTY = 0.15
"""A person should look where surely more than this share of the samples was rejected for what it shows."""


@dataclass(frozen=True)
class Limit:
    """When a score speaks against a class. How far it falls short is the ideal less the value, or as `Score` directs.

    Attributes:
        says: The sentence; filled in are `{value}`, `{yardstick}`, `{high}` (the upper end of the interval), `{note}`,
            `{p}` (corrected), `{apart}` (how far, if `relative`) and `{noun}`.
        fails: The class fails if the score falls short by more than this.
        asks: A person should look if it does by more than this.
        warns: It is worth a word if it does by more than this, a person's look where real examples are few.
        ideal: What it falls short of; None for the yardstick.
        surely: Whether all of the interval has to fall short.
        test: Whether a difference counts only if the p-value, corrected by Holm, is below `P_VALUE`.
        relative: Whether how far is counted in units of `Score.apart`; where that is unknown, any difference is large.
    """

    says: str
    fails: float = np.inf
    asks: float = np.inf
    warns: float = np.inf
    ideal: float | None = None
    surely: bool = False
    test: bool = False
    relative: bool = False

    @property
    def levels(self) -> dict[str, float]:
        """What happens from which level on, as far as it does."""
        levels = {"fails": self.fails, "asks": self.asks, "warns": self.warns}
        return {what: level for what, level in levels.items() if np.isfinite(level)}

    def short(self, score: Score) -> float:
        """Return how far a score that has a value falls short, at least if `surely`; above 0 is worse."""
        ideal = (score.yardstick or 0.0) if self.ideal is None else self.ideal
        worse = -1 if score.higher_is_better is False else 1
        values = [score.value or 0.0] if not self.surely else score.interval or [worse * np.inf]
        short = min(worse * (ideal - value) for value in values)
        if self.relative:
            return short / score.apart if score.apart else np.inf
        return short


@dataclass(frozen=True)
class Evidence:
    """What a class is judged by.

    Attributes:
        noun: What one example is called.
        n_real: Real training examples.
        n: Samples.
        passed: Samples that passed the gate.
        faulty: Samples that were rejected for what they show: garbage, another class, unlike the class.
        scores: By name.
        limits: When they speak against the class, by name of the score.
        p_values: By test, corrected by Holm over all classes and tests.
        detectable: Smallest shift of all features, in standard deviations, that the tests would find four times of
            five, or None where it was not measured.
    """

    noun: str
    n_real: int
    n: int
    passed: int
    faulty: int
    scores: Mapping[str, Score]
    limits: Mapping[str, Limit]
    p_values: Mapping[str, float]
    detectable: float | None


def judge_class(e: Evidence) -> tuple[str, tuple[str, ...]]:
    """Return the status of a class and the sentences that explain it."""
    if min(e.n_real, e.n) < FEWEST:
        return INSUFFICIENT, (
            f"{e.n_real} real and {e.n} synthetic {e.noun}s are too few to say anything about the class: "
            f"{FEWEST} of each are needed; {e.passed} of {e.n} samples passed the gate.",
        )
    said: dict[str, list[str]] = {FAIL: [], REVIEW: [], PASS: []}
    for status, sentence in (*_copies(e), *_agreement(e), *_limited(e)):
        said[status].append(sentence)
    if wilson_interval(e.faulty, e.n)[0] > FAULTY:
        said[REVIEW].append(f"{e.faulty} of {e.n} samples do not look like the class and were rejected.")
    if e.passed < e.n / 2:
        said[REVIEW].append(f"{f'Only {e.passed}' if e.passed else 'None'} of {e.n} samples passed the gate.")
    if e.n_real < SMALL:
        said[REVIEW] += [f"{w} With {e.n_real} real {e.noun}s a person should look." for w in said[PASS]]
        said[PASS] = []
    status = next((s for s in (FAIL, REVIEW) if said[s]), PASS)
    why = [sentence for sentences in said.values() for sentence in sentences]
    why = why or [f"No score raises an objection; {e.passed} of {e.n} samples passed the gate."]
    if e.detectable is not None and status != FAIL:
        shift = f"a shift of all features by {e.detectable:.2f} standard deviations or more"
        found = f"only {shift}" if np.isfinite(e.detectable) else "not even a large difference"
        why.append(
            f"With {e.n_real} real {e.noun}s {found} would be told from chance four times of five: a smaller fault "
            "cannot be excluded."
        )
    return status, tuple(why)


def _copies(e: Evidence) -> list[tuple[str, str]]:
    """Copies, if surely more than real examples have; a few of few samples are no proof."""
    copies = e.scores["copies"]
    share, least, usual = copies.value or 0.0, copies.interval[0] if copies.interval else 0.0, copies.yardstick or 0.0
    if share <= DUPLICATES or least <= usual:
        return []
    of_real = f", as {usual:.0%} of the real ones do" if usual else ""
    sentence = f"{share:.0%} of the samples copy other {e.noun}s{of_real}; more than {DUPLICATES:.0%} is too many."
    return [(FAIL if least > DUPLICATES else REVIEW, sentence)]


def _agreement(e: Evidence) -> list[tuple[str, str]]:
    """Where real examples are hard to tell apart, samples are too: what counts is that they are clearly worse."""
    score = e.scores["label_agreement"]
    value, real = score.value or 0.0, score.yardstick or 0.0
    least = wilson_interval(round(real * e.n_real), e.n_real)[0]
    if score.interval is None or score.interval[1] >= least:
        return []
    sentence = f"The judge sees the wanted class in {value:.0%} of the samples, and in {real:.0%} of real {e.noun}s."
    return [(FAIL if value < AGREEMENT else REVIEW, sentence)]


def _limited(e: Evidence) -> list[tuple[str, str]]:
    """What the limits say: FAIL, REVIEW, or PASS for what is worth a word."""
    found = []
    for name, limit in e.limits.items():
        score = e.scores[name]
        p = e.p_values.get(name, 1.0)
        # A test finds any difference where there are enough examples: its size counts too.
        if score.value is None or (limit.test and p >= P_VALUE):
            continue
        short = limit.short(score)
        status = next((s for s, most in ((FAIL, limit.fails), (REVIEW, limit.asks)) if short > most), "")
        usual = score.usual is not None and score.value >= score.usual[0]
        if not status and (short <= limit.warns or usual):
            continue
        high = score.interval[1] if score.interval else score.value
        apart = f", {short:.0%} of that to the nearest other class" if limit.relative and score.apart else ""
        words = {"value": score.value, "yardstick": score.yardstick, "high": high, "note": score.note}
        sentence = limit.says.format(**words, p=p, apart=apart, noun=e.noun).rstrip()
        found.append((status or PASS, sentence))
    return found
