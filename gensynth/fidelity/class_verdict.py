"""The verdict on a class: from its scores to PASS, REVIEW, FAIL or INSUFFICIENT, with the reasons in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gensynth.fidelity.metrics import wilson_interval
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, REVIEW, Score

FEWEST, FEW, MANY = 10, 50, 200
"""Real images below which a class gets no verdict; below which a person decides on weak signs; and from which on
nothing is said about power."""
DUPLICATES, AGREEMENT, LOWEST, P_VALUE = 0.05, 0.5, 0.5, 0.01
"""A class fails with more copies, or with label agreement (if real images reach more), coverage, diversity, Vendi ratio
or density below these; a test objects below the last, corrected for the number of classes and tests (Holm)."""
FAULTY = 0.15
"""A person should look where surely more than this share of the samples was rejected for what it shows."""
WARN = 0.75
"""Coverage, diversity or Vendi ratio below this, and below what real images usually reach, are worth a word."""
FAR = 0.1
"""A difference is large from this share of the difference to the nearest other class on (in KID)."""


@dataclass(frozen=True)
class Evidence:
    """What a class is judged by.

    Attributes:
        n_real: Real training images.
        n: Samples.
        passed: Samples that passed the gate.
        faulty: Samples that were rejected for what they show: garbage, another class, unlike the class.
        scores: By name.
        p_values: By test, corrected by Holm over all classes and tests.
        far: KID over that between the class and the nearest other one, or None where there is no other.
        detectable: Smallest shift of all features, in standard deviations, that the test of KID would find four times
            of five, or None where it was not measured.
    """

    n_real: int
    n: int
    passed: int
    faulty: int
    scores: Mapping[str, Score]
    p_values: Mapping[str, float]
    far: float | None
    detectable: float | None


def judge_class(e: Evidence) -> tuple[str, tuple[str, ...]]:
    """Return the status of a class and the sentences that explain it."""
    if min(e.n_real, e.n) < FEWEST:
        return INSUFFICIENT, (
            f"{e.n_real} real and {e.n} synthetic images are too few to say anything about the class: "
            f"{FEWEST} of each are needed; {e.passed} of {e.n} samples passed the gate.",
        )
    fail, review, warn = _low(e)
    review += _different(e)
    copies = e.scores["copies"]
    share, least, usual = copies.value or 0.0, copies.interval[0] if copies.interval else 0.0, copies.yardstick or 0.0
    if share > DUPLICATES:
        sentence = f"{share:.0%} of the samples copy other images; more than {DUPLICATES:.0%} is too many."
        # Genuine images repeat each other at times, and a few of them are no proof.
        (fail if least > max(DUPLICATES, usual) else review).insert(0, sentence)
    if wilson_interval(e.faulty, e.n)[0] > FAULTY:
        review.append(f"{e.faulty} of {e.n} samples do not look like the class and were rejected.")
    if e.passed < e.n / 2:
        review.append(f"Only {e.passed} of {e.n} samples passed the gate.")
    if e.n_real < FEW:
        review += [f"{w} With {e.n_real} real images a person should look." for w in warn]
        warn = []
    status = FAIL if fail else REVIEW if review else PASS
    why = [*fail, *review, *warn] or [f"No score raises an objection; {e.passed} of {e.n} samples passed the gate."]
    if e.detectable is not None and status != FAIL:
        shift = f"a shift of all features by {e.detectable:.2f} standard deviations or more"
        found = f"only {shift}" if np.isfinite(e.detectable) else "not even a large difference"
        why.append(
            f"With {e.n_real} real images {found} would be told from chance four times of five: a smaller fault cannot "
            "be excluded."
        )
    return status, tuple(why)


def _low(e: Evidence) -> tuple[list[str], list[str], list[str]]:
    """Scores that are too low whatever the number of images, clearly lower than of real images, and rather low."""
    fail: list[str] = []
    review: list[str] = []
    warn: list[str] = []
    agreement = e.scores["label_agreement"]
    value, real = agreement.value or 0.0, agreement.yardstick or 0.0
    # Where real images are hard to tell apart, samples are too: what counts is that they are clearly worse.
    least = wilson_interval(round(real * e.n_real), e.n_real)[0]
    if agreement.interval is not None and agreement.interval[1] < least:
        (fail if value < AGREEMENT else review).append(
            f"The judge sees the wanted class in only {value:.0%} of the samples, and in {real:.0%} of real images."
        )
    spoken = {
        "coverage": "The samples reach only {:.0%} of the variety that real ones would.",
        "diversity": "The samples are too alike: their spread is {:.0%} of the real images'.",
        "vendi_ratio": "The samples are too alike: they are worth {:.0%} as many different images as real ones.",
    }
    for name, words in spoken.items():
        found, usual = e.scores[name].value, e.scores[name].usual
        if found is not None and found < LOWEST:
            fail.append(words.format(found))
        elif found is not None and found < min(WARN, usual[0] if usual else 1):
            warn.append(words.format(found).replace("only ", "").replace("too alike", "rather alike"))
    high = e.scores["density"].interval[1] if e.scores["density"].interval else np.inf
    if high < LOWEST:
        fail.append(f"The samples lie where real images are rare: density at most {high:.2f}, real 1.")
    return fail, review, warn


def _different(e: Evidence) -> list[str]:
    """What the tests object to. They find any difference where there are enough images, so its size counts too."""
    review = []
    if e.p_values.get("kid", 1) < P_VALUE and (e.far is None or e.far >= FAR):
        size = "" if e.far is None else f", {e.far:.0%} of that to the nearest other class"
        review.append(
            f"As a set the samples differ from the real images: KID {e.scores['kid'].value:.3f}{size} "
            f"(p = {e.p_values['kid']:.2g} over all classes and tests)."
        )
    if e.p_values.get("copying", 1) < P_VALUE:
        review.append(
            "The samples lie nearer to the training images than held-out real ones, in "
            f"{e.scores['copying'].value:.0%} of all pairs (p = {e.p_values['copying']:.2g} over all classes and "
            "tests): they may be copied."
        )
    return review
