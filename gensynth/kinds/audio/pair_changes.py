"""What changes one clip of a class into another: smooth warps of time and frequency, and a smooth gain.

With P(m, u) the log-mel of a clip in dB, m the mel frequency and u the time as a share of its length, clip b is
looked at as a changed clip a:

    P_b(m, u) = P_a(m - s(m), v(u)) + g(m, u) + rest,
    v'(u) ~ exp(sum_k c_k cos(k pi u)),  s(m) = dm/dlog f sum_k s_k cos(k pi m),  g = sum_kl g_kl cos(k pi m) cos(l pi u),

and the length of b is exp(c_0) times that of a. v comes from dynamic time warping (Sakoe and Chiba 1978, "Dynamic
programming algorithm optimization for spoken word recognition"); its logarithmic slope is what the cosines describe, so
that no v ever runs backwards (Ramsay 1998, "Estimating smooth monotone functions"). s_0 is the factor by which all
frequencies grow, as those of a shorter vocal tract do (Lee and Rose 1998, "A frequency warping approach to speaker
normalization"); it and g come from linear regression (Lucas and Kanade 1981, in one dimension). What is learned is the
covariance of all coefficients over pairs of clips: the mean of a change is none, for (b, a) is as good as (a, b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from gensynth.kinds.audio.mel import BANDS, LOWEST

COLUMNS = 64
"""Columns of a log-mel that is as long as any other."""
TIMES, SHIFTS, GAINS = 5, 2, (6, 4)
"""Coefficients of the warp of time beside the length, of the warp of frequency, and of the gain (m, u)."""
LENGTH = 1 + TIMES + SHIFTS + GAINS[0] * GAINS[1]
"""Coefficients of a change."""
DEPTH = 50.0
"""dB below the loudest band of a clip that count as silence in it."""
CLEAR = 25.0
"""dB by which bands differ at most: a sound where the other has silence says nothing about gain."""
SMOOTH = 2.0
"""Bands over which a log-mel is smoothed before frequencies are compared: formants stay, harmonics do not."""
STRAY = 0.15
"""What a step costs that is longer in one clip than in the other, in squared deviations of the log-mel's bands."""
RIDGE = 0.01
"""Penalty on the coefficients of the warp of time, as a share of the columns."""


@final
@dataclass(frozen=True, eq=False)
class Change:
    """A change of a clip; all zero changes nothing.

    Attributes:
        length: Logarithm of the factor by which it grows.
        times: c_1 to c_K, shape (`TIMES`,).
        shifts: s_0 on, shape (`SHIFTS`,).
        gains: g, dB, shape `GAINS`.
    """

    length: float
    times: np.ndarray
    shifts: np.ndarray
    gains: np.ndarray

    @staticmethod
    def of(coefficients: np.ndarray) -> Change:
        """Return a change of its coefficients, shape (`LENGTH`,)."""
        times, shifts, gains = np.split(coefficients[1:], [TIMES, TIMES + SHIFTS])
        return Change(float(coefficients[0]), times, shifts, gains.reshape(GAINS))

    def source(self, u: np.ndarray) -> np.ndarray:
        """Return v(u), where in the clip that is changed the sound comes from, of times from 0 to 1."""
        grid = np.linspace(0, 1, 257)
        slope = np.exp(np.tensordot(self.times, cosines(TIMES + 1, grid)[1:], 1))
        v = np.concatenate([[0], np.cumsum(slope[1:] + slope[:-1])])
        return np.interp(u, grid, v / v[-1])

    def shift(self, m: np.ndarray, top: float) -> np.ndarray:
        """Return s(m) of mel frequencies as shares of `top`, the highest one, in mel; likewise a share of it."""
        found: np.ndarray = self.shifts @ cosines(SHIFTS, m) * stretch(m, top)
        return found

    def gain(self, m: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return g, dB, shape (m, u)."""
        found: np.ndarray = cosines(GAINS[0], m).T @ self.gains @ cosines(GAINS[1], u)
        return found


def cosines(n: int, u: np.ndarray) -> np.ndarray:
    """Return cos(k pi u) for k < n, shape (n, len(u))."""
    found: np.ndarray = np.cos(np.pi * np.outer(np.arange(n), u))
    return found


def mel(hertz: np.ndarray | float) -> np.ndarray:
    """Return frequencies on the mel scale of O'Shaughnessy (1987)."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def stretch(m: np.ndarray, top: float) -> np.ndarray:
    """Return dm/dlog f = 2595 / log 10 * f / (f + 700), as shares of `top` like m itself."""
    return 2595 / np.log(10) * (1 - 10 ** (-m * top / 2595)) / top


def normal(picture: np.ndarray) -> np.ndarray:
    """Return a log-mel (bands, T) with `COLUMNS` columns, not below `DEPTH` under its loudest band, float32."""
    at = np.linspace(0, picture.shape[1] - 1, COLUMNS)
    low = np.floor(at).astype(int)
    high, share = np.minimum(low + 1, picture.shape[1] - 1), at - low
    x = picture[:, low] * (1 - share) + picture[:, high] * share
    return np.maximum(x, x.max() - DEPTH).astype(np.float32)


def coefficients(a: np.ndarray, b: np.ndarray, lengths: np.ndarray, rate: int) -> np.ndarray:
    """Return what changes clips a into clips b.

    Args:
        a: Their log-mels as `normal` gives them, float32, shape (n, `BANDS`, `COLUMNS`).
        b: The same of the others.
        lengths: Logarithms of the length of b over that of a, shape (n,).
        rate: Samples per second of the clips as they were heard.

    Returns:
        float64, shape (n, `LENGTH`).
    """
    u = np.linspace(0, 1, COLUMNS)
    times = _slopes(_aligned(_shape(b), _shape(a)) / (COLUMNS - 1), u)
    at = np.stack([Change(0, c, np.zeros(SHIFTS), np.zeros(GAINS)).source(u) for c in times]) * (COLUMNS - 1)
    shifts, gains = _colour(_columns(a, at), b, rate)
    return np.concatenate([lengths[:, None], times, shifts, gains.reshape(len(a), -1)], axis=1)


def _shape(x: np.ndarray) -> np.ndarray:
    """Return log-mels of mean 0 and deviation 1, the mean of each band over time taken out: what is said, not by whom."""
    x = x - x.mean(2, keepdims=True)
    found: np.ndarray = x / np.maximum(x.std((1, 2), keepdims=True), 1e-6)
    return found


def _aligned(b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Return for each column of b the column of a that belongs to it, by dynamic time warping, shape (n, `COLUMNS`).

    The cost of columns is their mean squared difference; steps are (1, 1), (1, 0) and (0, 1).
    """
    n, bands, t = b.shape
    square = (b**2).mean(1)[:, :, None] + (a**2).mean(1)[:, None] - 2 / bands * np.matmul(b.transpose(0, 2, 1), a)
    cost = np.full((n, t + 1, t + 1), np.inf, dtype=np.float32)
    cost[:, 0, 0] = 0
    step = np.zeros((n, t + 1, t + 1), dtype=np.int8)
    for both in range(2, 2 * t + 1):
        i = np.arange(max(1, both - t), min(t, both - 1) + 1)
        j = both - i
        ways = np.stack([cost[:, i - 1, j - 1], cost[:, i - 1, j] + STRAY, cost[:, i, j - 1] + STRAY])
        step[:, i, j] = ways.argmin(0)
        cost[:, i, j] = ways.min(0) + square[:, i - 1, j - 1]
    total, count = np.zeros((n, t)), np.zeros((n, t))
    i, j, rows = np.full(n, t), np.full(n, t), np.arange(n)
    for _ in range(2 * t):
        on = (i > 0) & (j > 0)
        np.add.at(total, (rows[on], i[on] - 1), j[on] - 1)
        np.add.at(count, (rows[on], i[on] - 1), 1)
        way = step[rows, i, j]
        i, j = i - (on & (way != 2)), j - (on & (way != 1))
    return total / np.maximum(count, 1)


def _slopes(v: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the coefficients c of warps v(u), shape (n, columns), by v - u = sum_k c_k sin(k pi u) / (k pi), about."""
    k = np.arange(1, TIMES + 1)
    basis = np.sin(np.pi * np.outer(k, u)) / (np.pi * k[:, None])
    gram = basis @ basis.T
    found: np.ndarray = np.linalg.solve(gram + RIDGE * len(u) / 10 * np.eye(TIMES), basis @ (v - u).T).T
    return found


def _columns(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the columns of x, shape (n, bands, t), at places between them, shape (n, t)."""
    low = np.clip(np.floor(at).astype(int), 0, x.shape[2] - 2)
    share = (at - low)[:, None]
    return np.take_along_axis(x, low[:, None], 2) * (1 - share) + np.take_along_axis(x, low[:, None] + 1, 2) * share


def _colour(a: np.ndarray, b: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return shifts (n, `SHIFTS`) and gains (n, *`GAINS`) of clips that are aligned in time.

    b - a = g - s dP/dm: the gains are orthogonal, so that the shifts are found in what these leave of both sides.
    """
    m, top = positions(rate)
    bases = [np.linalg.qr(cosines(k, x).T)[0] for k, x in zip(GAINS, (m, np.linspace(0, 1, COLUMNS)), strict=True)]
    a, b = (gaussian_filter1d(x, SMOOTH, axis=1) for x in (a, b))
    rest = np.clip(b - a, -CLEAR, CLEAR)
    slope = -np.gradient((a + b) / 2, m, axis=1)
    columns = np.stack([slope * (c * stretch(m, top))[:, None] for c in cosines(SHIFTS, m)], axis=1)

    def beside(x: np.ndarray) -> np.ndarray:
        by_time = np.matmul(x, bases[1]) @ bases[1].T
        found: np.ndarray = x - bases[0] @ (bases[0].T @ by_time)
        return found

    free, left = beside(columns).reshape(len(a), SHIFTS, -1), beside(rest).reshape(len(a), -1)
    gram = np.matmul(free, free.transpose(0, 2, 1))
    ridge = (0.1 * np.trace(gram, axis1=1, axis2=2) / SHIFTS + 1e-6)[:, None, None] * np.eye(SHIFTS)
    shifts = np.linalg.solve(gram + ridge, np.einsum("nsx,nx->ns", free, left)[..., None])[..., 0]
    rest = rest - np.einsum("ns,nsmt->nmt", shifts, columns)
    to_m, to_u = (np.linalg.pinv(cosines(k, x).T) for k, x in zip(GAINS, (m, np.linspace(0, 1, COLUMNS)), strict=True))
    return shifts, to_m @ rest @ to_u.T


def positions(rate: int) -> tuple[np.ndarray, float]:
    """Return the mel frequency of the middle of each band as a share of the highest one, and that one."""
    low, top = float(mel(LOWEST)), float(mel(rate / 2))
    return np.linspace(low, top, BANDS + 2)[1:-1] / top, top
