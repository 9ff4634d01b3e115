"""Ruler: what a whole synthetic data set is measured by: likeness to held-out real data, and what attacks find.

All examples count as one class, with the label among what is compared (`Kind.as_one`). Held-out real examples, which no
sampler has seen, are what synthetic ones should look like, and what training examples are told from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gensynth.data.split import Parts
from gensynth.data.words import counted
from gensynth.fidelity.metrics.copying import DistanceShare
from gensynth.fidelity.metrics.detection import detection_auc
from gensynth.fidelity.privacy import FEWEST, MembershipAttack, Privacy, attack, auc_interval
from gensynth.kind import kinds
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

MOST = 2_000
"""Training, held-out and synthetic examples that are measured with, at most of each."""
NATURAL = 0.05
"""Where this share of examples that equal no real one repeat each other, equality gives nobody away: copies stay."""
EQUAL = 0.05
"""Samplers are equally private if attacks on one find no more than this beyond what they find on the most private."""
MOST_DRAWS, MOST_TRIED = 10, 300
"""Draws per wanted example after which a sampler that repeats real ones is given up, and where they have to match."""
FIRST, ENOUGH = 1_000, 100_000
"""Where examples have to match a condition so many are drawn at first, and at least before it is given up."""


@dataclass(frozen=True)
class Measured:
    """How like real data a sampler's examples are, and how like training examples.

    Attributes:
        sampler: Its name.
        detection: Area under the ROC curve of boosted trees that tell them from held-out real examples; 0.5 is ideal.
        detection_interval: Its 95 % interval.
        privacy: What attacks find that look for training examples.
        copies: Share of what it draws that equals a real example.
        seconds: Time to fit it, and to draw what is measured.
    """

    sampler: str
    detection: float
    detection_interval: tuple[float, float]
    privacy: Privacy
    copies: float
    seconds: float

    @property
    def membership(self) -> MembershipAttack:
        """An attack that names training examples."""
        found = self.privacy.classes[0].membership
        assert found is not None
        return found

    @property
    def nearer(self) -> DistanceShare:
        """How many examples are nearer to training examples than to as many held-out ones."""
        found = self.privacy.classes[0].distance
        assert found is not None
        return found

    @property
    def leaked(self) -> float:
        """How well the better of the two tells training examples from others; 0.5 where it cannot."""
        return max(self.nearer.share, self.membership.auc)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Examples as they are to be published, and what was left out.

    Attributes:
        examples: The examples.
        copies: Share of all that was drawn that equals a real example which occurs once.
        matched: Share of it that matches the condition; 1 without one.
        natural: Whether copies were left in, as `NATURAL` says.
    """

    examples: Synthetic
    copies: float
    matched: float
    natural: bool


class Ruler:
    """Measures what samplers draw.

    Args:
        parts: Real data; samplers learn from the training part alone.
        seed: Seed of what is left out here where there is much.

    Raises:
        ValueError: if there are too few real examples, or nothing in them to compare.
    """

    def __init__(self, parts: Parts, seed: int) -> None:
        self.kind = kinds()[parts.train.kind]
        self.as_one, self.seed, self.noun = self.kind.as_one(parts.train), seed, parts.train.noun
        held_out = [part for part in (parts.validation, parts.test) if len(part)]
        if not held_out:
            raise ValueError("no real examples are held out to measure by; give a larger --test share.")
        self.held_out = held_out[0].join(held_out[1:])
        if (least := min(len(parts.train), len(self.held_out))) < FEWEST:
            raise ValueError(
                f"{len(parts.train)} training and {len(self.held_out)} held-out {self.noun}s are too few to measure "
                f"by: {FEWEST} of each are needed, not {least}; add {self.noun}s, or change --test."
            )
        self.train, self.held = (self._some(self.as_one(part)) for part in (parts.train, self.held_out))
        self.space = self.kind.blind_space(self.train.join([self.held]))
        if not self.space.readable(self.space.see(self.held.x)).shape[1]:
            raise ValueError(f"there is nothing to learn from these {self.noun}s: all is left alone, as ids are.")
        real = Counter(self.as_one(parts.train.join([self.held_out])).x.hashes())
        self.once = frozenset(content for content, n in real.items() if n == 1)

    def _some(self, data: Any) -> Any:
        """Return at most `MOST` examples in any order: those of a class must not come first."""
        return data.subset(np.random.default_rng(self.seed).permutation(len(data))[:MOST])

    def draw(self, sampler: Sampler, counts: Mapping[str, int], seed: int, where: str | None = None) -> Drawn:
        """Draw examples of classes, without copies of real examples, unless the sampler is private.

        A copy equals a real example, training or held out, that occurs once: to leave out those of training examples
        alone would give these away by their absence.

        Args:
            sampler: What draws.
            counts: How many examples of each class.
            seed: Seed of the examples.
            where: What each example has to match (`Kind.matching`); None for nothing.

        Raises:
            ValueError: if the sampler draws hardly anything but copies, or hardly anything that matches.
        """
        found = [self._draw(sampler, name, n, seed, where) for name, n in counts.items() if n]
        copies, matched = (np.concatenate([each[at] for each in found]) for at in (1, 2))
        return Drawn(
            Synthetic.concat([each[0] for each in found]),
            float(copies.mean()),
            float(matched.mean()),
            any(each[3] for each in found),
        )

    def _draw(
        self, sampler: Sampler, label: str, n: int, seed: int, where: str | None
    ) -> tuple[Synthetic, np.ndarray, np.ndarray, bool]:
        """Return n examples of a class, which of all that was drawn are copies and which match, and `Drawn.natural`."""
        most = MOST_DRAWS * n if where is None else max(MOST_TRIED * n, ENOUGH)
        total = n if where is None else max(n, FIRST)
        while True:
            found = sampler.sample(label, total, seed)
            one = self.as_one(found)
            copies, natural = self._copies(one)
            matches = np.ones(total, dtype=bool) if where is None else self.kind.matching(one, where)
            good = np.flatnonzero(matches & (natural | sampler.private | ~copies))
            if len(good) >= n:
                last = int(good[n - 1]) + 1
                return found.subset(good[:n]), copies[:last], matches[:last], natural and bool(copies[good[:n]].any())
            if total >= most:
                raise ValueError(_too_few(sampler.name, label, (len(good), total, n), where, self.noun))
            total = min(most, max(2 * total, int(1.1 * total * n / len(good)) + 1 if len(good) else 0))

    def draw_given(self, sampler: Sampler, cells: Any, seed: int) -> Drawn:
        """Draw examples of which a part is given, one around each part; copies are drawn again.

        Args:
            sampler: What draws; it `conditions`.
            cells: What is given, as `Sampler.given` takes it.
            seed: Seed of the examples.

        Raises:
            ValueError: if one comes out as a copy of a real example in each of `MOST_DRAWS` draws.
        """
        found = sampler.given(cells, seed)
        at = np.arange(len(found))
        repeated: list[float] = []
        for draw in range(1, MOST_DRAWS + 1):
            copies, natural = self._copies(self.as_one(found))
            repeated.append(float(copies.mean()))
            if natural or not copies.any():
                return Drawn(found, repeated[0], 1.0, natural and bool(copies.any()))
            again = sampler.given(cells, seed, start=draw * len(found))
            found = Synthetic.concat([found, again]).subset(np.where(copies, len(at) + at, at))
        first = int(np.flatnonzero(copies)[0])
        raise ValueError(
            f"{counted(int(copies.sum()), self.noun)} of those given, such as number {first}, counted from 0, come out "
            f"equal to a real one in each of {MOST_DRAWS} draws: what is given leaves nothing else; give less of it."
        )

    def _copies(self, one: Synthetic) -> tuple[np.ndarray, bool]:
        """Return which examples, made one class, are copies, bool, shape (n,), and whether `NATURAL` lets them stay."""
        hashes = one.x.hashes()
        copies = np.array([content in self.once for content in hashes], dtype=bool)
        new = [content for content, copy in zip(hashes, copies, strict=True) if not copy]
        return copies, len(new) - len(set(new)) >= NATURAL * max(1, len(new))

    def measured(self, drawn: Drawn, seconds: float) -> Measured:
        """Measure what a sampler drew, and attack it; `seconds` as in `Measured`."""
        one = self._some(self.as_one(drawn.examples))
        train, held, synthetic = (self.space.see(x) for x in (self.train.x, self.held.x, one.x))
        members, others, samples = (
            (seen.points, np.zeros(len(seen.points), dtype=np.int64)) for seen in (train, held, synthetic)
        )
        n = min(len(self.held), len(one))
        auc = detection_auc(self.space.readable(held)[:n], self.space.readable(synthetic)[:n], self.seed)
        return Measured(
            sampler=drawn.examples.sampler,
            detection=auc,
            detection_interval=auc_interval(auc, n, n),
            privacy=attack(members, others, samples, one.classes, self.seed),
            copies=drawn.copies,
            seconds=seconds,
        )


def _too_few(sampler: str, label: str, counts: tuple[int, int, int], where: str | None, noun: str) -> str:
    good, total, n = counts
    if where is None:
        copied = f"{1 - good / total:.0%} of the {noun}s of {label!r} that {sampler} draws are copies of real ones"
        return f"{copied}; take another sampler."
    return (
        f"of {total} {noun}s of {label!r} that {sampler} draws {good} match {where!r}, and {n} are wanted; ask for "
        "fewer, or for what is less rare."
    )


def best(found: Sequence[Measured]) -> Measured:
    """Return what is hardest to tell from real data among the most private, those that are equal by `EQUAL`."""
    most = min(m.leaked for m in found) + EQUAL
    return min((m for m in found if m.leaked <= most), key=lambda m: abs(m.detection - 0.5))
