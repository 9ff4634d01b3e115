"""Look: all that is taken from a clip in one reading, in parallel over clips, kept for whoever asks again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import final

import numpy as np

from gensynth.data.each import in_threads
from gensynth.kinds.audio.clips import Clip, View
from gensynth.kinds.audio.features import features
from gensynth.kinds.audio.levels import QUIETEST, Levels, levels
from gensynth.kinds.audio.mel import heard, hop_seconds, log_mel

MOST_KEPT = 20_000
"""Looks that are kept, at up to 10 kB each."""
DEPTH = 80.0
"""dB below the peak that a picture shows, in 255 steps."""


@final
@dataclass(frozen=True, eq=False)
class Look:
    """What is taken from a clip.

    Attributes:
        levels: What is measured in its wave.
        level: Its loudest band as it is heard, dB of full scale.
        features: As `features`, float32, shape (d,).
        picture: Its log-mel: 0 for `DEPTH` dB below `level` or less, 255 for `level`; uint8, shape (`BANDS`, frames).
    """

    levels: Levels
    level: float
    features: np.ndarray
    picture: np.ndarray


_kept, _lock = OrderedDict[tuple[bytes, View], Look](), Lock()


def looks(clips: Sequence[Clip], view: View) -> list[Look]:
    """Look at clips, in the order given; none is read twice while it is kept, and few waves are held at a time.

    Raises:
        ValueError: if a file can no longer be read.
    """
    return in_threads(lambda clip: _look(clip, view), clips)


def _look(clip: Clip, view: View) -> Look:
    key = clip.digest, view
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    found = look(clip, view)
    with _lock:
        _kept[key] = found
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return found


def look(clip: Clip, view: View) -> Look:
    """Look at one clip; samples that are no numbers count as silence."""
    wave = clip.wave()
    measured = levels(wave, clip.form.rate)
    if not measured.finite:
        wave = np.nan_to_num(wave, posinf=0, neginf=0)
    x = heard(replace(clip, samples=wave), view)  # as read: else its file would be read again
    peak = float(np.abs(x).max())
    below, level = log_mel(x / (peak or 1), view), QUIETEST
    if peak > 0:
        level = 20 * float(np.log10(peak)) + float(below.max())
        below = below - below.max()
    picture = np.round((below + DEPTH) * (255 / DEPTH)).clip(0, 255).astype(np.uint8)
    return Look(measured, level, features(below, level, hop_seconds(view)).astype(np.float32), picture)
