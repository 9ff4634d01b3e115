"""Changes waves as `pair_changes` says: pieces of them are moved in time and filtered, never made anew.

Grains of a wave are added up where the warp of time wants them. Each is a piece of it as it stands; while the piece
that follows the last one is about the right one, it is taken, else the one nearby that is most like it, so that it goes
on as the last one would have (WSOLA: Verhelst and Roelands 1993, "An overlap-add technique based on waveform similarity
for high quality time-scale modification of speech"). So a mild warp has a few joins a second, and pitch stays; another
pitch comes from pieces of the resampled wave, and what is then missing above them from the wave itself.

On their way grains are filtered, their phases untouched, by g(m, u) + E(m - s(m)) - F(m) in dB, where E is the envelope
of the wave on the mel scale and F that of the grain: formants move by s, whatever the pitch does.
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
TOP = 0.95
"""Share of the frequencies of a resampled wave that are its own; above them it has none."""
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
    n = max(round(wave.shape[1] * np.exp(change.longer)), 1)
    hop, near = max(round(HALF * rate), 1), round(NEAR * rate)
    room, window = near + 2 * hop, (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)).astype(np.float32)
    pitched = resampled(wave, rate, rate / np.exp(change.higher))
    padded, own = (np.pad(x, ((0, 0), (room, room + hop))) for x in (pitched, wave))
    times = np.arange(0, n + hop, hop)
    u = np.minimum(times / n, 1)
    wanted = np.rint(change.source(u) * pitched.shape[1]).astype(int) + room - hop
    loudest = np.square(padded).sum(axis=1).argmax()  # the sum of channels may be silent
    starts = _places(padded[loudest], wanted, hop, near)
    beside = np.rint((starts - room + hop) * np.exp(change.higher)).astype(int) + room - hop
    beside = np.clip(beside, 0, own.shape[1] - 2 * hop)
    made = np.zeros((len(wave), n + 5 * hop), dtype=np.float32)
    for first in range(0, len(u), BLOCK):
        some = slice(first, first + BLOCK)
        pieces, own_pieces = (
            x[:, at[some, None] + np.arange(2 * hop)] * window for x, at in ((padded, starts), (own, beside))
        )
        grains = _filtered(pieces, own_pieces, u[some], rate, change)
        for middle, grain in zip(times[some], grains.swapaxes(0, 1), strict=True):
            made[:, middle : middle + 4 * hop] += grain
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


def _filtered(grains: np.ndarray, own: np.ndarray, u: np.ndarray, rate: int, change: Change) -> np.ndarray:
    """Return grains as they sound filtered.

    Args:
        grains: Of the pitched wave, shape (channels, n, 2 hop).
        own: The same of the wave itself.
        u: Their times, shape (n,).
        rate: Samples per second.
        change: What is done.

    Returns:
        float32, shape (channels, n, 4 hop): with room on both sides for what rings.
    """
    size = 2 * grains.shape[2]
    spectra, others = (np.fft.rfft(np.pad(x, ((0, 0), (0, 0), (size // 4, size // 4)))) for x in (grains, own))
    hertz, m = np.fft.rfftfreq(size, 1 / rate), middles(rate)
    above = hertz > TOP * np.exp(change.higher) * rate / 2
    spectra[..., above] = others[..., above]
    aim = _between(m, m - change.shift(m), _envelope(others, rate, size)) + change.gain(m, u).T
    gain = np.clip(aim - _envelope(spectra, rate, size), -MOST, MOST)
    return np.fft.irfft(spectra * 10 ** (_between(m, mel(hertz), gain) / 20), size).astype(np.float32)


def _envelope(spectra: np.ndarray, rate: int, size: int) -> np.ndarray:
    """Return the level of the mel bands of spectra (channels, n, bins), smoothed along them, dB, shape (n, bands)."""
    power = (np.abs(spectra) ** 2).mean(axis=0) @ bands(rate, size).T
    level = 10 * np.log10(np.maximum(power, max(power.max() * 10 ** (-DEPTH / 10), 1e-12)))
    found: np.ndarray = gaussian_filter1d(level, FORMANT, axis=1, mode="nearest")
    return found


def _between(m: np.ndarray, at: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return x, shape (n, len(m)), given at evenly spaced m, at other places."""
    place = np.clip((at - m[0]) / (m[1] - m[0]), 0, len(m) - 1)
    low = np.minimum(place.astype(int), len(m) - 2)
    return x[:, low] + (place - low) * (x[:, low + 1] - x[:, low])
