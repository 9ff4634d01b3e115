"""A clip -> one sound file, and what that will hold of it."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from gensynth.kinds.audio.clips import Clip, Form, clip_of, samples_of
from gensynth.kinds.audio.ogg import with_serial

ENDINGS = {"WAVEX": ".wav"}
"""Endings of files by libsndfile's names of containers; others end as these are called."""
EXACT = ("PCM_", "FLOAT", "DOUBLE", "ALAC_")
"""How the names of encodings begin that give back what they were given, once it was rounded."""


def ending(form: Form) -> str:
    """Return how the name of a file of a form ends."""
    return ".opus" if form.subtype == "OPUS" else ENDINGS.get(form.format, f".{form.format.lower()}")


@cache
def as_written(form: Form, channels: int) -> Form:
    """Return the form in which clips of a form are written: the same, or WAV of 16 bits where that is only read."""
    try:
        encoded(np.zeros((channels, form.rate // 10), dtype=np.float32), form)
    except ValueError:
        return Form(form.rate)
    return form


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
        told = f"{form.format} files ({form.subtype}) of {form.rate} Hz and {len(wave)} channels"
        raise ValueError(f"{told} cannot be written ({error}); convert the data to WAV or FLAC.") from error
    return with_serial(file.getvalue()) if form.format == "OGG" else file.getvalue()


def stored(clip: Clip) -> Clip:
    """Return a clip in memory as its file will hold it: rounded to the bits of its form, clipped, or compressed."""
    form = as_written(clip.form, clip.channels)
    coded = encoded(clip.wave(), form)
    with TemporaryDirectory() as folder:  # libsndfile takes some short MP3 in memory for other things
        path = Path(folder) / "clip"
        path.write_bytes(coded)
        found = clip_of(samples_of(path, 0, -1).T, form)
    return found if form.subtype.startswith(EXACT) else replace(found, coded=coded)
