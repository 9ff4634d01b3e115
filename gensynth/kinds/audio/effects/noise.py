"""Noise: added noise of a colour, or of another recording, at a ratio of signal to noise."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from gensynth.kinds.audio.mel import LOWEST

COLOURS = {"white": 0, "pink": -1, "brown": -2, "blue": 1, "violet": 2}
"""Exponents of the frequency to which a colour's power is proportional."""


def noise(wave: np.ndarray, rate: int, colour: str, snr: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise whose power falls or rises with frequency.

    White noise is shaped in the frequency domain: Timmer and König 1995, "On generating power law noise". Below 20 Hz
    the power stays as it is there.

    Args:
        wave: float32, shape (channels, frames).
        rate: Hz.
        colour: A name out of `COLOURS`.
        snr: As of `at_snr`.
        rng: Draws it.
    """
    frames = wave.shape[1]
    size = next_fast_len(frames, real=True)
    shape = np.maximum(rfftfreq(size, 1 / rate), LOWEST) ** (COLOURS[colour] / 2)
    white = rfft(rng.standard_normal(size, dtype=np.float32))
    return at_snr(wave, irfft(white * shape.astype(np.float32), size)[None, :frames], snr)


def at_snr(wave: np.ndarray, other: np.ndarray, snr: float) -> np.ndarray:
    """Add another sound at a ratio of signal to noise; silence stays silent, and adds nothing.

    Args:
        wave: float32, shape (channels, frames).
        other: float32, of the same shape or one channel for all.
        snr: Mean power of the wave over that of the other sound, in dB.
    """
    heard = power(other)
    share = np.sqrt(power(wave) / heard / 10 ** (snr / 10)) if heard else 0.0
    added: np.ndarray = wave + np.float32(share) * other
    return added


def power(wave: np.ndarray) -> float:
    """Return the mean square of a wave over all its channels."""
    return float(np.mean(np.square(wave, dtype=np.float64)))
