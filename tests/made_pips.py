"""Made sounds of two classes, for tests of likeness: a few short tones each, high ones or low ones, no two the same."""

from __future__ import annotations

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.kinds.audio.clips import Clip, Clips, Form, View, clip_of

RATE, VIEW, CLASSES = 8000, View(8000, 0.6), ("high", "low")
HERTZ = {"high": (900, 3500), "low": (150, 1400)}


def pips(label: str, rng: np.random.Generator) -> np.ndarray:
    """Return five tones of a tenth of a second, float32, shape (1, 4000 to 4400)."""
    n = int(rng.integers(4000, 4400))
    wave, t = rng.normal(0, 0.002, n), np.arange(800) / RATE
    for _ in range(5):
        tone = np.sin(2 * np.pi * rng.uniform(*HERTZ[label]) * t + rng.uniform(0, 6)) * np.hanning(800)
        wave[(start := int(rng.integers(0, n - 800))) : start + 800] += rng.uniform(0.1, 0.18) * tone
    return wave[None].astype(np.float32)


def clip(wave: np.ndarray, rate: int = RATE) -> Clip:
    """Return a wave as a clip."""
    return clip_of(wave, Form(rate))


def pip_data(seed: int, high: int = 60, low: int = 40) -> LabeledData:
    """Return clips of both classes."""
    rng, y = np.random.default_rng(seed), np.repeat([0, 1], [high, low])
    made = tuple(clip(pips(CLASSES[c], rng)) for c in y)
    return LabeledData(Clips(made, VIEW), y, CLASSES, tuple(f"{seed}-{i}" for i in range(len(y))))
