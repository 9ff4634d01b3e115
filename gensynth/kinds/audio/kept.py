"""Kept clips: as an array of bytes, for what is saved and draws from them again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

import numpy as np

from gensynth.data.plain import typed
from gensynth.kinds.audio.clips import Clip, Clips, Form, View, clip_of


@final
@dataclass(frozen=True)
class KeptClip:
    """A clip as plain values; of one that is in memory, `path` is "" and its samples follow."""

    digest: str
    form: Form
    channels: int
    frames: int
    path: str
    start: int
    whole: bool


@final
@dataclass(frozen=True)
class Kept:
    """Clips as plain values.

    Whoever has read them finds files where they lay; that they still hold the same samples is checked when they are
    read (`Clip.wave`).
    """

    view: View
    clips: tuple[KeptClip, ...]


def packed(x: Clips) -> np.ndarray:
    """Return clips as uint8: a line of JSON, then the samples of those that are in memory, as float32."""
    kept = Kept(x.view, tuple(map(_kept, x.clips)))
    samples = [clip.samples.astype("<f4").tobytes() for clip in x.clips if clip.samples is not None]
    return np.frombuffer(b"".join([json.dumps(asdict(kept)).encode(), b"\n", *samples]), dtype=np.uint8)


def unpacked(array: np.ndarray) -> Clips:
    """Return what `packed` was given.

    Raises:
        ValueError: for another array.
    """
    line, _, rest = array.tobytes().partition(b"\n")
    kept, at, clips = typed(Kept, json.loads(line)), 0, []
    for one in kept.clips:
        digest = bytes.fromhex(one.digest)
        if one.path:
            path = Path(one.path)
            clips.append(Clip(digest, one.form, one.channels, one.frames, path=path, start=one.start, whole=one.whole))
            continue
        end = at + 4 * one.channels * one.frames
        wave = np.frombuffer(rest[at:end], dtype="<f4").reshape(one.channels, one.frames)
        clips.append(clip_of(wave, one.form))
        if clips[-1].digest != digest:
            raise ValueError("it holds other clips than it says")
        at = end
    if at != len(rest):
        raise ValueError("it holds more than its clips")
    return Clips(tuple(clips), kept.view)


def _kept(clip: Clip) -> KeptClip:
    path = "" if clip.path is None else str(clip.path)
    return KeptClip(clip.digest.hex(), clip.form, clip.channels, clip.frames, path, clip.start, clip.whole)
