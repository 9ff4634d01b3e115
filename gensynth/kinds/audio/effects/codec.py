"""Codec: what is lost where a wave is stored in few bits."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from gensynth.kinds.audio.effects.level import peak_of
from gensynth.kinds.audio.effects.moves import of_length

MP3, OGG = "MP3", "OGG"
SUBTYPES = {MP3: "MPEG_LAYER_III", OGG: "VORBIS"}
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Rates that MPEG layer III knows, in Hz; it has two channels at most."""
BLOCK = 2**15
"""Frames that are coded at once: libsndfile's Vorbis encoder keeps all that it is given on the stack."""


def coded(wave: np.ndarray, rate: int, codec: str, loss: float) -> np.ndarray:
    """Return a wave as it comes back from a lossy file, in memory (libsndfile).

    Args:
        wave: float32, shape (channels, frames).
        rate: Hz.
        codec: `MP3` where `suits_mp3`, or `OGG`.
        loss: From 0, best, to 1, smallest.
    """
    scale = np.float32(max(peak_of(wave), 1))
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", rate, len(wave), SUBTYPES[codec], format=codec, compression_level=loss
    ) as written:
        for start in range(0, wave.shape[1], BLOCK):
            written.write((wave[:, start : start + BLOCK] / scale).T)
    found, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32", always_2d=True)
    return of_length(found.T * scale, wave.shape[1])


def suits_mp3(channels: int, rate: int) -> bool:
    """Return whether MP3 can hold a wave."""
    return channels <= 2 and rate in MP3_RATES


def quantised(wave: np.ndarray, bits: int) -> np.ndarray:
    """Return a wave in few bits a sample along the mu-law of telephones (ITU-T G.711), whose errors grow with level.

    Args:
        wave: float32, shape (channels, frames).
        bits: At least 2; a telephone has 8.
    """
    peak, steps, mu = peak_of(wave), 2 ** (bits - 1) - 1, 255.0
    if not peak:
        return wave
    bent = np.sign(wave) * np.log1p(mu * np.abs(wave) / peak) / np.log1p(mu)
    level = np.round(bent * steps) / steps
    found: np.ndarray = np.sign(level) * np.expm1(np.abs(level) * np.log1p(mu)) * (peak / mu)
    return found.astype(np.float32)
