"""Moves: a wave shifted, turned round, run faster or slower as a tape, or joined to another one."""

from __future__ import annotations

import numpy as np
import soxr
from scipy.fft import irfft, rfft

from gensynth.kinds.audio.effects.level import slope

JOIN = 0.005
"""Seconds in which one sound fades into the next."""
QUIET = 0.064
"""Seconds of the quietest part of a clip."""


def shift(wave: np.ndarray, rate: int, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Move a wave in time; what moves out is lost, and `room_tone` moves in.

    Silence would mark what was shifted: the pauses of a recording are never silent.

    Args:
        wave: float32, shape (channels, n).
        rate: Hz.
        frames: How far, later if above 0, less than n.
        rng: Draws what moves in.
    """
    n, k = wave.shape[1], abs(frames)
    overlap = min(round(JOIN * rate), n - k)
    tone = room_tone(wave, rate, k + overlap, rng)
    if frames >= 0:
        return joined(tone, wave[:, : n - k], overlap)
    return joined(wave[:, k:], tone, overlap)


def room_tone(wave: np.ndarray, rate: int, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise with the spectrum, level and offset of the quietest part of a wave, as film editors lay below cuts.

    Its blocks have the magnitudes of that part and random phases, the same ones in all channels, and overlap by half
    under a sine, whose squares add up to 1.

    Args:
        wave: float32, shape (channels, n).
        rate: Hz.
        frames: Length of what is returned.
        rng: Draws the phases.
    """
    half = max(min(round(QUIET * rate), wave.shape[1]) // 2, 1)
    energy = np.square(wave).mean(axis=0)
    parts = energy[: len(energy) // half * half].reshape(-1, half).sum(axis=1)
    start = half * int(np.argmin(parts[:-1] + parts[1:])) if len(parts) > 1 else 0
    quiet = wave[:, start : start + 2 * half]
    offset = quiet.mean(axis=1, keepdims=True)
    window = np.sin(np.pi * (np.arange(2 * half) + 0.5) / (2 * half))
    # sqrt(3/8): the root mean square of the squared sine, a Hann window, that the part is seen through.
    spectrum = rfft((quiet - offset) * window[: quiet.shape[1]] ** 2 / np.sqrt(3 / 8), 2 * half)
    n = frames // half + 2
    phases = np.exp(2j * np.pi * rng.random((n, spectrum.shape[1])))
    blocks = irfft(np.abs(spectrum)[:, None] * np.exp(1j * _between(spectrum))[:, None] * phases, 2 * half) * window
    made = np.zeros((len(wave), n + 1, half))
    made[:, :-1] += blocks[:, :, :half]
    made[:, 1:] += blocks[:, :, half:]
    found: np.ndarray = made.reshape(len(wave), -1)[:, half : half + frames] + offset
    return found.astype(np.float32)


def _between(spectrum: np.ndarray) -> np.ndarray:
    """Return the phases of each channel as they are to the first one's."""
    found: np.ndarray = np.angle(spectrum * np.conj(spectrum[:1]))
    return found


def reverse(wave: np.ndarray) -> np.ndarray:
    """Turn a wave round in time."""
    return np.ascontiguousarray(wave[:, ::-1])


def speed(wave: np.ndarray, factor: float) -> np.ndarray:
    """Run a wave faster as a tape: it becomes shorter, and all its frequencies rise, by the factor.

    It is resampled (soxr). Ko et al. 2015, "Audio augmentation for speech recognition".

    Args:
        wave: float32, shape (channels, n).
        factor: Above 0; below 1 is slower.

    Returns:
        float32, shape (channels, about n / factor).
    """
    return of_length(soxr.resample(np.ascontiguousarray(wave.T), factor, 1).T, max(round(wave.shape[1] / factor), 1))


def of_length(wave: np.ndarray, frames: int) -> np.ndarray:
    """Return a wave cut to a length, or silent from its end on."""
    found = np.pad(wave[:, :frames], ((0, 0), (0, max(frames - wave.shape[1], 0))))
    return np.ascontiguousarray(found, dtype=np.float32)


def joined(first: np.ndarray, second: np.ndarray, overlap: int) -> np.ndarray:
    """Let the end of one wave fade into the beginning of another one of as many channels.

    Args:
        first: float32, shape (channels, n).
        second: float32, shape (channels, m).
        overlap: Frames of either, at most, in which they fade into each other.

    Returns:
        float32, shape (channels, n + m - overlap).
    """
    k = min(overlap, first.shape[1], second.shape[1])
    rise, end = slope(k), first.shape[1] - k
    both = first[:, end:] * rise[::-1] + second[:, :k] * rise
    return np.concatenate([first[:, :end], both, second[:, k:]], axis=1)
