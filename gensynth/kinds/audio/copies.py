"""Sketches: clips as pictures that tell copies, however these were shifted, made louder, or played a little faster.

Two clips are compared by the largest normalised cross-correlation of their log-mel over all shifts in time, each frame
less its mean, which is what a gain adds (as audio fingerprints leave the level out: Haitsma and Kalker 2002, "A highly
robust audio fingerprinting system"). Which clips are compared is told by few numbers that no shift changes: how the
cosine coefficients over the bands vary with time, by frequency and without phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import final

import numpy as np
from scipy.fft import dct

from gensynth.fidelity.metrics import nearest
from gensynth.kinds.audio.clips import View
from gensynth.kinds.audio.look import DEPTH
from gensynth.kinds.audio.mel import BANDS, mel, middles

DEEP = 40.0
"""dB below the loudest band that are compared: noise that is quieter hides no copy."""
POOLED = 2
"""Bands that are averaged: so a slight change of pitch stays in its band."""
SPEEDS = (0.97, 0.985, 1.0, 1.015, 1.03)
"""How much faster one clip may be played than the other one, the pitch changed with it."""
LOOKED = 8
"""Clips that are likest by their keys, and that one is compared with."""
CEPSTRA, RATES = 8, 12
"""Cosine coefficients, and frequencies of each, that make the key of a clip."""


@final
@dataclass(frozen=True, eq=False)
class Sketches:
    """n clips of one view.

    Attributes:
        pictures: As of `Look`, uint8, shape (n, `BANDS`, frames).
        keys: What clips to compare are found by, float64, shape (n, q).
        view: The view.
    """

    pictures: np.ndarray
    keys: np.ndarray
    view: View

    @staticmethod
    def of(pictures: Sequence[np.ndarray], view: View) -> Sketches:
        """Return sketches of n >= 1 clips from their pictures."""
        return Sketches(np.stack(pictures), np.stack([_key(picture) for picture in pictures]), view)

    def candidates(self, keys: np.ndarray, more: int = 0) -> np.ndarray:
        """Return which clips to compare with clips of these keys, int64, shape (m, `LOOKED` + more) or less."""
        return nearest(keys, self.keys, min(LOOKED + more, len(self.keys)))[1]

    def likeness(self, picture: np.ndarray, at: Sequence[int]) -> np.ndarray:
        """Return how alike a clip and others are, in [0, 1]; 0 for silence, which is like nothing.

        Args:
            picture: Of the clip.
            at: Positions of k others.
        """
        size = 2 * picture.shape[1]
        others = np.conj(np.fft.rfft(np.stack([_drawn(self.pictures[i]) for i in at]), size, axis=2))
        played = [_drawn(frequency @ picture @ time) for frequency, time in _warps(self.view, picture.shape[1])]
        spectra = np.fft.rfft(np.stack(played), size, axis=2)
        crossed = np.einsum("sbf,kbf->skf", spectra, others)
        found: np.ndarray = np.fft.irfft(crossed, size, axis=2).max(axis=(0, 2)).clip(0, 1)
        return found


def _drawn(picture: np.ndarray) -> np.ndarray:
    """Return what is compared of a picture: each frame less its mean, of length 1 in all, float32."""
    steps = DEEP * 255 / DEPTH
    x = np.maximum(picture.astype(np.float32) - (255 - steps), 0).reshape(-1, POOLED, picture.shape[1]).mean(axis=1)
    x -= x.mean(axis=0)
    return x / (np.linalg.norm(x) or 1)


def _key(picture: np.ndarray) -> np.ndarray:
    x = dct(_drawn(picture), axis=0, norm="ortho")[1 : CEPSTRA + 1]
    found: np.ndarray = np.abs(np.fft.rfft(x, 2 * x.shape[1], axis=1)[:, :RATES]).ravel().astype(np.float64)
    return found


@cache
def _warps(view: View, frames: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each speed what a picture is multiplied with from the left and from the right, float32."""
    at = middles(view.rate)
    hertz, found = 700 * (10 ** (at / 2595) - 1), []
    for speed in SPEEDS:
        band = (mel(hertz / speed) - at[0]) / (at[1] - at[0])
        found.append((_interpolated(band, BANDS), _interpolated(np.arange(frames) * speed, frames).T))
    return found


def _interpolated(at: np.ndarray, n: int) -> np.ndarray:
    """Return the matrix that reads n values between them, at positions `at`; beyond the ends there is nothing."""
    found: np.ndarray = np.maximum(1 - np.abs(at[:, None] - np.arange(n)), 0).astype(np.float32)
    return found
