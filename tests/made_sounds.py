"""Made sounds of two classes, for tests: tones that rise or fall, in noise, no two the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 8000


def tone(
    label: str, rng: np.random.Generator, seconds: float = 0.25, rate: int = RATE, channels: int = 1
) -> np.ndarray:
    """Return a tone, float32, shape (frames, channels), as `soundfile.write` takes it."""
    t = np.arange(round(seconds * rate)) / rate
    start, change = rng.uniform(400, 700), {"rise": 2000.0, "fall": -600.0}[label]
    wave = np.sin(2 * np.pi * (start * t + change * t**2 / 2 + rng.random())) * rng.uniform(0.3, 0.6)
    return ((wave * np.hanning(len(t)))[:, None] + rng.normal(0, 0.003, (len(t), channels))).astype(np.float32)


def sounds(folder: Path, rise: int = 30, fall: int = 14, ending: str = ".wav", seed: int = 0, **about: float) -> Path:
    """Write a folder for each class; `about` is as `tone` takes it. Return `folder`."""
    rng = np.random.default_rng(seed)
    for label, n in (("rise", rise), ("fall", fall)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            seconds = float(about.get("seconds", rng.uniform(0.2, 0.3)))
            rate, channels = int(about.get("rate", RATE)), int(about.get("channels", 1))
            soundfile.write(folder / label / f"{i}{ending}", tone(label, rng, seconds, rate, channels), rate)
    return folder
