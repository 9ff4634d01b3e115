"""A clip -> one sound file, and what that will hold of it."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from gensynth.kinds.audio.clips import Clip, Form, clip_of
from gensynth.kinds.audio.ogg import with_serial

ENDINGS = {
    "OGG": ".ogg",
    "AIFF": ".aiff",
    "WAVEX": ".wav",
    "RF64": ".rf64",
}
"""Endings of files by libsndfile's names of containers; others end as they are called."""


def suffix_of(clip: Clip) -> str:
    """Return the ending of the file of a clip: that of the one it lies in, or what its container calls for."""
    if clip.path is not None:
        return clip.path.suffix
    form = clip.form
    return ".opus" if form.subtype == "OPUS" else ENDINGS.get(form.format, f".{form.format.lower()}")


def encoded(wave: np.ndarray, form: Form) -> bytes:
    """Return a file: the same wave and form, the same bytes.

    Args:
        wave: float32, shape (channels, frames); what exceeds full scale is clipped where the form has no more room.
        form: How to store it.

    Raises:
        ValueError: if libsndfile cannot write that form.
    """
    file = io.BytesIO()
    try:
        soundfile.write(file, wave.T, form.rate, form.subtype, format=form.format)
    except (soundfile.SoundFileError, ValueError) as error:
        told = f"{form.format} files of {form.subtype} at {form.rate} Hz with {len(wave)} channels"
        raise ValueError(f"{told} cannot be written ({error}); convert the data to WAV or FLAC.") from error
    return with_serial(file.getvalue()) if form.format == "OGG" else file.getvalue()


def stored(clip: Clip) -> Clip:
    """Return a clip in memory as its file will hold it: rounded to the bits of its form, clipped, or compressed."""
    wave, _ = soundfile.read(io.BytesIO(encoded(clip.wave(), clip.form)), dtype="float32", always_2d=True)
    return clip_of(wave.T, clip.form)
