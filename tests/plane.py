"""A kind of data as small as can be, points in the plane: all that a new kind has to say to go through every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.examples import Arrays
from gensynth.data.labeled import LabeledData
from gensynth.fidelity.plain_space import PlainSpace
from gensynth.fidelity.space import Seen
from gensynth.kinds.plain import PlainKind
from gensynth.mix.frame_files import PlainFrames
from gensynth.sampler.kept import KeptSampler
from gensynth.sampler.saved import kind_of_saved
from gensynth.sampler.synthetic import Synthetic


class Points(Arrays):
    kind, noun = "plane", "point"


class PlaneSpace(PlainSpace):
    stamp = {"name": "plane"}

    def see(self, x: Points) -> Seen:
        return Seen(x.hashes(), np.c_[x.x, x.x**2], x.x, x.x, {"infinite": ~np.isfinite(x.x).all(axis=1)})


class Between(KeptSampler):
    """Draws between two real points of the class."""

    kind, name, unpacked = "plane", "between", Points

    @staticmethod
    def packed(x: Points) -> np.ndarray:
        return x.x

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        own = np.flatnonzero(self.data_.y == self.data_.label_of(label))
        drawn = [np.random.default_rng([seed, i]) for i in index]
        pairs = np.array([rng.choice(own, 2, replace=False) for rng in drawn])
        step = np.array([rng.random(1) for rng in drawn])
        first, second = self.data_.x[pairs[:, 0]], self.data_.x[pairs[:, 1]]
        return self.made(Points(first + step * (second - first)), label, index, seed, ["between"] * len(index), pairs)


class Plane(PlainKind):
    name, plural, noun, sources = "plane", "points", "point", "a file of points ends in .csv"

    def claims(self, source: str) -> bool:
        return kind_of_saved(source) == self.name

    def read(self, source: str, config: Any) -> LabeledData:
        return self.files().real(source, config.group)

    def files(self, config: Any = None) -> PlainFrames:
        return PlainFrames(lambda x: pd.DataFrame(x.x, columns=["x", "y"]), lambda f: Points(f[["x", "y"]].to_numpy()))

    def samplers(self) -> tuple[str, ...]:
        return ("between",)

    def made(self, sampler: str, settings: dict[str, Any] | None) -> Between:
        return Between()

    def load(self, path: Path, config: Any = None) -> Between:
        return Between.load(path, lambda name: Between)

    def space(self, train: LabeledData, seed: int = 0) -> PlaneSpace:
        return PlaneSpace(train)


def plane(seed: int, n: int = 200) -> LabeledData:
    """Points around two centres."""
    rng, y = np.random.default_rng(seed), np.arange(n) % 2
    x = Points(rng.normal(size=(n, 2)) + 5 * y[:, None])
    return LabeledData(x, y, ("low", "high"), tuple(f"{seed}/{i}" for i in range(n)))
