"""Features of a clip: its log-mel in few numbers, by a transform to which nothing was fitted.

The log-mel from where the sound begins to where it ends, below its loudest band, is averaged in a few parts of equal
length and turned into cosine coefficients over bands and parts: its broad shape, whatever the clip's level and length.
Beside it stand means, deviations, slopes and changes of the bands over time as cepstra (Davis and Mermelstein 1980,
"Comparison of parametric representations for monosyllabic word recognition"), which do not depend on when a sound
comes; the level; and the length of the sound.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dct

from gensynth.kinds.audio.mel import BANDS

RANGE = 60.0
"""dB below the loudest band that count: what is quieter is noise between sounds."""
ACTIVE = 40.0
"""The sound begins and ends with the first and the last frame that is not fainter than so many dB below the loudest."""
PARTS = 8
"""Parts of equal length."""
COEFFICIENTS = 16
"""Cosine coefficients over the bands."""
UNIT = 20.0
"""dB that count as 1."""
LEVEL, OCTAVE = 3.0, 3.0
"""What `UNIT` dB of level count, and twice the length."""
SCALE = 0.85
"""Brings the mean square of the features of recorded sounds near 1, as kernels of products want it."""


def features(below: np.ndarray, level: float, hop: float) -> np.ndarray:
    """Return the features of a clip.

    Args:
        below: Its log-mel, dB of its loudest band, float32, shape (`BANDS`, frames).
        level: Its loudest band, dB of full scale.
        hop: Seconds from one frame to the next.

    Returns:
        float64, shape (`COEFFICIENTS` * (`PARTS` + 4) + 2,).
    """
    active = np.flatnonzero(below.max(axis=0) >= -ACTIVE)
    own = below[:, active[0] : active[-1] + 1] if len(active) else below[:, :1]
    x = (np.maximum(own, -RANGE) + RANGE / 2).astype(np.float64) / UNIT
    shape = dct(_cosines(_parts(x)), axis=1, norm="ortho")
    cepstra = _cosines(_statistics(x))
    alone = np.array([LEVEL * level / UNIT, OCTAVE * np.log2(x.shape[1] * hop)])
    return SCALE * np.concatenate([shape.ravel(), cepstra.ravel(), alone])


def _cosines(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = dct(x, axis=0, norm="ortho")[:COEFFICIENTS]
    return found


def _parts(x: np.ndarray) -> np.ndarray:
    """Return the means of parts of equal length, which may be shorter than a frame, shape (`BANDS`, `PARTS`)."""
    n = x.shape[1]
    sums = np.concatenate([np.zeros((BANDS, 1)), np.cumsum(x, axis=1)], axis=1)
    edges = np.linspace(0, n, PARTS + 1)
    before = np.minimum(edges.astype(np.int64), n - 1)
    found: np.ndarray = np.diff(sums[:, before] + (edges - before) * x[:, before], axis=1) * PARTS / n
    return found


def _statistics(x: np.ndarray) -> np.ndarray:
    """Return the mean, deviation, slope and mean change of each band over time, shape (`BANDS`, 4)."""
    time = np.linspace(-1, 1, x.shape[1]) * np.sqrt(3)  # of unit variance
    change = np.abs(np.diff(x, axis=1, prepend=x[:, :1]))
    return np.stack([x.mean(axis=1), x.std(axis=1), (x * time).mean(axis=1), change.mean(axis=1)], axis=1)
