"""Log-mel: what networks, scores and pictures see of a clip."""

from __future__ import annotations

from functools import cache

import numpy as np
import soxr
from scipy.signal import get_window

from gensynth.kinds.audio.clips import Clip, View

BANDS = 64
"""Bands of the mel scale."""
FRAME, HOP = 0.032, 0.010
"""Seconds that a frame takes in, and from one frame to the next where a view is short."""
MOST_FRAMES = 128
"""Frames of a view at most: those of a longer one lie further apart."""
LOWEST = 20.0
"""Hz where the bands begin; they end at half of the rate."""
FLOOR = 1e-8
"""Power that counts as silence: -80 dB below full scale."""


def mono(wave: np.ndarray) -> np.ndarray:
    """Return the mean of the channels of a wave, float32, shape (frames,)."""
    return wave.mean(axis=0, dtype=np.float32)


def resampled(wave: np.ndarray, rate: float, to: float) -> np.ndarray:
    """Return a wave, float32 (channels, frames), at another rate (soxr, high quality)."""
    if rate == to:
        return wave
    found: np.ndarray = soxr.resample(np.ascontiguousarray(wave.T), rate, to).T
    return np.ascontiguousarray(found, dtype=np.float32)


def heard(clip: Clip, view: View) -> np.ndarray:
    """Return a clip as networks and scores hear it: one channel at its rate, cut or padded, float32 (frames,)."""
    n = max(round(view.seconds * view.rate), 1)
    x = resampled(mono(clip.wave())[None], clip.form.rate, view.rate)[0, :n]
    return np.pad(x, (0, n - len(x)))


def log_mel(x: np.ndarray, view: View) -> np.ndarray:
    """Return the power in mel bands, in dB of full scale.

    Args:
        x: As `heard`, float32, shape (frames,).
        view: Its rate and length.

    Returns:
        float32, shape (`BANDS`, T) with at most `MOST_FRAMES` columns, from -80 dB up.
    """
    size, hop = round(FRAME * view.rate), round(hop_seconds(view) * view.rate)
    n = max(1 + (len(x) - 1) // hop, 1)
    padded = np.pad(x, (size // 2, size // 2 + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:n]
    power = np.abs(np.fft.rfft(frames * _window(size), axis=1)) ** 2
    return (10 * np.log10(np.maximum(bands(view.rate, size) @ power.T, FLOOR))).astype(np.float32)


def hop_seconds(view: View) -> float:
    """Return the seconds from one frame of a view's log-mel to the next."""
    return max(HOP, view.seconds / MOST_FRAMES)


@cache
def _window(size: int) -> np.ndarray:
    """Return a Hann window whose sine of full scale has the power 1 in its bin."""
    window: np.ndarray = get_window("hann", size)
    return (window * 2 / window.sum()).astype(np.float32)


@cache
def bands(rate: int, size: int) -> np.ndarray:
    """Return triangles over the bins of a transform of so many samples, float64, shape (`BANDS`, size // 2 + 1)."""
    edges = 700 * (10 ** (_edges(rate) / 2595) - 1)
    at = np.fft.rfftfreq(size, 1 / rate)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    # No triangle narrower than a bin: low ones would fall between two bins and hear nothing.
    width = rate / size
    rise = (at - np.minimum(low, middle - width)) / np.maximum(middle - low, width)
    fall = (np.maximum(high, middle + width) - at) / np.maximum(high - middle, width)
    found: np.ndarray = np.maximum(np.minimum(rise, fall), 0)
    return found


def middles(rate: int) -> np.ndarray:
    """Return the middle of each band, in mel."""
    return _edges(rate)[1:-1]


def mel(hertz: np.ndarray) -> np.ndarray:
    """Return frequencies on the mel scale of O'Shaughnessy (1987)."""
    found: np.ndarray = 2595 * np.log10(1 + hertz / 700)
    return found


def _edges(rate: int) -> np.ndarray:
    low, high = mel(np.array([LOWEST, rate / 2]))
    return np.linspace(low, high, BANDS + 2)
