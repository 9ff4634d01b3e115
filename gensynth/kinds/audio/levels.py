"""Levels: what is measured in a wave beside its sound: loudness, silence, clipping, a constant part, clicks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

FULL = 0.99
"""From here on a sample may be at full scale: the largest value of 8 bits is 127 / 128."""
QUIETEST = -120.0
"""dB of full scale that stand for nothing at all."""
PART = 0.010
"""Seconds of the parts whose loudness is compared."""
AROUND = 64
"""Steps from sample to sample that tell how large one usually is there."""


class Levels(NamedTuple):
    """What is measured in a wave.

    Attributes:
        peak: Largest absolute value, full scale at 1.
        rms: Root mean square, dB of full scale, at least `QUIETEST`.
        loudest: The same of the loudest part of `PART` seconds.
        floor: The same of a part that a tenth of all are quieter than: the noise between sounds.
        dc: The constant part, the largest absolute mean of a channel.
        flat: Most samples in a row that stay at full scale.
        click: Largest third difference of samples over the mean one around it and in the clip.
        finite: 1 where all samples are numbers, else 0.
    """

    peak: float
    rms: float
    loudest: float
    floor: float
    dc: float
    flat: float
    click: float
    finite: float


def levels(wave: np.ndarray, rate: int) -> Levels:
    """Measure a wave.

    Args:
        wave: float32, shape (channels, frames), full scale at -1 and 1.
        rate: Samples per second, Hz.
    """
    finite = bool(np.isfinite(wave).all())
    x = wave if finite else np.nan_to_num(wave, posinf=0, neginf=0)
    if not x.size:
        return Levels(0, QUIETEST, QUIETEST, QUIETEST, 0, 0, 0, finite)
    power = _power(x, max(1, round(PART * rate)))
    return Levels(
        peak=float(np.abs(x).max()),
        rms=_decibels(float(np.square(x, dtype=np.float64).mean())),
        loudest=_decibels(float(power.max())),
        floor=_decibels(float(np.quantile(power, 0.1))),
        dc=float(np.abs(x.mean(axis=1, dtype=np.float64)).max()),
        flat=max(map(_flat, x)),
        click=max(map(_click, x)),
        finite=finite,
    )


def columns(found: Sequence[Levels]) -> dict[str, np.ndarray]:
    """Return n measurements by name, float64, shape (n,) each."""
    return dict(zip(Levels._fields, np.array(found, dtype=np.float64).reshape(-1, len(Levels._fields)).T, strict=True))


def _decibels(power: float) -> float:
    return max(QUIETEST, float(10 * np.log10(max(power, 1e-12))))


def _power(x: np.ndarray, size: int) -> np.ndarray:
    """Return the mean power of each part of `size` samples, over all channels; what is left at the end counts less."""
    power = np.square(x, dtype=np.float64).mean(axis=0)
    whole = len(power) // size * size
    found: np.ndarray = power[:whole].reshape(-1, size).mean(axis=1) if whole else power.mean(keepdims=True)
    return found


def _flat(x: np.ndarray) -> int:
    """Return the most samples in a row that are at full scale and do not change, or lie beyond it."""
    at = np.abs(x) >= FULL
    if not at.any():
        return 0
    # A loud wave that just touches full scale turns there; one that was cut off stays.
    stays = at[1:] & at[:-1] & ((x[1:] == x[:-1]) | (np.minimum(np.abs(x[1:]), np.abs(x[:-1])) >= 1))
    ends = np.flatnonzero(np.diff(np.concatenate([[0], stays, [0]])))
    return int((ends[1::2] - ends[::2]).max(initial=0)) + 1


def _click(x: np.ndarray) -> float:
    """Return the largest jump over the mean one around it, where a jump is what no slope and no bend explains."""
    step = np.abs(np.diff(x.astype(np.float64), 3))
    if not step.any():
        return 0.0
    # The clip's own mean beside it: the first step out of silence would be infinitely large.
    return float((step / (uniform_filter1d(step, AROUND + 1, mode="nearest") + step.mean())).max())
