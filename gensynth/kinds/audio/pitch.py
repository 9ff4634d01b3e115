"""Pitch of a clip: the rate at which most of its loud frames repeat themselves."""

from __future__ import annotations

import numpy as np

SPAN = (60.0, 500.0)
"""Hz between which a pitch is looked for."""
FRAME, HOP = 0.050, 0.020
"""Seconds of a frame, and from one to the next."""
LOUD = 20.0
"""dB under the loudest frame within which a frame counts."""
ALIKE = 0.6
"""Correlation of a frame with itself, one period later, from which on it has a pitch."""
FIRST = 0.9
"""Share of the highest correlation that a shorter period needs to be preferred: two periods repeat as well as one."""
SHARE = 1 / 3
"""Of the loud frames have a pitch in a clip that has one, at least."""


def pitch(x: np.ndarray, rate: int) -> float:
    """Return the median pitch of the loud frames of a clip, Hz, or nan where fewer than `SHARE` have one.

    The period of a frame is where its normalised autocorrelation peaks (Boersma 1993, "Accurate short-term analysis of
    the fundamental frequency", without the window's share).

    Args:
        x: One channel, float32, shape (frames,).
        rate: Samples per second.
    """
    size, hop = round(FRAME * rate), round(HOP * rate)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(x, (0, max(size - len(x), 0))), size)[::hop]
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    frames = frames[(power >= power.max() * 10 ** (-LOUD / 10)) & (power > 0)]
    if not len(frames):
        return float("nan")
    lags = np.arange(int(rate / SPAN[1]), int(rate / SPAN[0]) + 1)
    likeness = _likeness(frames, lags)
    highest = likeness.max(axis=1)
    # The first peak that is nearly the highest, not the slope before it.
    peak = (likeness[:, 1:-1] >= likeness[:, :-2]) & (likeness[:, 1:-1] >= likeness[:, 2:])
    good = peak & (likeness[:, 1:-1] >= FIRST * highest[:, None]) & (highest >= ALIKE)[:, None]
    found = rate / lags[1:-1][good.argmax(axis=1)][good.any(axis=1)]
    return float(np.median(found)) if len(found) >= SHARE * len(frames) else float("nan")


def _likeness(frames: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Return the correlation of each frame's start with what follows so many samples later, shape (n, lags)."""
    size, kept = frames.shape[1], frames.shape[1] - lags[-1]
    start = np.fft.rfft(frames[:, :kept], 2 * size)
    product = np.fft.irfft(np.fft.rfft(frames, 2 * size) * np.conj(start))[:, lags]
    sums = np.pad(np.cumsum(frames.astype(np.float64) ** 2, axis=1), ((0, 0), (1, 0)))
    energy = sums[:, kept:] - sums[:, :-kept]
    found: np.ndarray = product / np.sqrt(np.maximum(energy[:, :1] * energy[:, lags], 1e-20))
    return found
