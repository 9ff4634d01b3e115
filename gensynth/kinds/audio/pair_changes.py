"""What changes one clip of a class into another: smooth warps of time and frequency, and a smooth gain.

With P(m, u) the log-mel of a clip in dB, m the frequency in mel (highest: M) and u the time as a share of its length,
clip b is seen as a changed clip a,

    P_b(m, u) = P_a(m - s(m), v(u)) + g(m, u) + rest,     length of b = exp(r) * length of a,     pitch likewise by p,
    v'(u) ~ exp(sum_k c_k cos(k pi u)),                                      k = 1 ... `TIMES`,
    s(m) = dm/dlog f * sum_k s_k cos(k pi m / M),                            k = 0 ... `SHIFTS` - 1,
    g(m, u) = sum_kl g_kl cos(k pi m / M) cos(l pi u),                       k, l below `GAINS`.

v is found by dynamic time warping (Sakoe and Chiba 1978, "Dynamic programming algorithm optimization for spoken word
recognition"); as its logarithmic slope is what the cosines describe, no v runs backwards (Ramsay 1998, "Estimating
smooth monotone functions"). s_0 is the share by which all frequencies grow, as those of a shorter vocal tract do (Lee
and Rose 1998, "A frequency warping approach to speaker normalization"). s and g are a linear regression of what is left
once times agree, with the slope of P for a small step along m (Lucas and Kanade 1981, "An iterative image registration
technique"). The mean change of pairs is none, for (b, a) is as good a pair as (a, b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from gensynth.kinds.audio.mel import mel, middles

COLUMNS = 64
"""Columns of a log-mel that is as long as any other."""
TIMES, SHIFTS, GAINS = 5, 2, (6, 4)
"""Cosines of the warp of time, of the warp of frequency, and of the gain along frequency and time."""
SIZE = 2 + TIMES + SHIFTS + GAINS[0] * GAINS[1]
"""Coefficients of a change: r, p, c, s, g."""
DEPTH = 50.0
"""dB under the loudest band of a clip that count as silence in it."""
CLEAR = 25.0
"""dB by which bands differ at most: sound where the other clip has silence says little about a gain."""
FORMANT = 2.0
"""Bands over which a log-mel is smoothed before frequencies are compared: formants stay, harmonics do not."""
STRAY = 0.15
"""What a step of one clip alone costs, in variances of a band."""
STIFF, STILL = 0.06, 0.1
"""Penalties on the squares of c and s: the first in columns, the second as a share of the mean square of P's slope."""
FULL = np.linspace(0, 1, COLUMNS)


@final
@dataclass(frozen=True, eq=False)
class Change:
    """A change of a clip.

    Attributes:
        coefficients: float64, shape (`SIZE`,): r, p, c, s, g as in the file's equations; all zero changes nothing.
        rate: Samples per second of the clips that it was learned from: at half of it lies M.
    """

    coefficients: np.ndarray
    rate: int

    @property
    def longer(self) -> float:
        """Return r."""
        return float(self.coefficients[0])

    @property
    def higher(self) -> float:
        """Return p."""
        return float(self.coefficients[1])

    @property
    def shifts(self) -> np.ndarray:
        """Return s, shape (`SHIFTS`,)."""
        return self.coefficients[2 + TIMES :][:SHIFTS]

    def source(self, u: np.ndarray) -> np.ndarray:
        """Return v(u), the times at which in the clip that is changed the sound lies, of times from 0 to 1."""
        at = np.linspace(0, 1, 257)
        slope = np.exp(self.coefficients[2 : 2 + TIMES] @ _cosines(TIMES + 1, at)[1:])
        v = np.concatenate([[0], np.cumsum(slope[1:] + slope[:-1])])
        return np.interp(u, at, v / v[-1])

    def shift(self, m: np.ndarray) -> np.ndarray:
        """Return s(m), mel."""
        found: np.ndarray = self.shifts @ _shifts(m, self.rate)
        return found

    def gain(self, m: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return g, dB, shape (m, u)."""
        gains = self.coefficients[2 + TIMES + SHIFTS :].reshape(GAINS)
        found: np.ndarray = _cosines(GAINS[0], _shares(m, self.rate)).T @ gains @ _cosines(GAINS[1], u)
        return found


def picture(log_mel: np.ndarray) -> np.ndarray:
    """Return a log-mel, shape (bands, T), with `COLUMNS` columns and no band `DEPTH` under its loudest, float32."""
    at = np.linspace(0, log_mel.shape[1] - 1, COLUMNS)[None]
    found = _columns(log_mel[None], at)[0]
    return np.maximum(found, found.max() - DEPTH).astype(np.float32)


def changes(a: np.ndarray, b: np.ndarray, ends: np.ndarray, rate: int) -> np.ndarray:
    """Return what changes clips a into clips b.

    Args:
        a: Their `picture`s, float32, shape (n, bands, `COLUMNS`).
        b: Those of the others.
        ends: r and p of each pair, shape (n, 2).
        rate: Samples per second at which they were heard.

    Returns:
        Coefficients, float64, shape (n, `SIZE`).
    """
    times = _times(_aligned(_said(b), _said(a)) / (COLUMNS - 1))
    warps = np.pad(times, ((0, 0), (2, SIZE - 2 - TIMES)))
    at = np.stack([Change(warp, rate).source(FULL) for warp in warps])
    shifts, gains = _colours(_columns(a, at * (COLUMNS - 1)), b, rate)
    return np.concatenate([ends, times, shifts, gains.reshape(len(a), -1)], axis=1)


def _said(x: np.ndarray) -> np.ndarray:
    """Return pictures without the mean of each band over time, of variance 1: what is said, not by whom."""
    x = x - x.mean(axis=2, keepdims=True)
    found: np.ndarray = x / np.maximum(x.std(axis=(1, 2), keepdims=True), 1e-6)
    return found


def _aligned(b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Return the columns of a that belong to each of b, by dynamic time warping, shape (n, `COLUMNS`).

    A path costs the mean squared difference of the columns that it joins; its steps are (1, 1), (1, 0) and (0, 1).
    """
    n, bands, t = b.shape
    squares = (b**2).mean(1)[:, :, None] + (a**2).mean(1)[:, None] - 2 / bands * np.matmul(b.transpose(0, 2, 1), a)
    cost = np.full((n, t + 1, t + 1), np.inf, dtype=np.float32)
    cost[:, 0, 0] = 0
    step = np.zeros((n, t + 1, t + 1), dtype=np.int8)
    for both in range(2, 2 * t + 1):  # all that lies at i + j: nothing there depends on another
        i = np.arange(max(1, both - t), min(t, both - 1) + 1)
        j = both - i
        ways = np.stack([cost[:, i - 1, j - 1], cost[:, i - 1, j] + STRAY, cost[:, i, j - 1] + STRAY])
        step[:, i, j] = ways.argmin(axis=0)
        cost[:, i, j] = ways.min(axis=0) + squares[:, i - 1, j - 1]
    return _mean_columns(step)


def _mean_columns(step: np.ndarray) -> np.ndarray:
    """Follow paths from their ends and return the mean column of a that they join to each of b."""
    n, t = len(step), step.shape[1] - 1
    total, count = np.zeros((n, t)), np.zeros((n, t))
    rows, i, j = np.arange(n), np.full(n, t), np.full(n, t)
    for _ in range(2 * t - 1):
        on = (i > 0) & (j > 0)
        np.add.at(total, (rows[on], i[on] - 1), j[on] - 1)
        np.add.at(count, (rows[on], i[on] - 1), 1)
        way = step[rows, i, j]
        i, j = i - (on & (way != 2)), j - (on & (way != 1))
    return total / count


def _times(v: np.ndarray) -> np.ndarray:
    """Return c of warps v(u), shape (n, columns): to first order v - u = sum_k c_k sin(k pi u) / (k pi)."""
    k = np.arange(1, TIMES + 1)[:, None]
    basis = np.sin(np.pi * k * FULL) / (np.pi * k)
    found: np.ndarray = np.linalg.solve(basis @ basis.T + STIFF * np.eye(TIMES), basis @ (v - FULL).T).T
    return found


def _colours(a: np.ndarray, b: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return s (n, `SHIFTS`) and g (n, *`GAINS`) of clips whose times agree, of b - a = g - s dP/dm."""
    m = middles(rate)
    a, b = (gaussian_filter1d(x, FORMANT, axis=1) for x in (a, b))
    rest = np.clip(b - a, -CLEAR, CLEAR)
    slope = -np.gradient((a + b) / 2, m, axis=1)
    columns = slope[:, None] * _shifts(m, rate)[:, :, None]
    along, over = _cosines(GAINS[0], _shares(m, rate)).T, _cosines(GAINS[1], FULL).T
    # Frisch and Waugh: s is found in what the gains leave of both sides.
    free, left = (x - _fitted(x, along, over) for x in (columns, rest))
    free, left = free.reshape(len(a), SHIFTS, -1), left.reshape(len(a), -1, 1)
    gram = np.matmul(free, free.transpose(0, 2, 1))
    ridge = STILL * np.trace(gram, axis1=1, axis2=2) / SHIFTS + 1e-6
    shifts = np.linalg.solve(gram + ridge[:, None, None] * np.eye(SHIFTS), np.matmul(free, left))[..., 0]
    rest = rest - np.einsum("ns,nsmt->nmt", shifts, columns)
    return shifts, np.linalg.pinv(along) @ rest @ np.linalg.pinv(over).T


def _fitted(x: np.ndarray, along: np.ndarray, over: np.ndarray) -> np.ndarray:
    """Return the gain that is nearest to x, shape (..., bands, columns)."""
    found: np.ndarray = along @ (np.linalg.pinv(along) @ x @ np.linalg.pinv(over).T) @ over.T
    return found


def _columns(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return columns of x, shape (n, bands, t), at places between them, shape (n, k)."""
    low = np.floor(at).astype(int)
    high, share = np.minimum(low + 1, x.shape[2] - 1), (at - low)[:, None]
    return np.take_along_axis(x, low[:, None], 2) * (1 - share) + np.take_along_axis(x, high[:, None], 2) * share


def _cosines(n: int, u: np.ndarray) -> np.ndarray:
    """Return cos(k pi u) for k below n, shape (n, len(u))."""
    found: np.ndarray = np.cos(np.pi * np.outer(np.arange(n), u))
    return found


def _shifts(m: np.ndarray, rate: int) -> np.ndarray:
    """Return what s weighs, mel, shape (`SHIFTS`, len(m)): dm/dlog f = 2595 / log 10 * f / (f + 700), and cosines."""
    return _cosines(SHIFTS, _shares(m, rate)) * (2595 / np.log(10) * (1 - 10 ** (-m / 2595)))


def _shares(m: np.ndarray, rate: int) -> np.ndarray:
    """Return m / M, at most 1: what lies beyond changes as the end does."""
    found: np.ndarray = np.minimum(m / mel(np.array(rate / 2)), 1)
    return found
