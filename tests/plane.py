"""A kind of data as small as can be, points in the plane: what a new kind has to say to be checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from gensynth.data.examples import Examples
from gensynth.data.labeled import LabeledData
from gensynth.fidelity.class_scores import COPYING
from gensynth.fidelity.near_copies import NearCopies
from gensynth.fidelity.space import Found, Seen, Space
from gensynth.fidelity.verdict import Score
from gensynth.kind import Kind
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Points(Examples):
    kind: ClassVar[str] = "plane"
    noun: ClassVar[str] = "point"
    layout: ClassVar[int] = 2
    xy: np.ndarray

    def __len__(self) -> int:
        return len(self.xy)

    def __getitem__(self, at: Any) -> np.ndarray:
        return self.xy[at]

    def take(self, at: np.ndarray) -> Points:
        return replace(self, xy=self.xy[at])

    def join(self, others: Sequence[Points]) -> Points:
        return replace(self, xy=np.concatenate([self.xy, *(other.xy for other in others)]))

    def hashes(self) -> tuple[bytes, ...]:
        return tuple(point.tobytes() for point in self.xy)


class PlaneSpace(Space):
    limits = {"copying": COPYING}
    stamp = {"name": "plane"}

    def __init__(self, train: LabeledData) -> None:
        self.at, self.hashes, self.real = np.arange(len(train)), train.x.hashes(), self.see(train.x)
        self.copies = NearCopies.fit(train, self.at, train.x.xy)
        self.near_held_out, self.near_synthetic = np.zeros(len(train.classes)), self.copies.near_synthetic

    def see(self, x: Points) -> Seen:
        return Seen(x.hashes(), np.c_[x.xy, x.xy**2], x.xy, x.xy, {"infinite": ~np.isfinite(x.xy).all(axis=1)})

    def found(self, seen: Seen, y: np.ndarray, parents: Any, distance: np.ndarray, closest: np.ndarray) -> Found:
        return self.copies(seen.points, y, parents, distance, closest)

    def scores(self, label: int, at: np.ndarray, synthetic: Synthetic, seen: Seen, tests: int) -> Sequence[Score]:
        return ()


def plane(seed: int, n: int = 200) -> LabeledData:
    """Points around two centres."""
    rng, y = np.random.default_rng(seed), np.arange(n) % 2
    return LabeledData(
        Points(rng.normal(size=(n, 2)) + 5 * y[:, None]), y, ("low", "high"), tuple(f"{seed}/{i}" for i in range(n))
    )


class Plane(Kind):
    """Points in the plane as a kind; what is not asked of it in tests is left out."""

    name, plural, noun, sources = "plane", "points", "point", "points of the plane have no files"
    claims = parts = against = files = run_files = samplers = made = classifiers = design = None

    def space(self, train: LabeledData, seed: int = 0) -> Space:
        return PlaneSpace(train)
