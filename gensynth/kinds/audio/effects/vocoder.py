"""Vocoder: a wave stretched in time at its own pitch, or moved in pitch at its own length."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, rfft
from scipy.signal import get_window

from gensynth.kinds.audio.effects.moves import JOIN, joined, of_length, speed

SECONDS = 0.05
"""About what a frame takes in: the power of two samples that is nearest."""
OVERLAP = 4
"""Frames that take in each sample."""
BLOCK = 256
"""Frames that are in memory at once."""


def stretch(wave: np.ndarray, rate: int, factor: float) -> np.ndarray:
    """Play a wave faster at its own pitch: a phase vocoder.

    Frames are read further apart or closer together than they are written. What a bin turns by from one written frame
    to the next is what it turns by over the same time where the frame was read (Puckette 1995, "Phase-locked
    vocoder"), and all bins around a peak turn as the peak does (Laroche and Dolson 1999, "Improved phase vocoder
    time-scale modification of audio", identity phase locking). All channels turn as the loudest one does.

    Args:
        wave: float32, shape (channels, n).
        rate: Hz.
        factor: How many times faster, above 0; below 1 is slower.

    Returns:
        float32, shape (channels, n / factor, rounded).
    """
    size = 2 ** max(round(np.log2(SECONDS * rate)), 4)
    hop, frames = size // OVERLAP, max(round(wave.shape[1] / factor), 1)
    n = -(-frames // hop) + OVERLAP
    # The middle of the first frame lies half a frame before the wave, and that of the last one behind it.
    at = np.round((np.arange(n) * hop - size / 2) * factor - size / 2).astype(np.int64)
    before = hop - int(at[0])
    padded = np.pad(wave, ((0, 0), (before, max(int(at[-1]) + size - wave.shape[1], 0))))
    at += before
    window = get_window("hann", size).astype(np.float32)
    seen = sliding_window_view(padded, size, axis=1)
    loudest = int(np.argmax(np.square(wave).sum(axis=1)))
    made, last = np.zeros((len(wave), n + OVERLAP - 1, hop), dtype=np.float32), None
    for start in range(0, n, BLOCK):
        own = at[start : start + BLOCK]
        here = rfft(seen[:, own] * window)
        turned = here * _turns(here[loudest], rfft(seen[loudest, own - hop] * window), last)
        last = turned[loudest, -1]
        blocks = (irfft(turned, size) * window).reshape(len(wave), len(own), OVERLAP, hop)
        for part in range(OVERLAP):
            made[:, start + part : start + part + len(own)] += blocks[:, :, part]
    # Squared Hann windows at a quarter of their length add up to 3/2.
    return of_length(made.reshape(len(wave), -1)[:, size:] / np.float32(1.5), frames)


def _turns(here: np.ndarray, before: np.ndarray, last: np.ndarray | None) -> np.ndarray:
    """Return by what the bins of each frame are turned, complex numbers of magnitude 1.

    Args:
        here: Spectra of n frames where they are read, complex64, shape (n, bins).
        before: The same one hop earlier.
        last: Spectrum as it was written before the first one, complex64, shape (bins,); None where none was.
    """
    turns = np.ones_like(here)
    bins, size = np.arange(here.shape[1]), np.abs(here)
    for k in range(len(here)):
        inner = size[k, 1:-1]
        peaks = 1 + np.flatnonzero((inner > size[k, :-2]) & (inner >= size[k, 2:]))
        if last is not None and len(peaks):
            # Where it was written, one frame ago, a peak stood at `last`; it goes on from there.
            found = last[peaks] * np.conj(before[k, peaks])
            length = np.abs(found)
            found = np.where(length > 0, found / np.maximum(length, np.finfo(np.float32).tiny), 1)
            borders = (peaks[1:] + peaks[:-1] + 1) // 2
            turns[k] = found[np.searchsorted(borders, bins, side="right")]
        last = here[k] * turns[k]
    return turns


def pitch(wave: np.ndarray, rate: int, semitones: float) -> np.ndarray:
    """Raise the pitch of a wave at its own length: it is stretched, and run faster as a tape.

    Args:
        wave: float32, shape (channels, n).
        rate: Hz.
        semitones: How far, twelve to an octave; below 0 is lower.
    """
    factor = 2 ** (semitones / 12)
    return of_length(speed(stretch(wave, rate, 1 / factor), factor), wave.shape[1])


def part_faster(wave: np.ndarray, rate: int, start: int, stop: int, factor: float) -> np.ndarray:
    """Play the frames from `start` to `stop` of a wave faster, or slower, at their own pitch; as of `stretch`."""
    overlap = round(JOIN * rate)
    middle = stretch(wave[:, start:stop], rate, factor)
    return joined(joined(wave[:, :start], middle, overlap), wave[:, stop:], overlap)
