"""FidelityChecker: fitted on real training images, it says which synthetic ones are good enough, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity import class_verdict, metrics, quota
from gensynth.fidelity.blend import BLEND
from gensynth.fidelity.class_scores import Examples, distribution_scores
from gensynth.fidelity.class_verdict import FEWEST, MANY, P_VALUE, Evidence, judge_class
from gensynth.fidelity.verdict import (
    REASONS,
    ClassVerdict,
    SampleVerdicts,
    Score,
    Verdict,
    reject_shares,
    status_of_all,
)
from gensynth.kinds.image.features import copies
from gensynth.kinds.image.gate import OUTSIDE, Gate, Screened
from gensynth.sampler.synthetic import Synthetic

if TYPE_CHECKING:
    from gensynth.kinds.image.features.extractor import Extractor

FAULTS = ("invalid", "label", "atypical")
"""Reasons that are about what an image shows, not about copies."""
TESTS = ("kid", "copying")
"""Scores whose p-values decide, and are corrected together."""
MOST_ROWS = 1000
"""The metrics use at most this many images of a class of either kind, drawn with the checker's seed."""
MOST_OTHER = 300
"""Real images of either class that tell how far two classes lie apart."""


@final
class FidelityChecker:
    """Checks synthetic images against real ones: each image, each class and the whole.

    Everything is fitted and calibrated on `train` at construction. `gate` screens a round of drawing;
    `check` gives the full verdict.

    Args:
        train: Real training images, uint8, shape (n, c, h, w), n >= 2.
        held_out: Validation and test parts. They measure what the gate costs real images, serve as fresh images in the
            test of copying, and raise the alarm when a sample equals one of them; nothing is fitted on them.
        seed: Seed of all that is random here.
        extractor: What features are made of; by default the built-in one, which needs no download.

    Raises:
        ValueError: if there are not two different training images, or a held-out part has a class or an
            image shape that `train` lacks.
    """

    def __init__(
        self,
        train: LabeledData,
        held_out: Sequence[LabeledData] = (),
        seed: int = 0,
        extractor: Extractor | None = None,
    ) -> None:
        for part in held_out:
            if len(part) and part.x.layout != train.x.layout:
                raise ValueError(
                    f"held-out images must have the training images' shape {train.x.layout}, got {part.x.layout}; "
                    "read both at one size."
                )
        held_out = [replace(p, y=train.labels_of(p.y, p.classes), classes=train.classes) for p in held_out]
        self.train, self.seed = train, seed
        self._gate = Gate(train, held_out, seed, extractor)
        known = [part.subset(np.flatnonzero(np.isin(part.y, train.y))) for part in held_out]
        self._fresh = [(self._gate.measure(part.x, part.y), part.y) for part in known if len(part)]
        self._between: dict[int, float | None] = {}
        self._shifts: dict[tuple[int, int, int], float] = {}

    def gate(self, synthetic: Synthetic, accepted: Synthetic | None = None) -> SampleVerdicts:
        """Screen one round of drawing.

        Args:
            synthetic: The samples; their classes are matched with the training data's by name.
            accepted: What earlier rounds accepted: copies of it are rejected.

        Raises:
            ValueError: if a class has no real training images or the images have another shape.
            TypeError: if the images are not uint8.
        """
        return self._screen(synthetic, accepted).samples

    def check(self, synthetic: Synthetic, wanted: Mapping[str, int] | None = None) -> Verdict:
        """Check samples as drawn: every image, every class that has samples, and the whole.

        Args:
            synthetic: The samples; their classes are matched with the training data's by name.
            wanted: How many of a class are accepted at most, by name: of more good ones those that differ most are
                chosen (`gensynth.fidelity.quota`). By default all good ones are.

        Raises:
            ValueError: if there are no samples, a class has no real training images or the images have
                another shape.
            TypeError: if the images are not uint8.
        """
        if not len(synthetic):
            raise ValueError("there is nothing to check: the synthetic data are empty; draw samples first.")
        screened = self._screen(synthetic)
        y = self.train.labels_of(synthetic.y, synthetic.classes)
        labels = [int(c) for c in np.unique(y)]
        scores = {c: self._scores(c, y == c, synthetic, screened, len(labels)) for c in labels}
        p_values = _corrected(scores)
        samples = screened.samples
        passed = {c: int(samples.accepted[y == c].sum()) for c in labels}
        if wanted is not None:
            counts_of = {c: wanted.get(self.train.classes[c], 0) for c in labels}
            samples = quota.only_wanted(samples, screened.measures.features, y, counts_of)
        classes = []
        for c in labels:
            mine, name = y == c, self.train.classes[c]
            real = self._gate.real[c]
            evidence = Evidence(
                len(real),
                int(mine.sum()),
                passed[c],
                int(np.isin(screened.samples.reason, FAULTS)[mine].sum()),
                scores[c],
                p_values[c],
                self._far(c, scores[c]["kid"].value),
                self._detectable(c, int(mine.sum()), sum(map(len, p_values.values()))),
            )
            status, why = judge_class(evidence)
            reasons = Counter(samples.reason[i] for i in np.flatnonzero(mine))
            review = sum(samples.review[i] != "" for i in np.flatnonzero(mine))
            accepted = reasons.pop("", 0)
            counts = {r: reasons[r] for r in REASONS if r in reasons}
            given, shift = tuple(scores[c].values()), evidence.detectable
            classes.append(
                ClassVerdict(name, status, len(real), evidence.n, accepted, counts, given, why, review, shift)
            )
        return Verdict(
            status_of_all(classes, screened.contamination),
            samples,
            tuple(classes),
            self._false_reject(screened.cutoffs),
            screened.contamination,
            self._thresholds(screened.cutoffs),
            self.stamp,
        )

    @property
    def stamp(self) -> dict[str, str]:
        """Extractor, resize, domain and training data: compare scores only between equal stamps."""
        return {**self._gate.embedding.stamp, "train": self.train.fingerprint}

    def _screen(self, synthetic: Synthetic, accepted: Synthetic | None = None) -> Screened:
        y = self.train.labels_of(synthetic.y, synthetic.classes)
        empty = [self.train.classes[c] for c in np.unique(y) if not len(self._gate.members[c])]
        if empty:
            raise ValueError(
                f"classes {empty} have no real training image to check against; add some or leave them out."
            )
        earlier = None
        if accepted is not None:
            earlier = accepted.x, self.train.labels_of(accepted.y, accepted.classes)
        return self._gate.screen(synthetic.x, y, synthetic.parents, earlier)

    def _scores(
        self, label: int, mine: np.ndarray, synthetic: Synthetic, screened: Screened, n_classes: int
    ) -> dict[str, Score]:
        """Scores of one class by name."""
        m, real, n = screened.measures, self._gate.real[label], int(mine.sum())
        # Holm's smallest p-value must be able to fall below the level: 1 / (1 + B) < level / tests.
        permutations = max(1000, round(2 * n_classes * len(TESTS) / P_VALUE))
        rng, own = np.random.default_rng(self.seed), np.flatnonzero(mine)
        some, drawn = (rng.permutation(size)[:MOST_ROWS] for size in (len(real), n))
        scores = distribution_scores(
            Examples(real[some], self.train.x[self._gate.members[label][some]]),
            Examples(m.features[own[drawn]], synthetic.x[own[drawn]]),
            self.fresh_features(label),
            any(synthetic.parents[i] for i in own),
            self.seed,
            permutations,
        )
        out_of_fold = self._gate.judge.out_of_fold[self._gate.members[label]]
        agrees = m.agrees[mine]
        scores["label_agreement"] = Score(
            "label_agreement",
            float(agrees.mean()),
            True,
            float((out_of_fold.argmax(axis=1) == label).mean()),
            metrics.wilson_interval(int(agrees.sum()), n),
            note="The yardstick is the judge's agreement on real images that it was not fitted on.",
        )
        copied = screened.copies[mine]
        found = [(f.flags["dup_near"] | f.flags["dup_exact"])[y == label] for f, y in self._fresh]
        usual = np.concatenate([np.zeros(0, dtype=bool), *found])
        scores["copies"] = Score(
            "copies",
            float(copied.mean()),
            False,
            float(usual.mean()) if len(usual) else 0.0,
            metrics.wilson_interval(int(copied.sum()), n),
            note="Samples that (nearly) equal each other or a real image that is not their parent; the yardstick is "
            "the share of held-out real images that do.",
        )
        return scores

    def fresh_features(self, label: int) -> np.ndarray:
        """Return the features of the held-out real images of a label, float64, shape (h, d), h may be 0."""
        found = [m.features[y == label] for m, y in self._fresh]
        return np.concatenate([self._gate.real[label][:0], *found])

    def _far(self, label: int, kid: float | None) -> float | None:
        """KID of the samples over that between the class and the nearest other one; None where there is none."""
        if label not in self._between:
            real = self._gate.real
            others = [x for c, x in enumerate(real) if c != label and len(x) >= FEWEST]
            apart = [
                metrics.kid(real[label][:MOST_OTHER], x[:MOST_OTHER]) for x in others if len(real[label]) >= FEWEST
            ]
            self._between[label] = min(apart) if apart and min(apart) > 0 else None
        between = self._between[label]
        return None if kid is None or between is None else kid / between

    def _detectable(self, label: int, n: int, tests: int) -> float | None:
        """Smallest shift that the test of KID would find among n samples; None where it is of no interest."""
        real = self._gate.real[label]
        if min(len(real), n) < FEWEST or len(real) >= MANY:
            return None
        if (label, n, tests) not in self._shifts:
            found = metrics.smallest_detectable_shift(real.std(axis=0), len(real), n, P_VALUE / tests, self.seed)
            self._shifts[label, n, tests] = found
        return self._shifts[label, n, tests]

    def _false_reject(self, cutoffs: dict[int, float]) -> dict[str, float] | None:
        """What the filters, at the cutoffs in force, would take from held-out real images of the classes checked."""
        flags = []
        for m, y in self._fresh:
            mine = np.isin(y, list(cutoffs))
            found = m.flags | {"atypical": self._gate.atypical(m, y, cutoffs)}
            flags.append({reason: of[mine] for reason, of in found.items()})
        if not sum(len(f["label"]) for f in flags):
            return None
        return reject_shares(flags, [r for r in REASONS if r in flags[0]])

    def _thresholds(self, cutoffs: dict[int, float]) -> dict[str, float]:
        own: dict[str, float] = {}
        for c, p in cutoffs.items():
            name = self.train.classes[c]
            own |= {f"label:{name}": self._gate.label_threshold[c], f"typicality:{name}": p}
        return {
            "saturated": self._gate.saturated,
            "near_duplicate": copies.NEAR,
            "near_duplicate_review": copies.DOUBTFUL,
            "near_parent": copies.NEAR_PARENT,
            "near_synthetic": copies.NEAR_SYNTHETIC,
            "hash_bits": float(self._gate.copies.bits),
            "blend": BLEND,
            "outside": OUTSIDE,
            "copies": class_verdict.DUPLICATES,
            "label_agreement": class_verdict.AGREEMENT,
            "lowest_coverage_diversity_vendi_density": class_verdict.LOWEST,
            "p_value": P_VALUE,
            "far": class_verdict.FAR,
            **own,
        }


def _corrected(scores: Mapping[int, Mapping[str, Score]]) -> dict[int, dict[str, float]]:
    """p-values by label and test, corrected by Holm over all of them."""
    given = [(c, name, s[name].p_value) for c, s in scores.items() for name in TESTS if s[name].p_value is not None]
    adjusted = metrics.holm(np.array([p for _, _, p in given], dtype=np.float64))
    corrected: dict[int, dict[str, float]] = {c: {} for c in scores}
    for (c, name, _), p in zip(given, adjusted.tolist(), strict=True):
        corrected[c][name] = p
    return corrected
