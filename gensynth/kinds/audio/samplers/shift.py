"""Shift: moves clips in time."""

from __future__ import annotations

from typing import final

import numpy as np

from gensynth.kinds.audio.clips import clip_of
from gensynth.kinds.audio.samplers.base import AudioSampler
from gensynth.sampler.in_turn import Made

MOST = 0.1
"""Share of its length that a clip is moved at most."""


@final
class Shift(AudioSampler):
    """Each clip is a real one of the class, moved in time; what leaves it on one side is silence on the other."""

    name = "shift"

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        clip = self.data_.x[turn]
        wave = clip.wave()
        n = int(rng.integers(1, max(2, round(MOST * clip.frames)))) * int(rng.choice([-1, 1]))
        moved = np.roll(wave, n, axis=1)
        moved[:, slice(0, n) if n > 0 else slice(n, None)] = 0
        return clip_of(moved, clip.form), f"shift {n / clip.form.rate:+.3f} s", (turn,)
