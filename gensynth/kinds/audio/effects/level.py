"""Level: gain, fading in and out, and soft clipping."""

from __future__ import annotations

import numpy as np


def gain(wave: np.ndarray, decibels: float) -> np.ndarray:
    """Make a wave louder or softer."""
    return wave * np.float32(10 ** (decibels / 20))


def fade(wave: np.ndarray, rate: int, rise: float, fall: float) -> np.ndarray:
    """Fade a wave in and out, along half a period of a cosine.

    Args:
        wave: float32, shape (channels, frames).
        rate: Hz.
        rise: Seconds in which it rises; at most its length.
        fall: Seconds in which it falls.
    """
    frames = wave.shape[1]
    level = np.ones(frames, dtype=np.float32)
    n, m = (min(round(seconds * rate), frames) for seconds in (rise, fall))
    level[:n] *= slope(n)
    level[frames - m :] *= slope(m)[::-1]
    return wave * level


def slope(n: int) -> np.ndarray:
    """Return n levels from 0 to 1 along half a period of a cosine; they and their mirror image add up to 1."""
    return np.sin(np.pi / 2 * (np.arange(n, dtype=np.float32) + np.float32(0.5)) / max(n, 1)) ** 2


def soft_clip(wave: np.ndarray, drive: float) -> np.ndarray:
    """Bend the peaks of a wave down along a hyperbolic tangent, as an overdriven amplifier does, its peak kept.

    Zölzer (ed.) 2011, "DAFX: Digital Audio Effects", section 4.3.

    Args:
        wave: float32, shape (channels, frames).
        drive: How many times the peak is overdriven, above 0; 1 is hardly heard, 5 is.
    """
    peak = peak_of(wave)
    if not peak:
        return wave
    return np.tanh(wave * np.float32(drive / peak)) * np.float32(peak / np.tanh(drive))


def limited(wave: np.ndarray, most: float) -> np.ndarray:
    """Make a wave so soft that its peak is at most `most`; one that is soft enough stays as it is."""
    peak = peak_of(wave)
    return wave if peak <= most else wave * np.float32(most / peak)


def peak_of(wave: np.ndarray) -> float:
    """Return the largest magnitude of a wave."""
    return max(float(wave.max(initial=0)), -float(wave.min(initial=0)))
