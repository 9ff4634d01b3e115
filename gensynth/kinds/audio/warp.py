"""Changes a wave as `pair_changes` describes: time by moving grains, frequency and gain by filtering them.

Nothing is resynthesised. Grains of a wave are added where they belong, each a piece of it as it stands, cut where it
goes on as the last one would have: waveform similarity (WSOLA, Verhelst and Roelands 1993, "An overlap-add technique
based on waveform similarity (WSOLA) for high quality time-scale modification of speech"). While the next piece itself
is about where the warp wants to be it is taken, so that a mild warp joins pieces a few times a second. On the way each
grain is filtered without a change of phase: by the gain, and by the ratio of its envelope, moved along frequency, to
the envelope itself. So formants move and the pitch stays.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from gensynth.kinds.audio.pair_changes import Change, mel

GRAIN = 0.040
"""Seconds of a grain; half of it is the next one's, too."""
NEAR = 0.012
"""Seconds by which a piece may lie beside where the warp wants it: about a period of the lowest voices."""
POINTS, SMOOTH = 64, 2.5
"""Points of an envelope on the mel scale, and over how many of them it is smoothed."""
MOST = 25.0
"""dB by which a filter raises or lowers at most."""
BLOCK = 512
"""Grains that are filtered at once."""


def changed(wave: np.ndarray, rate: int, change: Change, view_rate: int) -> np.ndarray:
    """Return a changed wave.

    Args:
        wave: float32, shape (channels, frames).
        rate: Its samples per second.
        change: What is done; it moves all channels alike.
        view_rate: Samples per second of the clips that it was learned from.

    Returns:
        float32, shape (channels, round(frames * exp(change.length))), at least one frame.
    """
    channels, frames = wave.shape
    n = max(round(frames * np.exp(change.length)), 1)
    hop = max(round(GRAIN * rate / 2), 1)
    starts = np.arange(-hop, n, hop)
    wanted = np.round(change.source(np.clip((starts + hop) / n, 0, 1)) * frames).astype(int) - hop
    near = round(NEAR * rate)
    edge = near + 2 * hop
    padded = np.pad(wave, ((0, 0), (edge, edge + 2 * hop)))
    places = edge + _pieces(padded.mean(0), wanted + edge, hop, near) - edge
    made = np.zeros((channels, n + 5 * hop), dtype=np.float32)
    window = (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)).astype(np.float32)
    filters = _Filters(change, rate, view_rate, hop)
    for first in range(0, len(starts), BLOCK):
        some = slice(first, first + BLOCK)
        grains = padded[:, places[some, None] + np.arange(2 * hop)] * window
        grains = filters(grains, np.clip((starts[some] + hop) / n, 0, 1))
        for grain, start in zip(grains.transpose(1, 0, 2), starts[some] + hop, strict=True):
            made[:, start : start + 4 * hop] += grain
    return _within(made[:, 2 * hop : 2 * hop + n], wave)


def _pieces(x: np.ndarray, wanted: np.ndarray, hop: int, near: int) -> np.ndarray:
    """Return where in x, shape (frames,), the pieces begin that are wanted about there."""
    found = wanted.copy()
    for i in range(1, len(wanted)):
        found[i] = found[i - 1] + hop
        if abs(found[i] - wanted[i]) > near:
            goes_on = x[found[i] : found[i] + 2 * hop]
            found[i] = wanted[i] - near + _most_like(x[wanted[i] - near : wanted[i] + near + len(goes_on)], goes_on)
    return found


def _most_like(x: np.ndarray, piece: np.ndarray) -> int:
    """Return the offset at which x is most like a piece, by normalised cross-correlation."""
    size = 1 << (len(x) - 1).bit_length()
    n = len(x) - len(piece) + 1
    product = np.fft.irfft(np.fft.rfft(x, size) * np.conj(np.fft.rfft(piece, size)), size)[:n]
    energy = np.concatenate([[0], np.cumsum(x.astype(np.float64) ** 2)])
    energy = energy[len(piece) :][:n] - energy[:n]
    return int(np.argmax(product / np.sqrt(np.maximum(energy, 1e-9 + 1e-3 * energy.max()))))


class _Filters:
    """Filters grains of a wave."""

    def __init__(self, change: Change, rate: int, view_rate: int, hop: int) -> None:
        self.change, self.hop = change, hop
        top, learned = float(mel(rate / 2)), float(mel(view_rate / 2))
        bins = mel(np.fft.rfftfreq(4 * hop, 1 / rate))
        self.at = np.minimum(bins / learned, 1)
        points = np.linspace(0, top, POINTS)
        self.points, self.bins = points, bins
        self.from_points = points - change.shift(np.minimum(points / learned, 1), learned) * learned
        spread = np.maximum(1 - abs(bins - points[:, None]) / (points[1] - points[0]), 0)
        wide = spread.sum(1, keepdims=True)
        nearest = np.abs(bins - points[:, None]).argmin(1)
        alone = np.zeros_like(spread)
        alone[np.arange(POINTS), nearest] = 1
        self.bands = np.where(wide > 0, spread / np.maximum(wide, 1e-9), alone)

    def __call__(self, grains: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return grains, shape (channels, n, 2 hop), at times u, as they sound filtered, (channels, n, 4 hop)."""
        hop = self.hop
        spectra = np.fft.rfft(np.pad(grains, ((0, 0), (0, 0), (hop, hop))))
        gain = self.change.gain(self.at, u).T
        if self.change.shifts.any():
            gain = gain + self._moved((abs(spectra) ** 2).mean(0))
        spectra *= 10 ** (np.clip(gain, -MOST, MOST) / 20)
        return np.fft.irfft(spectra, 4 * hop).astype(np.float32)

    def _moved(self, power: np.ndarray) -> np.ndarray:
        """Return by how many dB envelopes change that are moved along frequency, of powers (n, bins)."""
        level = 10 * np.log10(np.maximum(power @ self.bands.T, 1e-12 + 1e-6 * power.max()))
        envelope = gaussian_filter1d(level, SMOOTH, axis=1, mode="nearest")
        gain = np.stack([np.interp(self.from_points, self.points, e) - e for e in envelope])
        return np.stack([np.interp(self.bins, self.points, g) for g in gain])


def _within(made: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Return a wave, softer if it is beyond full scale and its parent was not."""
    most, peak = max(1.0, float(abs(wave).max(initial=0))), float(abs(made).max(initial=0))
    return made * np.float32(most / peak) if peak > most else made
