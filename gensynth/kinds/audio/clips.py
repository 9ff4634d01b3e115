"""Clips: waves of any length, rate and number of channels, in memory or in files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import soundfile

from gensynth.data.examples import Examples


@final
@dataclass(frozen=True)
class Form:
    """How a clip is stored.

    Attributes:
        rate: Samples per second, Hz.
        format: libsndfile's name of the container, such as `"WAV"`.
        subtype: libsndfile's name of the encoding, such as `"PCM_16"`.
    """

    rate: int
    format: str = "WAV"
    subtype: str = "PCM_16"


@final
@dataclass(frozen=True, eq=False)
class Clip:
    """One clip.

    Attributes:
        digest: Stands for its content: equal waves have equal digests.
        form: How it is stored; of a new one, how it will be: as its parent.
        channels: How many.
        frames: Samples of each channel.
        samples: Its wave, float32, shape (channels, frames), full scale at -1 and 1; None of one that stays in a file.
        path: The file it lies in as it is; None of a new one.
        start: First frame of it there.
        whole: Whether it is all that the file holds.
        coded: What its file will hold; None where coding its wave once more gives the same.
    """

    digest: bytes
    form: Form
    channels: int
    frames: int
    samples: np.ndarray | None = None
    path: Path | None = None
    start: int = 0
    whole: bool = True
    coded: bytes | None = field(default=None, repr=False)

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.frames / self.form.rate

    def wave(self) -> np.ndarray:
        """Return its wave, float32, shape (channels, frames), full scale at -1 and 1.

        Raises:
            ValueError: if the file can no longer be read, or holds something else by now.
        """
        if self.samples is not None:
            return self.samples
        try:
            found = samples_of(str(self.path), self.start, self.frames)
        except (OSError, soundfile.SoundFileError) as error:
            raise ValueError(f"{str(self.path)!r} can no longer be read ({error}); put it back.") from error
        if digest_of([found], self.form.rate) != self.digest:
            raise ValueError(f"{str(self.path)!r} holds something else than when it was read; put back what it held.")
        return np.ascontiguousarray(found.T)


def samples_of(path: str | Path, start: int, n: int) -> np.ndarray:
    """Return n samples of a file from one on, fewer where it ends, float32, shape (frames, channels).

    They are always the same: where an MP3 is entered changes what is decoded, and so does asking for its begin.
    """
    with soundfile.SoundFile(path) as file:
        if start:
            file.seek(start)
        found: np.ndarray = file.read(n, dtype="float32", always_2d=True)
    return found


def digest_of(blocks: Iterable[np.ndarray], rate: int) -> bytes:
    """Return what stands for a wave: the hash of its samples and its rate.

    Args:
        blocks: The wave in parts, each float32, shape (frames, channels).
        rate: Hz.
    """
    digest, channels = hashlib.blake2b(digest_size=16), 0
    for block in blocks:
        digest.update(np.ascontiguousarray(block).tobytes())
        channels = block.shape[1]
    digest.update(repr((channels, rate)).encode())
    return digest.digest()


def clip_of(wave: np.ndarray, form: Form) -> Clip:
    """Return a wave, float32 (channels, frames), as a clip in memory."""
    x = np.ascontiguousarray(wave, dtype=np.float32)
    return Clip(digest_of([x.T], form.rate), form, len(x), x.shape[1], samples=x)


@final
@dataclass(frozen=True)
class View:
    """What networks and scores see of clips, which may differ in rate and length.

    Attributes:
        rate: They are resampled to it, Hz.
        seconds: They are cut to it, or padded with silence.
    """

    rate: int = 16_000
    seconds: float = 1.0


@final
@dataclass(frozen=True, eq=False)
class Clips(Examples):
    """n clips.

    Attributes:
        clips: One each.
        view: What networks and scores see of them; the parts of a data set share it.
    """

    kind, noun = "audio", "clip"

    clips: tuple[Clip, ...]
    view: View = field(default_factory=View)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, int | np.integer | slice):
            return self.clips[at]
        return tuple(self.clips[i] for i in np.arange(len(self))[at])

    def take(self, at: np.ndarray) -> Self:
        """As `Examples.take`."""
        return replace(self, clips=tuple(self.clips[i] for i in at))

    def join(self, others: Sequence[Self]) -> Self:
        """As `Examples.join`."""
        return replace(self, clips=(*self.clips, *(clip for other in others for clip in other.clips)))

    def hashes(self) -> tuple[bytes, ...]:
        """As `Examples.hashes`."""
        return tuple(clip.digest for clip in self.clips)

    @property
    def layout(self) -> View:
        """What networks and scores see of them."""
        return self.view

    def of(self, other: Self) -> Self:
        """As `Examples.of`."""
        return replace(self, view=other.view)
