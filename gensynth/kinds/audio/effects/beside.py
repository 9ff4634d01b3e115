"""Sounds that are laid beside another one: cut or repeated to its length, from clips or from a folder of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import numpy as np
import soundfile

from gensynth.data.terminal import visible
from gensynth.kinds.audio.config import SUFFIXES
from gensynth.kinds.audio.mel import mono, resampled

LONGEST_RESPONSE = 5.0
"""Seconds of a room's response that are read at most."""


@final
@dataclass(frozen=True)
class SoundFolder:
    """Sound files of the user's, by their endings.

    Attributes:
        files: They, sorted by name.
    """

    files: tuple[Path, ...]

    @classmethod
    def of(cls, folder: str, setting: str) -> Self:
        """Find all sound files below a folder.

        Args:
            folder: Its path.
            setting: What names it, for messages.

        Raises:
            FileNotFoundError: if there is no such folder.
            ValueError: if it holds no sound file.
        """
        if not Path(folder).is_dir():
            raise FileNotFoundError(f"{setting}: there is no folder {visible(folder)!r}.")
        files = tuple(path for path in sorted(Path(folder).rglob("*")) if path.suffix.lower() in SUFFIXES)
        if not files:
            raise ValueError(f"{setting}: no file below {visible(folder)!r} is a sound ({', '.join(SUFFIXES)}).")
        return cls(files)

    def part(self, seconds: float, rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return a random part of a random file, float32 (channels, frames), at a rate; the whole of a shorter one."""
        with self._any(rng) as file:
            n = min(round(seconds * file.samplerate) + 1, file.frames)
            file.seek(int(rng.integers(file.frames - n + 1)))
            return resampled(_read(file, n), file.samplerate, rate)

    def start(self, rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return a random file as one channel at a rate, float32 (frames,), at most `LONGEST_RESPONSE` seconds."""
        with self._any(rng) as file:
            return resampled(mono(_read(file, round(LONGEST_RESPONSE * file.samplerate)))[None], file.samplerate, rate)[
                0
            ]

    def _any(self, rng: np.random.Generator) -> soundfile.SoundFile:
        path = self.files[rng.integers(len(self.files))]
        try:
            return soundfile.SoundFile(path)
        except (OSError, soundfile.SoundFileError) as error:
            raise ValueError(f"{visible(str(path))!r} cannot be read ({error}); mend or remove it.") from error


def _read(file: soundfile.SoundFile, frames: int) -> np.ndarray:
    found: np.ndarray = file.read(frames, dtype="float32", always_2d=True).T
    return found


def beside(
    wave: np.ndarray, channels: int, frames: int, rng: np.random.Generator, repeated: bool = False
) -> np.ndarray:
    """Return a wave of other length and channels as one that can be added: a random part of a longer one.

    Args:
        wave: float32, any number of channels and frames, at least one each.
        channels: Wanted; where it has another number, each becomes the mean of its own.
        frames: Wanted.
        rng: Draws which part.
        repeated: Repeat a shorter one, from any of its frames on, instead of laying it somewhere into silence.

    Returns:
        float32, shape (channels, frames).
    """
    x = wave if len(wave) == channels else np.repeat(mono(wave)[None], channels, axis=0)
    n = x.shape[1]
    if n >= frames:
        at = int(rng.integers(n - frames + 1))
        return x[:, at : at + frames]
    if repeated:
        return np.take(x, int(rng.integers(n)) + np.arange(frames), axis=1, mode="wrap")
    at = int(rng.integers(frames - n + 1))
    return np.pad(x, ((0, 0), (at, frames - n - at)))
