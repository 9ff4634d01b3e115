"""Deformation: clips of a class, changed as clips of one class differ; what common classes show serves rare ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from gensynth.kinds.audio.clips import Clip, clip_of
from gensynth.kinds.audio.mel import log_mel, mono, resampled
from gensynth.kinds.audio.pair_changes import LENGTH, Change, coefficients, normal
from gensynth.kinds.audio.samplers.base import AudioSampler
from gensynth.kinds.audio.warp import changed
from gensynth.sampler.in_turn import Made

MOST_CLIPS, PAIRS = 400, 800
"""Clips and pairs that are looked at, at most; every class has the same share of them as far as it has so many."""
OWN = 30
"""Clips of a class at which its own pairs count as much as those of all classes."""
SECONDS = 10.0
"""Of longer clips so much is looked at."""


@final
class Deformation(AudioSampler):
    name = "deformation"
    arrays: ClassVar[tuple[str, ...]] = ("spread",)

    def __init__(self, strength: float = 0.7) -> None:
        self.strength = strength

    def _check(self) -> None:
        super()._check()

    def _learn(self) -> None:
        y, rng = self.data_.y, np.random.default_rng(0)
        labels = [label for label in np.unique(y).tolist() if (y == label).sum() > 1]
        each = max(2, MOST_CLIPS // len(labels))
        own: dict[int, np.ndarray] = {}
        for label in labels:
            at = rng.permutation(np.flatnonzero(y == label))[:each]
            pairs = _pairs(at, self.data_.groups, max(1, PAIRS // len(labels)), rng)
            own[label] = self._changes(pairs)
        every = np.mean([c.T @ c / len(c) for c in own.values()], axis=0)
        self.spread = {"": every}
        for label, c in own.items():
            n = int((y == label).sum())
            self.spread[self.data_.classes[label]] = (n * c.T @ c / len(c) + OWN * every) / (n + OWN)

    def _changes(self, pairs: np.ndarray) -> np.ndarray:
        at, places = np.unique(pairs, return_inverse=True)
        heard = [_looked_at(self.data_.x[int(i)], self.data_.x.view) for i in at]
        pictures, seconds = np.stack([p for p, _ in heard]), np.log([s for _, s in heard])
        a, b = places.reshape(pairs.shape).T
        return coefficients(pictures[a], pictures[b], seconds[b] - seconds[a], self.data_.x.view.rate)

    def _prepare(self) -> None:
        self._roots = {}
        for name, spread in self.spread.items():
            values, vectors = np.linalg.eigh(spread)
            self._roots[name] = vectors * np.sqrt(np.maximum(values, 0))

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        root = self._roots.get(self.data_.classes[label], self._roots[""])
        c = self.strength * root @ rng.standard_normal(LENGTH)
        clip: Clip = self.data_.x[turn]
        made = changed(clip.wave(), clip.form.rate, Change.of(c), self.data_.x.view.rate)
        return clip_of(made, clip.form), f"deformation {self.strength:g}", (turn,)


def _looked_at(clip: Clip, view: Any) -> tuple[np.ndarray, float]:
    x = mono(clip.wave())[: round(SECONDS * clip.form.rate)]
    x = resampled(x[None], clip.form.rate, view.rate)[0]
    return normal(log_mel(x, view)), clip.seconds


def _pairs(at: np.ndarray, groups: Any, most: int, rng: np.random.Generator) -> np.ndarray:
    a, b = (x[~np.eye(len(at), dtype=bool)] for x in np.meshgrid(at, at))
    pairs = np.stack([a, b], 1)
    if groups is not None:
        g = np.asarray(groups)
        across = pairs[g[pairs[:, 0]] != g[pairs[:, 1]]]
        pairs = across if len(across) else pairs
    return pairs[rng.permutation(len(pairs))[:most]]
