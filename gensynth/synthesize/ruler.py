"""Ruler: what a whole synthetic data set is measured by: likeness to held-out real data, and what attacks find.

All examples count as one class, with the label among what is compared (`Kind.as_one`). Held-out real examples, which no
sampler has seen, are what synthetic ones should look like, and what training examples are told from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.evaluate.evaluate import some_of
from gensynth.fidelity.metrics.detection import detection_auc
from gensynth.fidelity.privacy import Privacy, attack, auc_interval
from gensynth.kind import kinds
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

MOST = 2_000
"""Training, held-out and synthetic examples that are measured with, at most of each."""
NATURAL = 0.05
"""Where this share of training examples equal another one, equality gives nobody away, and copies stay."""
EQUAL = 0.05
"""Samplers are equally private if attacks on one find no more than this beyond what they find on the most private."""
MOST_DRAWS, MOST_TRIED = 10, 300
"""Draws per wanted example after which a sampler that repeats training examples is given up, and where examples have to
match a condition."""


@dataclass(frozen=True)
class Measured:
    """How like real data a sampler's examples are, and how like training examples.

    Attributes:
        sampler: Its name.
        detection: Area under the ROC curve of boosted trees that tell them from held-out real examples; 0.5 is ideal.
        detection_interval: Its 95 % interval.
        nearer: Share of them nearer to training examples than to as many held-out ones; 0.5 is ideal.
        nearer_interval: Its 95 % interval.
        membership: Area under the ROC curve of an attack that names training examples; 0.5 is ideal.
        privacy: What the attacks come to, as in `gensynth.fidelity.privacy`.
        copies: Share of what it draws that equals a training example; taken out before all else unless it is natural.
        seconds: Time to fit it, and to draw what is measured.
    """

    sampler: str
    detection: float
    detection_interval: tuple[float, float]
    nearer: float
    nearer_interval: tuple[float, float]
    membership: float
    privacy: str
    copies: float
    seconds: float

    @property
    def leaked(self) -> float:
        """How well the better of two attacks tells training examples from others; 0.5 where it cannot."""
        return max(self.nearer, self.membership)


class Ruler:
    """Measures what samplers draw.

    Args:
        parts: Real data; samplers learn from the training part alone.
        seed: Seed of what is left out here where there is much.

    Raises:
        ValueError: if no real examples are held out.
    """

    def __init__(self, parts: Parts, seed: int) -> None:
        self.kind = kind = kinds()[parts.train.kind]
        self.as_one, self.seed, self.noun = kind.as_one(parts.train), seed, parts.train.noun
        self.held_out = joined([part for part in (parts.validation, parts.test) if len(part)])
        self.train, self.held = (
            self.as_one(part.subset(some_of(part, MOST, seed))) for part in (parts.train, self.held_out)
        )
        self.space = kind.blind_space(joined([self.train, self.held]))
        known = Counter(self.as_one(parts.train).x.hashes())
        self.known = frozenset(known)
        self.natural = sum(n for n in known.values() if n > 1) / known.total()

    def copies(self, drawn: Synthetic) -> np.ndarray:
        """Return which examples equal a training example, bool, shape (n,)."""
        return np.array([each in self.known for each in self.as_one(drawn).x.hashes()], dtype=bool)

    def draw(
        self, sampler: Sampler, counts: Mapping[str, int], seed: int, where: str | None = None
    ) -> tuple[Synthetic, float]:
        """Draw examples of classes, no copies of training examples among them unless equality is natural.

        Args:
            sampler: What draws.
            counts: How many examples of each class.
            seed: Seed of the examples.
            where: What each example has to match (`Kind.matching`); None for nothing.

        Returns:
            The examples, and the share of copies among all that were drawn for them; with a condition, the share that
            does not match it.

        Raises:
            ValueError: if the sampler draws hardly anything but copies, or hardly anything that matches.
        """
        drawn, left_out = zip(
            *(self._draw(sampler, name, n, seed, where) for name, n in counts.items() if n), strict=True
        )
        return Synthetic.concat(drawn), float(np.mean(np.concatenate(left_out)))

    def _draw(self, sampler: Sampler, label: str, n: int, seed: int, where: str | None) -> tuple[Synthetic, np.ndarray]:
        most, total = n * (MOST_DRAWS if where is None else MOST_TRIED), n
        while True:
            found = sampler.sample(label, total, seed)
            copies = self.copies(found)
            unlike = np.zeros(total, bool) if where is None else ~self.kind.matching(self.as_one(found), where)
            fresh = np.flatnonzero(~unlike & ((self.natural >= NATURAL) | ~copies))
            if len(fresh) >= n:
                left_out = copies if where is None else unlike
                return found.subset(fresh[:n]), left_out[: int(fresh[n - 1]) + 1]
            if total >= most:
                raise ValueError(self._too_few(sampler.name, label, len(fresh), total, where))
            total = min(most, int(1.1 * total * n / max(len(fresh), 1)) + 1)

    def _too_few(self, sampler: str, label: str, fresh: int, total: int, where: str | None) -> str:
        if where is None:
            return (
                f"{1 - fresh / total:.0%} of the {self.noun}s of {label!r} that {sampler} draws are copies of training "
                "ones; take another sampler."
            )
        return (
            f"of {total} {self.noun}s of {label!r} that {sampler} draws {fresh} match {where!r}; ask for fewer, or for "
            "what is less rare."
        )

    def measured(self, drawn: Synthetic, copies: float, seconds: float) -> tuple[Measured, Privacy]:
        """Measure what a sampler drew, and attack it.

        Args:
            drawn: As it is to be published.
            copies: As `Measured.copies`.
            seconds: As `Measured.seconds`.
        """
        one = self.as_one(drawn.subset(np.sort(np.random.default_rng(self.seed).permutation(len(drawn))[:MOST])))
        train, held, synthetic = (self.space.see(x) for x in (self.train.x, self.held.x, one.x))
        members, others, samples = (
            (seen.points, np.zeros(len(seen.points), dtype=np.int64)) for seen in (train, held, synthetic)
        )
        privacy = attack(members, others, samples, one.classes, self.seed)
        found = privacy.classes[0]
        n = min(len(self.held), len(one))
        auc = detection_auc(self.space.readable(held)[:n], self.space.readable(synthetic)[:n], self.seed)
        return Measured(
            sampler=drawn.sampler,
            detection=auc,
            detection_interval=auc_interval(auc, n, n),
            nearer=found.distance.share if found.distance else nan,
            nearer_interval=found.distance.interval if found.distance else (nan, nan),
            membership=found.membership.auc if found.membership else nan,
            privacy=privacy.status,
            copies=copies,
            seconds=seconds,
        ), privacy


def best(found: Sequence[Measured]) -> Measured:
    """Return what is hardest to tell from real data among the most private, those that are equal by `EQUAL`."""
    most = min(m.leaked for m in found) + EQUAL
    return min((m for m in found if m.leaked <= most), key=lambda m: abs(m.detection - 0.5))


def joined(parts: Sequence[LabeledData]) -> LabeledData:
    """Return parts of one data set as one; ValueError if there are none."""
    if not parts:
        raise ValueError("no real examples are held out to measure by; give a larger --test share.")
    first = parts[0]
    return replace(
        first,
        x=first.x.join([part.x for part in parts[1:]]),
        y=np.concatenate([part.y for part in parts]),
        ids=tuple(i for part in parts for i in part.ids),
        domains=None if first.domains is None else tuple(d for part in parts for d in part.domains or ()),
        groups=None if first.groups is None else tuple(g for part in parts for g in part.groups or ()),
    )
