"""Changes waves as `pair_changes` says: pieces of them are moved in time and filtered, never made anew.

Grains of a wave are added up where the warp of time wants them. Each is a piece of it as it stands; while the piece
that follows the last one is about the right one, it is taken, else the one nearby that is most like it, so that it goes
on as the last one would have (WSOLA: Verhelst and Roelands 1993, "An overlap-add technique based on waveform similarity
for high quality time-scale modification of speech"). So a mild warp has a few joins a second, and pitch stays. On their
way grains are filtered, their phases untouched: by the gain, and by E(m - s(m)) - E(m) in dB, where E is the envelope
of the grain on the mel scale. So formants move and harmonics stay. Another pitch comes from resampling,
which moves both, and formants are moved back.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from gensynth.kinds.audio.mel import bands, mel, middles, resampled
from gensynth.kinds.audio.pair_changes import FORMANT, Change

HALF = 0.020
"""Seconds from one grain to the next; each is twice as long."""
NEAR = 0.012
"""Seconds by which a piece may lie beside the one that is wanted: a period of the lowest voices."""
MOST = 25.0
"""dB by which a filter raises or lowers, at most."""
DEPTH = 60.0
"""dB under the loudest band of a block that an envelope does not go below: no filter digs in silence."""
BLOCK = 512
"""Grains that are filtered at once."""


def changed(wave: np.ndarray, rate: int, change: Change) -> np.ndarray:
    """Return a changed wave.

    Args:
        wave: float32, shape (channels, frames).
        rate: Its samples per second.
        change: What is done, to all channels alike.

    Returns:
        float32, shape (channels, about frames * exp(r)); beyond full scale only where `wave` is.
    """
    channels, n = wave.shape[0], max(round(wave.shape[1] * np.exp(change.longer)), 1)
    pitched = wave if change.higher == 0 else resampled(wave, rate, rate / np.exp(change.higher))
    frames = pitched.shape[1]
    hop, near = max(round(HALF * rate), 1), round(NEAR * rate)
    starts = np.arange(-hop, n, hop)
    u = np.minimum((starts + hop) / n, 1)  # of their middles
    edge = near + 2 * hop
    padded = np.pad(pitched, ((0, 0), (edge, edge + 2 * hop)))
    wanted = np.rint(change.source(u) * frames).astype(int) - hop + edge
    places = _places(padded.mean(axis=0), wanted, hop, near)
    window = (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)).astype(np.float32)
    made = np.zeros((channels, n + 5 * hop), dtype=np.float32)
    for first in range(0, len(starts), BLOCK):
        some = slice(first, first + BLOCK)
        grains = padded[:, places[some, None] + np.arange(2 * hop)] * window
        for start, grain in zip(starts[some], _filtered(grains, u[some], rate, change).swapaxes(0, 1), strict=True):
            made[:, start + hop : start + 5 * hop] += grain
    made = made[:, 2 * hop : 2 * hop + n]
    full, peak = (max(1.0, float(np.abs(x).max(initial=0))) for x in (wave, made))
    return made * np.float32(full / peak) if peak > full else made


def _places(x: np.ndarray, wanted: np.ndarray, hop: int, near: int) -> np.ndarray:
    """Return where in x, shape (frames,), pieces begin that go on from each other, int64, as `wanted` about."""
    found = wanted.copy()
    for i in range(1, len(wanted)):
        found[i] = found[i - 1] + hop
        if abs(found[i] - wanted[i]) > near:
            goes_on = x[found[i] : found[i] + 2 * hop]
            first = wanted[i] - near
            found[i] = first + _most_like(x[first : first + 2 * near + len(goes_on)], goes_on)
    return found


def _most_like(x: np.ndarray, piece: np.ndarray) -> int:
    """Return the offset at which x is most like a piece, by normalised cross-correlation."""
    n, size = len(x) - len(piece) + 1, 1 << (len(x) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(x, size) * np.conj(np.fft.rfft(piece, size)), size)[:n]
    sums = np.concatenate([[0], np.cumsum(x.astype(np.float64) ** 2)])
    energy = sums[len(piece) :] - sums[:n]
    # Where there is next to nothing, likeness is chance.
    return int(np.argmax(product / np.sqrt(np.maximum(energy, 1e-3 * energy.max() + 1e-12))))


def _filtered(grains: np.ndarray, u: np.ndarray, rate: int, change: Change) -> np.ndarray:
    """Return grains (channels, n, 2 hop) at times u as they sound filtered, with room on both sides, (..., 4 hop)."""
    hop = grains.shape[2] // 2
    spectra = np.fft.rfft(np.pad(grains, ((0, 0), (0, 0), (hop, hop))))
    m, bins = middles(rate), mel(np.fft.rfftfreq(4 * hop, 1 / rate))
    level = np.maximum((np.abs(spectra) ** 2).mean(axis=0) @ bands(rate, 4 * hop).T, 1e-12)
    level = 10 * np.log10(np.maximum(level, level.max() * 10 ** (-DEPTH / 10)))
    envelope = gaussian_filter1d(level, FORMANT, axis=1, mode="nearest")
    gain = change.gain(m, u).T + _between(m, m - change.shift(m), envelope) - envelope
    gain = _between(m, bins, np.clip(gain, -MOST, MOST))
    return np.fft.irfft(spectra * 10 ** (gain / 20), 4 * hop).astype(np.float32)


def _between(m: np.ndarray, at: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return x, shape (n, len(m)), given at evenly spaced m, at other places."""
    place = np.clip((at - m[0]) / (m[1] - m[0]), 0, len(m) - 1)
    low = np.minimum(place.astype(int), len(m) - 2)
    return x[:, low] + (place - low) * (x[:, low + 1] - x[:, low])
