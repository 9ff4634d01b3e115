"""Filters: bands taken away, and a tilted spectrum; none moves anything in time."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import butter, sosfiltfilt

from gensynth.kinds.audio.effects.noise import power
from gensynth.kinds.audio.mel import LOWEST

ORDER = 2
"""Of the Butterworth filters, which run once forwards and once backwards."""
MIDDLE = 1000.0
"""Hz that a tilt turns about."""


def band_stop(wave: np.ndarray, rate: int, low: float, high: float) -> np.ndarray:
    """Take away what lies between two frequencies in Hz, 0 < low < high < rate / 2."""
    return _filtered(wave, butter(2 * ORDER, (low, high), "bandstop", output="sos", fs=rate))


def low_pass(wave: np.ndarray, rate: int, above: float) -> np.ndarray:
    """Take away what lies above a frequency in Hz, below rate / 2."""
    return _filtered(wave, butter(ORDER, above, "lowpass", output="sos", fs=rate))


def high_pass(wave: np.ndarray, rate: int, below: float) -> np.ndarray:
    """Take away what lies below a frequency in Hz, below rate / 2."""
    return _filtered(wave, butter(ORDER, below, "highpass", output="sos", fs=rate))


def tilt(wave: np.ndarray, rate: int, slope: float) -> np.ndarray:
    """Raise high frequencies over low ones, as another microphone would, the power kept.

    Args:
        wave: float32, shape (channels, frames).
        rate: Hz.
        slope: dB by octave; below 0 lowers them.
    """
    frames = wave.shape[1]
    size = next_fast_len(frames + round(rate / LOWEST), real=True)
    octaves = np.log2(np.maximum(rfftfreq(size, 1 / rate), LOWEST) / MIDDLE)
    shape = (10 ** (slope * octaves / 20)).astype(np.float32)
    return as_loud(irfft(rfft(wave, size) * shape, size)[:, :frames], wave)


def as_loud(wave: np.ndarray, as_this: np.ndarray) -> np.ndarray:
    """Return a wave with the mean power of another one; silence stays silent."""
    heard = power(wave)
    return wave * np.float32(np.sqrt(power(as_this) / heard) if heard else 1)


def _filtered(wave: np.ndarray, sections: np.ndarray) -> np.ndarray:
    """Run a filter forwards and backwards; the wave is mirrored about its ends as far as it is long enough."""
    usual = 3 * (2 * len(sections) + 1)
    found: np.ndarray = sosfiltfilt(sections, wave, padlen=min(usual, wave.shape[1] - 1))
    return found.astype(np.float32)
