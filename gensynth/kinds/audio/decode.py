"""One sound file -> the clips in it, every sample of which was decoded once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from gensynth.data.words import counted
from gensynth.kinds.audio.clips import Clip, Form, digest_of, samples_of
from gensynth.kinds.audio.config import LONGEST, RATES, SHORTEST
from gensynth.kinds.audio.ogg import is_cut

MOST_CHANNELS = 16
BLOCK = 1 << 18
"""Frames that are decoded at a time: a long recording does not have to fit into memory."""
CUT = re.compile(r"(?:data|SSND) *: ([0-9]+) \(should be ([0-9]+)\)")
"""What libsndfile notes of a file that announces another number of bytes than it has."""
STREAMED = 0x7FFFF000
"""From here on what is announced is no number: it was not known how much would follow."""


def clips_in(path: Path, window: float | None = None) -> list[Clip]:
    """Decode a file, and return the clip that it is, or those that it is cut into.

    Args:
        path: The file.
        window: Seconds of a clip; None for one of the whole file.

    Raises:
        ValueError: if it cannot be read, or is not what a clip may be.
    """
    if not path.stat().st_size:
        raise ValueError("it is empty")
    if is_cut(path):
        raise ValueError("it is cut off: its last page is not all there")
    try:
        with soundfile.SoundFile(path) as file:
            _check(file, window)
            form, channels, n = Form(file.samplerate, file.format, file.subtype), file.channels, file.frames
            if window is None:
                return [Clip(digest_of(_blocks(file), form.rate), form, channels, n, path=path)]
        parts = windows(n, round(window * form.rate))
        digests = [digest_of(_part(path, start, length), form.rate) for start, length in parts]
        return [
            Clip(digest, form, channels, length, path=path, start=start, whole=length == n)
            for digest, (start, length) in zip(digests, parts, strict=True)
        ]
    except soundfile.SoundFileError as error:
        raise ValueError(f"no sound that can be read: {str(error).rpartition(': ')[2].strip(' .')}") from error


def windows(frames: int, size: int) -> list[tuple[int, int]]:
    """Return first frame and length of the parts of a recording, the last of which may be half as long as others."""
    cut = [(start, min(size, frames - start)) for start in range(0, frames, size)]
    return [(start, n) for start, n in cut if 2 * n >= size or not start]


def _check(file: soundfile.SoundFile, window: float | None) -> None:
    """Raise ValueError if what stands in front of the samples is not what a clip may have."""
    rate, channels, seconds = file.samplerate, file.channels, file.frames / max(file.samplerate, 1)
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"it has {rate} samples per second, and {RATES[0]} to {RATES[1]} are read")
    if channels > MOST_CHANNELS:
        raise ValueError(f"it has {channels} channels, and at most {MOST_CHANNELS} are read")
    if seconds < SHORTEST:
        raise ValueError(f"it lasts {1000 * seconds:.4g} ms, and a clip needs {1000 * SHORTEST:.0f} ms")
    if seconds > LONGEST and window is None:
        raise ValueError(
            f"it lasts {seconds / 60:,.0f} minutes, and a clip at most {LONGEST / 60:.0f}; cut recordings into clips "
            "with --window SECONDS"
        )
    announced = CUT.search(file.extra_info)
    if announced and int(announced[2]) < int(announced[1]) < STREAMED:
        raise ValueError(f"it is cut off: {announced[2]} of {announced[1]} bytes of its samples are there")


def _blocks(file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    """Yield all samples of a file, float32 (frames, channels); ValueError if one is none, or they end too soon."""
    n = 0
    for block in file.blocks(BLOCK, dtype="float32", always_2d=True):
        _check_finite(block)
        n += len(block)
        yield block
    if n != file.frames:
        raise ValueError(f"it is cut off: {n} of {file.frames} samples are there")


def _part(path: Path, start: int, n: int) -> Iterator[np.ndarray]:
    """Yield some samples of a file, read as `Clip.wave` reads them; errors as of `_blocks`."""
    found = samples_of(path, start, n)
    _check_finite(found)
    if len(found) != n:
        raise ValueError(f"it is cut off: {start + len(found)} of {start + n} samples are there")
    yield found


def _check_finite(block: np.ndarray) -> None:
    if wrong := int(np.count_nonzero(~np.isfinite(block))):
        raise ValueError(f"{counted(wrong, 'sample is', 'samples are')} not a finite number")
