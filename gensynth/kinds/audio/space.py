"""AudioSpace: where clips are compared, fitted on real training clips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from gensynth.data.each import in_threads
from gensynth.data.labeled import LabeledData
from gensynth.fidelity import metrics, set_scores
from gensynth.fidelity.class_verdict import P_VALUE, Limit
from gensynth.fidelity.conformal import pooled
from gensynth.fidelity.set_scores import Featured
from gensynth.fidelity.space import Found, Seen, Space
from gensynth.fidelity.verdict import Score
from gensynth.kinds.audio.clips import Clips
from gensynth.kinds.audio.copies import LOOKED, Sketches
from gensynth.kinds.audio.levels import columns
from gensynth.kinds.audio.look import Look, looks
from gensynth.sampler.synthetic import Synthetic

MOST_ROWS = 1000
"""The metrics use at most this many clips of a class of either kind, drawn with the seed."""
NEAR_LEVEL, LEAST, COPY = 0.01, 0.975, 0.985
"""Share of real clips that may be more alike than a near copy is; a likeness below the second is none, and one from the
third on is in any case, also of a parent and of an earlier sample."""
FAINTER = 20.0
"""dB that the loudest part of a clip may lie below that of the quietest real one."""
FLAT, DC, CLICK, LONGER = 4, 0.02, 1.25, 1.5
"""What a clip may have beyond what real ones have: samples in a row at full scale, whatever real ones have; more of a
constant part; times larger a jump; and times the longest, or the shortest, of its class."""


@final
@dataclass(frozen=True, eq=False)
class SeenClips(Seen):
    """What the space sees in n clips.

    Attributes:
        sketches: What copies are told by.
        seconds: Their lengths, float64, shape (n,).
    """

    sketches: Sketches
    seconds: np.ndarray


@final
class AudioSpace(Space):
    """Likeness is measured in features to which nothing was fitted; copies are looked for in the log-mel.

    Args:
        train: Real training clips.
        seed: Seed of the clips that are scored.
    """

    limits: ClassVar[Mapping[str, Limit]] = set_scores.LIMITS

    def __init__(self, train: LabeledData, seed: int = 0) -> None:
        self.train, self.seed, self.view = train, seed, train.x.view
        self.stamp = {"name": "log-mel", "heard": f"{self.view.seconds:g} s at {self.view.rate} Hz"}
        found = looks(train.x.clips, self.view)
        points = _points(found)
        # Only for the judge, who is fitted to the same clips, too.
        self._mean, self._deviation = points.mean(axis=0), np.maximum(points.std(axis=0), 1e-3)
        self._usual = Usual(found)
        self.real: SeenClips = self._seen(train.x, found)
        self.at, self.hashes = np.arange(len(train)), self.real.hashes
        self._place = {name: i for i, name in enumerate(train.ids)}
        self.near, self.usual = self._near()
        of_class = [self.real.seconds[train.y == c] for c in range(len(train.classes))]
        self._shortest = np.array([s.min(initial=np.inf) for s in of_class])
        self._longest = np.array([s.max(initial=0) for s in of_class])
        # A held-out clip is not looked for beyond exact copies: real ones may lie as near to each other.
        self.near_held_out = self.near_synthetic = np.zeros(len(train.classes))

    def see(self, x: Clips) -> SeenClips:
        """As `Space.see`."""
        if x.layout != self.view:
            raise ValueError(f"clips must be heard as the training clips, {self.view}, not {x.layout}; use 'Clips.of'.")
        return self._seen(x, looks(x.clips, self.view))

    def _seen(self, x: Clips, found: Sequence[Look]) -> SeenClips:
        points, sketches = _points(found), Sketches.of([each.picture for each in found], self.view)
        wide, faults = (points - self._mean) / self._deviation, self._usual.faults(found)
        seconds = np.array([clip.seconds for clip in x.clips])
        return SeenClips(x.hashes(), wide, points, sketches.keys, faults, sketches, seconds)

    def hashes_of(self, x: Clips) -> tuple[bytes, ...]:
        """As `Space.hashes_of`; no file is read."""
        return x.hashes()

    def _near(self) -> tuple[np.ndarray, np.ndarray]:
        """Return by label the likeness from which on a clip is a near copy, and the usual distance of the nearest.

        The distance of two clips is 1 less their likeness, the usual one its median, float64, shape (classes,) each.
        """
        own = [[i] for i in range(len(self.train))]
        best = self._best(self.real.sketches, own)[1]
        of_class = [best[self.train.y == c] for c in range(len(self.train.classes))]
        near = [
            np.clip(np.quantile(m, 1 - NEAR_LEVEL), LEAST, COPY) if len(m) else COPY
            for m in pooled(of_class, self.train)
        ]
        usual = [max(1 - float(np.median(m)), 1 - COPY) if len(m) else 1.0 for m in of_class]
        return np.array(near), np.array(usual)

    def _best(self, sketches: Sketches, own: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
        """Return the real clip, of any class, that each of n clips is likest to, and how like; -1 and 0 for none.

        Args:
            sketches: Of the n clips.
            own: Positions that do not count, of each.
        """
        real = self.real.sketches
        found = real.candidates(sketches.keys, max(map(len, own), default=0))

        def best(i: int) -> tuple[int, float]:
            some = [at for at in found[i].tolist() if at not in own[i]][:LOOKED]
            if not some:
                return -1, 0.0
            like = real.likeness(sketches.pictures[i], some)
            return some[int(like.argmax())], float(like.max())

        at, like = zip(*in_threads(best, range(len(own))), strict=True)
        return np.array(at, dtype=np.int64), np.array(like)

    def found(
        self, seen: Seen, y: np.ndarray, parents: Sequence[tuple[str, ...]], distance: np.ndarray, closest: np.ndarray
    ) -> Found:
        """As `Space.found`."""
        assert isinstance(seen, SeenClips)
        own = [[self._place[name] for name in names if name in self._place] for names in parents]
        best, like = self._best(seen.sketches, own)
        of_parent = np.full(len(y), np.nan)
        for i in (i for i, at in enumerate(own) if at):
            of_parent[i] = self.real.sketches.likeness(seen.sketches.pictures[i], own[i]).max()
        length = (seen.seconds > LONGER * self._longest[y]) | (seen.seconds < self._shortest[y] / LONGER)
        flags = {"invalid": length, "dup_near": like >= self.near[y], "dup_parent": np.nan_to_num(of_parent) >= COPY}
        scores = {"near_duplicate": (1 - like) / self.usual[y], "parent_distance": (1 - of_parent) / self.usual[y]}
        return Found(flags, {}, np.where(best >= 0, best, closest), scores)

    def near_earlier(self, seen: Seen, at: np.ndarray, label: int) -> np.ndarray:
        """As `Space.near_earlier`: those as like as copies of any clip are."""
        assert isinstance(seen, SeenClips)
        pictures, keys = seen.sketches.pictures[at], seen.sketches.keys[at]
        mine, near = Sketches(pictures, keys, self.view), np.zeros(len(at), dtype=bool)
        for i, alike in enumerate(mine.candidates(keys, 1).tolist()):
            before = [j for j in alike if j < i and not near[j]]
            near[i] = bool(before) and mine.likeness(pictures[i], before).max() >= COPY
        return near

    def scores(self, label: int, at: np.ndarray, synthetic: Synthetic, seen: Seen, tests: int) -> Iterable[Score]:
        """As `Space.scores`: every metric."""
        members = np.flatnonzero(self.train.y == label)
        # Holm's smallest p-value must be able to fall below the level: 1 / (1 + B) < level / tests.
        permutations, rng = max(1000, round(2 * tests / P_VALUE)), np.random.default_rng(self.seed)
        some, drawn = (of[rng.permutation(len(of))[:MOST_ROWS]] for of in (members, at))
        real = Featured(self.real.points[some], None, self.train.noun)
        samples = Featured(seen.points[drawn], None, self.train.noun)
        found = set_scores.set_scores(real, samples, self.seed, permutations)
        found["kid"] = replace(found["kid"], apart=set_scores.apart(self.real.points, self.train.y, label))
        return found.values()

    def detectable(self, label: int, n: int, level: float) -> float | None:
        """As `Space.detectable`, of the test of KID."""
        real = self.real.points[self.train.y == label]
        return metrics.smallest_detectable_shift(real.std(axis=0), len(real), n, level, self.seed)

    def thresholds(self, labels: Sequence[int]) -> Mapping[str, float]:
        """As `Space.thresholds`."""
        near = {f"near_duplicate:{self.train.classes[c]}": float((1 - self.near[c]) / self.usual[c]) for c in labels}
        parent = {f"near_parent:{self.train.classes[c]}": (1 - COPY) / float(self.usual[c]) for c in labels}
        return near | parent | self._usual.limits


def _points(found: Sequence[Look]) -> np.ndarray:
    return np.array([each.features for each in found], dtype=np.float64)


@final
class Usual:
    """What real clips are like: how quiet, and how far they are clipped, shifted from zero and broken.

    Args:
        real: What is taken from the real clips.
    """

    def __init__(self, real: Sequence[Look]) -> None:
        of = columns([each.levels for each in real])
        self.finite = bool((of["finite"] == 1).all())
        self.limits = {
            "loudest": float(of["loudest"].min()) - FAINTER,
            "flat": max(FLAT, LONGER * float(of["flat"].max())),
            "dc": float(of["dc"].max()) + DC,
            "click": CLICK * float(of["click"].max()),
        }

    def faults(self, found: Sequence[Look]) -> dict[str, np.ndarray]:
        """Return by what is wrong which clips cannot be, bool, shape (n,)."""
        of = columns([each.levels for each in found])
        return {
            "silent": of["loudest"] < self.limits["loudest"],
            "clipped": of["flat"] > self.limits["flat"],
            "constant part": of["dc"] > self.limits["dc"],
            "click": of["click"] > self.limits["click"],
            "not a number": (of["finite"] == 0) & self.finite,
        }
