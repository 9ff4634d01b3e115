"""FidelityChecker: fitted on real training examples, it says which synthetic ones are good enough, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity import class_scores, metrics
from gensynth.fidelity.blend import BLEND
from gensynth.fidelity.class_verdict import AGREEMENT, DUPLICATES, FEWEST, MANY, P_VALUE, Evidence, judge_class
from gensynth.fidelity.gate import Gate, Measures, Screened
from gensynth.fidelity.quota import only_wanted
from gensynth.fidelity.space import Space
from gensynth.fidelity.verdict import REASONS, ClassVerdict, SampleVerdicts, Score, Verdict, status_of_all
from gensynth.kind import kinds
from gensynth.sampler.synthetic import Synthetic

FAULTS = ("invalid", "label", "atypical")
"""Reasons that are about what an example shows, not about copies."""
MOST_HELD_OUT = 5_000
"""At most this many held-out examples, drawn with the checker's seed, measure what the gate costs."""
MOST_COPYING = 2_000
"""The test of copying uses at most this many samples of a class."""


@final
class FidelityChecker:
    """Checks synthetic examples against real ones: each example, each class and the whole.

    Everything is fitted and calibrated on `train` at construction. `gate` screens a round of drawing;
    `check` gives the full verdict.

    Args:
        train: Real training examples of any kind.
        held_out: Validation and test parts. They measure what the gate costs real examples, serve as fresh ones in the
            test of copying, and raise the alarm when a sample equals one of them; nothing is fitted on them.
        seed: Seed of all that is random here.
        space: Where examples are compared, fitted on `train`; by default what their kind takes.

    Raises:
        ValueError: if there are too few training examples to fit on, or a held-out part has a class or a layout that
            `train` lacks.
        TypeError: if a held-out part is of another kind.
    """

    def __init__(
        self,
        train: LabeledData,
        held_out: Sequence[LabeledData] = (),
        seed: int = 0,
        space: Space | None = None,
    ) -> None:
        held_out = [replace(p, y=train.labels_of(p.y, p.classes), classes=train.classes) for p in held_out]
        self.train, self.seed = train, seed
        for part in held_out:
            self._refuse_another_kind(part)
        self._space = space or kinds()[train.kind].space(train, seed)
        self._gate = Gate(self._space, train, held_out, seed)
        self._fresh: list[tuple[Measures, np.ndarray]] = []
        rng, n = np.random.default_rng(seed), sum(map(len, held_out))
        for part in held_out:
            some = rng.random(len(part)) < MOST_HELD_OUT / max(n, MOST_HELD_OUT)
            known = part.subset(some & np.isin(part.y, train.y))
            if len(known):
                self._fresh.append((self._gate.measure(known.x, known.y), known.y))

    def gate(self, synthetic: Synthetic) -> SampleVerdicts:
        """Screen one round of drawing.

        Args:
            synthetic: The samples; their classes are matched with the training data's by name.

        Raises:
            ValueError: if there are no samples, a class has no real training examples or their layout is another one.
            TypeError: if they are of another kind.
        """
        return self._screen(synthetic).samples

    def check(self, synthetic: Synthetic, wanted: Mapping[str, int] | None = None) -> Verdict:
        """Check samples as drawn: every one, every class that has samples, and the whole.

        Args:
            synthetic: The samples; their classes are matched with the training data's by name.
            wanted: How many of a class are accepted at most, by name: of more good ones those that differ most are
                chosen (`gensynth.fidelity.quota`). By default all good ones are.

        Raises:
            ValueError: if there are no samples, a class has no real training examples or their layout is another one.
            TypeError: if they are of another kind.
        """
        screened = self._screen(synthetic)
        y = self.train.labels_of(synthetic.y, synthetic.classes)
        labels, limits, noun = [int(c) for c in np.unique(y)], self._space.limits, self.train.noun
        tests = [name for name, limit in limits.items() if limit.test]
        scores = {c: self._scores(c, y == c, synthetic, screened, len(labels) * len(tests)) for c in labels}
        p_values = _corrected(scores, tests)
        samples = screened.samples
        if wanted is not None:
            counts = {c: wanted.get(self.train.classes[c], 0) for c in labels}
            samples = only_wanted(samples, screened.measures.seen.points, y, counts)
        level = P_VALUE / max(1, sum(map(len, p_values.values())))
        classes = []
        for c in labels:
            mine, n_real = y == c, self._gate.references[c].n
            n = int(mine.sum())
            shift = self._space.detectable(c, n, level) if FEWEST <= n_real < MANY and n >= FEWEST else None
            faulty = int(np.isin(screened.samples.reason, FAULTS)[mine].sum())
            passed = int(screened.samples.accepted[mine].sum())
            status, why = judge_class(Evidence(noun, n_real, n, passed, faulty, scores[c], limits, p_values[c], shift))
            reasons = Counter(samples.reason[i] for i in np.flatnonzero(mine))
            classes.append(
                ClassVerdict(
                    label=self.train.classes[c],
                    status=status,
                    n_real=n_real,
                    n_synthetic=n,
                    n_accepted=reasons[""],
                    rejected={r: reasons[r] for r in REASONS if r in reasons},
                    scores=tuple(scores[c].values()),
                    why=why,
                    n_review=sum(samples.review[i] != "" for i in np.flatnonzero(mine)),
                    detectable=shift,
                )
            )
        return Verdict(
            status=status_of_all(classes, screened.contamination),
            samples=samples,
            classes=tuple(classes),
            false_reject=self._false_reject(screened.cutoffs),
            contamination=screened.contamination,
            thresholds=self._thresholds(screened.cutoffs),
            stamp=self.stamp,
        )

    @property
    def stamp(self) -> dict[str, str]:
        """What coordinates depend on, and training data: compare scores only between equal stamps."""
        return {**self._space.stamp, "train": self.train.fingerprint}

    def _screen(self, synthetic: Synthetic) -> Screened:
        if not len(synthetic):
            raise ValueError("there is nothing to check: the synthetic data are empty; draw samples first.")
        self._refuse_another_kind(synthetic)
        y, noun = self.train.labels_of(synthetic.y, synthetic.classes), self.train.noun
        empty = [self.train.classes[c] for c in np.unique(y) if not self._gate.references[c].n]
        if empty:
            raise ValueError(
                f"classes {empty} have no real training {noun} to check against; add some or leave them out."
            )
        return self._gate.screen(synthetic.x, y, synthetic.parents)

    def _refuse_another_kind(self, data: LabeledData | Synthetic) -> None:
        if data.x.kind != self.train.kind:
            raise TypeError(
                f"data of kind {data.x.kind!r} cannot be compared with training data of kind {self.train.kind!r}; "
                "give real and synthetic data of one kind."
            )

    def _scores(
        self, label: int, mine: np.ndarray, synthetic: Synthetic, screened: Screened, tests: int
    ) -> dict[str, Score]:
        """Scores of one class by name: those of its kind, then those that all kinds have."""
        m, at, reference = screened.measures, np.flatnonzero(mine), self._gate.references[label]
        some = np.random.default_rng(self.seed).permutation(at)[:MOST_COPYING]
        points = self._space.real.points
        called = [(f.flags["dup_near"] | f.flags["dup_exact"])[y == label] for f, y in self._fresh]
        fresh = [f.seen.points[y == label] for f, y in self._fresh]
        named = any(synthetic.parents[i] for i in at)
        enough = min(reference.n, len(at)) >= FEWEST
        scores = (
            *(self._space.scores(label, at, synthetic, m.seen, tests) if enough else ()),
            class_scores.copying(
                points[reference.at], m.seen.points[some], np.concatenate([points[:0], *fresh]), named
            ),
            class_scores.label_agreement(m.agrees[mine], reference.agrees),
            class_scores.copies(screened.copies[mine], np.concatenate([np.zeros(0, dtype=bool), *called])),
        )
        return {score.name: score for score in scores}

    def _false_reject(self, cutoffs: Mapping[int, float]) -> dict[str, float] | None:
        """What the filters, at the cutoffs in force, would take from held-out real examples of the classes checked."""
        found = []
        for m, y in self._fresh:
            flags = {**m.flags, "atypical": self._gate.atypical(m, y, cutoffs)}
            of = np.array([flags[r] for r in REASONS if r in flags])
            found.append(of[:, np.isin(y, list(cutoffs))])
        if not found or not (rejected := np.concatenate(found, axis=1)).size:
            return None
        shares = dict(zip([r for r in REASONS if r in flags], rejected.mean(axis=1).tolist(), strict=True))
        return shares | {"any": float(rejected.any(axis=0).mean())}

    def _thresholds(self, cutoffs: Mapping[int, float]) -> dict[str, float]:
        own: dict[str, float] = {}
        limits = self._space.limits.items()
        for c, p in cutoffs.items():
            name = self.train.classes[c]
            own |= {f"label:{name}": self._gate.references[c].label, f"typicality:{name}": p}
        return {
            "blend": BLEND,
            "copies": DUPLICATES,
            "label_agreement": AGREEMENT,
            "p_value": P_VALUE,
            **{f"{name} {what}": level for name, limit in limits for what, level in limit.levels.items()},
            **self._space.thresholds(list(cutoffs)),
            **own,
        }


def _corrected(scores: Mapping[int, Mapping[str, Score]], tests: Sequence[str]) -> dict[int, dict[str, float]]:
    """p-values by label and test, corrected by Holm over all of them."""
    found = [(c, name, s[name].p_value) for c, s in scores.items() for name in tests if name in s]
    given = [(c, name, p) for c, name, p in found if p is not None]
    adjusted = metrics.holm(np.array([p for _, _, p in given], dtype=np.float64))
    corrected: dict[int, dict[str, float]] = {c: {} for c in scores}
    for (c, name, _), p in zip(given, adjusted.tolist(), strict=True):
        corrected[c][name] = p
    return corrected
