"""Clips as one array, for the file of a sampler: waves of 16 bits or fewer as such, the others as floats."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TypedDict

import numpy as np

from gensynth.data.plain import typed
from gensynth.kinds.audio.clips import Clip, Clips, Form, View

STEPS = 2**15
"""Steps of a wave of 16 bits from 0 to full scale."""


class _Header(TypedDict):
    """What stands before the waves: of each clip digest, form, channels, frames, and whether it is of 16 bits."""

    view: View
    clips: list[tuple[str, Form, int, int, bool]]


def packed(x: Clips) -> np.ndarray:
    """Return clips, with all their waves, as bytes, uint8; a file that one lies in is not needed to unpack it."""
    told, waves = [], []
    for clip in x.clips:
        wave = clip.wave()
        steps = wave * np.float32(STEPS)
        small = bool(
            (steps == np.round(steps)).all() and steps.min(initial=0) >= -STEPS and steps.max(initial=0) < STEPS
        )
        told.append((clip.digest.hex(), asdict(clip.form), clip.channels, clip.frames, small))
        waves.append((steps.astype("<i2") if small else wave.astype("<f4")).tobytes())
    header = json.dumps({"view": asdict(x.view), "clips": told}).encode()
    return np.frombuffer(len(header).to_bytes(8, "little") + header + b"".join(waves), dtype=np.uint8)


def unpacked(array: np.ndarray) -> Clips:
    """Return what `packed` was given, in memory; ValueError for another array."""
    data = array.tobytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header, found = typed(_Header, json.loads(data[8:start])), []
    for digest, form, channels, frames, small in header["clips"]:
        dtype = np.dtype("<i2" if small else "<f4")
        values = np.frombuffer(data, dtype, channels * frames, start).reshape(channels, frames)
        start += values.nbytes
        wave = values.astype(np.float32) / np.float32(STEPS if small else 1)
        found.append(Clip(bytes.fromhex(digest), form, channels, frames, samples=wave))
    return Clips(tuple(found), header["view"])
