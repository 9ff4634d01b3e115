"""FidelityChecker: fitted on real training images, it says which synthetic ones are good enough, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity import metrics
from gensynth.fidelity.gate import BLEND, LEVEL, NEAR, NEAR_SYNTHETIC, SMALL, Gate, Measures
from gensynth.fidelity.verdict import (
    FAIL,
    INSUFFICIENT,
    PASS,
    REASONS,
    REVIEW,
    ClassVerdict,
    SampleVerdicts,
    Score,
    Verdict,
    status_of_all,
    unsaid_copies,
)
from gensynth.samplers.base import Synthetic

SCORES: dict[str, bool | None] = {
    "kid": False,
    "density": True,
    "coverage": True,
    "label_agreement": True,
    "nearest_real": None,
    "diversity": None,
}
FEWEST = 10
"""Below this many real or synthetic images a class gets no scores of its distribution."""
MOST_ROWS = 2000
"""The permutation test uses at most this many images of either kind, drawn with the checker's seed."""
DUPLICATES, AGREEMENT, COVERAGE, DIVERSITY, DENSITY, P_VALUE = 0.05, 0.5, 0.5, 0.5, 0.5, 0.01


@final
class FidelityChecker:
    """Checks synthetic images against real ones: each image, each class and the whole.

    Everything is fitted and calibrated on `train` at construction. `gate` screens a round of drawing;
    `check` gives the full verdict.

    Args:
        train: Real training images, uint8, shape (n, c, h, w), n >= 2.
        held_out: Validation and test parts. They measure what the gate costs real images and raise the
            alarm when a sample equals one of them; nothing is fitted on them.
        seed: Seed of all that is random here.

    Raises:
        ValueError: if there are not two different training images, or a held-out part has a class or an
            image shape that `train` lacks.
    """

    def __init__(self, train: LabeledData, held_out: Sequence[LabeledData] = (), seed: int = 0) -> None:
        for part in held_out:
            if len(part) and part.shape != train.shape:
                raise ValueError(
                    f"held-out images must have the training images' shape {train.shape}, got {part.shape}; "
                    "read both at one size."
                )
        held_out = [replace(p, y=_labels(p.y, p.classes, train), classes=train.classes) for p in held_out]
        self.train, self.seed = train, seed
        self._gate = Gate(train, held_out, seed)
        y, measured = [], []
        for part in held_out:
            known = part.subset(np.flatnonzero(np.isin(part.y, train.y)))
            y.append(known.y)
            measured.append(self._gate.measure(known.x, known.y))
        self.false_reject = _shares([m.flags for m in measured]) if sum(map(len, y)) else None
        self._fresh = _class_medians(np.concatenate(y), measured) if y else {}

    def gate(self, synthetic: Synthetic, accepted: Synthetic | None = None) -> SampleVerdicts:
        """Screen one round of drawing.

        Args:
            synthetic: The samples; their classes are matched with the training data's by name.
            accepted: What earlier rounds accepted: copies of it are rejected.

        Raises:
            ValueError: if a class has no real training images or the images have another shape.
            TypeError: if the images are not uint8.
        """
        return self._screen(synthetic, accepted)[0]

    def check(self, synthetic: Synthetic) -> Verdict:
        """Check samples as drawn: every image, every class that has samples, and the whole.

        Args:
            synthetic: The samples; their classes are matched with the training data's by name.

        Raises:
            ValueError: if there are no samples, a class has no real training images or the images have
                another shape.
            TypeError: if the images are not uint8.
        """
        if not len(synthetic):
            raise ValueError("there is nothing to check: the synthetic data are empty; draw samples first.")
        samples, measures, contamination = self._screen(synthetic)
        y = _labels(synthetic.y, synthetic.classes, self.train)
        labels = [int(c) for c in np.unique(y)]
        unsaid = unsaid_copies(samples.reason, synthetic.parents)
        scores = {c: self._scores(c, y == c, measures, len(labels)) for c in labels}
        tested = [c for c in labels if scores[c][0].p_value is not None]
        adjusted = metrics.holm(np.array([scores[c][0].p_value for c in tested], dtype=np.float64))
        p_adjusted = dict(zip(tested, adjusted.tolist(), strict=True))
        classes = []
        for c in labels:
            at = np.flatnonzero(y == c)
            rejected = Counter(samples.reason[i] for i in at)
            accepted = rejected.pop("", 0)
            n_real = len(self._gate.members[c])
            status, why = _judge_class(
                scores[c], p_adjusted.get(c), n_real, len(at), accepted, float(unsaid[at].mean())
            )
            counts = {r: rejected[r] for r in REASONS if r in rejected}
            name = self.train.classes[c]
            classes.append(ClassVerdict(name, status, n_real, len(at), accepted, counts, scores[c], why))
        return Verdict(
            status_of_all(classes),
            samples,
            tuple(classes),
            self.false_reject,
            contamination,
            self._thresholds(labels),
            self.stamp,
        )

    @property
    def stamp(self) -> dict[str, str]:
        """Extractor, resize, domain and training data: compare scores only between equal stamps."""
        return {**self._gate.embedding.stamp, "train": self.train.fingerprint}

    def _screen(self, synthetic: Synthetic, accepted: Synthetic | None = None) -> tuple[SampleVerdicts, Measures, int]:
        y = _labels(synthetic.y, synthetic.classes, self.train)
        empty = [self.train.classes[c] for c in np.unique(y) if not len(self._gate.members[c])]
        if empty:
            raise ValueError(
                f"classes {empty} have no real training image to check against; add some or leave them out."
            )
        if accepted is None:
            return self._gate.screen(synthetic.x, y)
        earlier = accepted.x, _labels(accepted.y, accepted.classes, self.train)
        return self._gate.screen(synthetic.x, y, earlier)

    def _scores(self, label: int, mine: np.ndarray, m: Measures, n_classes: int) -> tuple[Score, ...]:
        """KID, density, coverage, label agreement, nearest real and diversity of one class, in this order."""
        real, synthetic = self._gate.real[label], m.features[mine]
        members = self._gate.members[label]
        n, k = len(synthetic), metrics.default_k(len(real))
        out_of_fold = self._gate.judge.out_of_fold[members]
        if min(len(real), n) < FEWEST:
            note = f"Not given: {FEWEST} real and synthetic images are needed, there are {len(real)} and {n}."
            return tuple(Score(name, None, better, note=note) for name, better in SCORES.items())

        rng = np.random.default_rng(self.seed)
        some, others = (x[rng.permutation(len(x))[:MOST_ROWS]] for x in (real, synthetic))
        # Holm's smallest p-value must be able to fall below the level: 1 / (1 + B) < level / classes.
        values = metrics.kid_permutations(some, others, self.seed, max(1000, round(2 * n_classes / P_VALUE)))
        kid = Score(
            "kid",
            float(values[0]),
            metrics.kid.higher_is_better,
            yardstick=float(np.quantile(values[1:], 0.95)),
            p_value=metrics.permutation_p(values),
            note="The yardstick is the 95 % quantile over random splits of real and synthetic together.",
        )
        counts = metrics.density_counts(real, synthetic, k)
        density = Score(
            "density",
            float(counts.mean()),
            metrics.density.higher_is_better,
            metrics.density.ideal,
            metrics.bootstrap_interval(counts, self.seed),
            note=f"k = {k}.",
        )
        coverage = Score(
            "coverage",
            metrics.coverage(real, synthetic, k=k),
            metrics.coverage.higher_is_better,
            metrics.coverage.ideal,
            note=f"Over its exact expectation at these numbers, k = {k}.",
        )
        agrees = m.agrees[mine]
        agreement = Score(
            "label_agreement",
            float(agrees.mean()),
            True,
            float((out_of_fold.argmax(axis=1) == label).mean()),
            metrics.wilson_interval(int(agrees.sum()), n),
            note="The yardstick is the judge's agreement on real images that it was not fitted on.",
        )
        ratio = Score(
            "nearest_real",
            float(np.median(m.scores["near_duplicate"][mine])),
            None,
            self._fresh.get(label, 1.0),
            note="Median distance to the nearest real image, over that between real ones; small = copies.",
        )
        spread = Score(
            "diversity",
            metrics.diversity(real, synthetic),
            metrics.diversity.higher_is_better,
            metrics.diversity.ideal,
            note="Spread of the samples over that of the real images; below 1 they huddle around the mean.",
        )
        return kid, density, coverage, agreement, ratio, spread

    def _thresholds(self, labels: Sequence[int]) -> dict[str, float]:
        own = {f"label:{self.train.classes[c]}": self._gate.label_threshold[c] for c in labels}
        return {
            "saturated": self._gate.saturated,
            "near_duplicate": NEAR,
            "near_synthetic": NEAR_SYNTHETIC,
            "blend": BLEND,
            "typicality": LEVEL,
            "duplicates": DUPLICATES,
            "label_agreement": AGREEMENT,
            "coverage": COVERAGE,
            "diversity": DIVERSITY,
            "density": DENSITY,
            "kid_p_value": P_VALUE,
            **own,
        }


def _judge_class(
    scores: tuple[Score, ...], p_adjusted: float | None, n_real: int, n: int, accepted: int, duplicates: float
) -> tuple[str, tuple[str, ...]]:
    """Status of a class and the sentences that explain it."""
    if p_adjusted is None:
        return INSUFFICIENT, (
            f"{n_real} real and {n} synthetic images are too few to say anything about the class: "
            f"{FEWEST} of each are needed; {accepted} of {n} samples passed the gate.",
        )
    values = {s.name: s.value or 0.0 for s in scores}
    kid_yardstick = scores[0].yardstick or 0.0
    density_high = scores[1].interval[1] if scores[1].interval else np.inf
    agreement_of_real = scores[3].yardstick or 0.0
    fail, review, warn = [], [], []
    if duplicates > DUPLICATES:
        fail.append(f"{duplicates:.0%} of the samples copy other images; more than {DUPLICATES:.0%} is too many.")
    if values["label_agreement"] < AGREEMENT:
        fail.append(
            f"The judge sees the wanted class in only {values['label_agreement']:.0%} of the samples, and in "
            f"{agreement_of_real:.0%} of the real images."
        )
    elif values["label_agreement"] < agreement_of_real - 0.15:
        warn.append(
            f"The judge sees the wanted class in {values['label_agreement']:.0%} of the samples, and in "
            f"{agreement_of_real:.0%} of the real images."
        )
    if values["coverage"] < COVERAGE:
        fail.append(f"The samples reach only {values['coverage']:.0%} of the variety that real ones would.")
    elif values["coverage"] < 0.75:
        warn.append(f"The samples reach {values['coverage']:.0%} of the variety that real ones would.")
    if values["diversity"] < DIVERSITY:
        fail.append(f"The samples are too alike: their spread is {values['diversity']:.0%} of the real images'.")
    elif values["diversity"] < 0.75:
        warn.append(f"The samples are rather alike: their spread is {values['diversity']:.0%} of the real images'.")
    if density_high < DENSITY:
        fail.append(f"The samples lie where real images are rare: density at most {density_high:.2f}, real 1.")
    if p_adjusted < P_VALUE and values["kid"] > 2 * kid_yardstick:
        review.append(
            f"As a set the samples differ from the real images: KID {values['kid']:.3f}, where chance gives "
            f"up to {kid_yardstick:.3f} (p = {p_adjusted:.2g} over all classes)."
        )
    if accepted < n / 2:
        review.append(f"Only {accepted} of {n} samples passed the gate.")
    if n_real < SMALL:
        review += [f"{w} With {n_real} real images a person should look." for w in warn]
        warn = []
    status = FAIL if fail else REVIEW if review else PASS
    why = (*fail, *review, *warn)
    return status, why or (f"No score raises an objection; {accepted} of {n} samples passed the gate.",)


def _labels(y: np.ndarray, classes: Sequence[str], train: LabeledData) -> np.ndarray:
    """Labels `y` in the order of the training data's classes; ValueError for a name it lacks."""
    order = np.zeros(len(classes), dtype=np.int64)
    for c in np.unique(y):
        order[c] = train.label_of(classes[c])
    return order[y]


def _shares(flags: Sequence[dict[str, np.ndarray]]) -> dict[str, float]:
    """Share of images that each filter rejects, and that any does."""
    joined = {r: np.concatenate([f[r] for f in flags]) for r in REASONS}
    joined["any"] = np.any(list(joined.values()), axis=0)
    return {r: float(f.mean()) for r, f in joined.items()}


def _class_medians(y: np.ndarray, measured: Sequence[Measures]) -> dict[int, float]:
    """Median near-duplicate ratio of fresh real images, for each class that has FEWEST of them."""
    ratio = np.concatenate([m.scores["near_duplicate"] for m in measured])
    return {int(c): float(np.median(ratio[y == c])) for c in np.unique(y) if (y == c).sum() >= FEWEST}
