"""A clip on a page: a picture of its spectrum over time, and a player."""

from __future__ import annotations

import base64
import io
from functools import cache

import matplotlib
import numpy as np
import soundfile
from PIL import Image

from gensynth.kinds.audio.clips import Clip, View
from gensynth.kinds.audio.effects.codec import BLOCK, MP3_RATES
from gensynth.kinds.audio.effects.level import limited
from gensynth.kinds.audio.mel import heard, log_mel, resampled
from gensynth.report.markup import Html, element

QUIETEST, LOUDEST = -80.0, -10.0
"""dB of full scale that have the first and the last colour; speech at a usual level hardly exceeds the second."""
WIDTH, HEIGHT, NARROWEST = 208, 96, 24
"""Pixels of the picture of the longest clip, and of the shortest one."""
FASTEST = 24_000
"""Samples per second that are played at most, Hz."""
LOSS = 0.3
"""Of the MP3 files, from 0, best, to 1, smallest: about 5 kB a second."""


def spectrogram(clip: Clip, view: View, alt: str) -> Html:
    """Return the log-mel of a clip, low frequencies at the bottom, as wide as it is long.

    Args:
        clip: The clip.
        view: Its rate is what the picture reaches to half of, in Hz; its seconds are what is shown at most, and fill
            the whole width.
        alt: What it shows, for those who cannot see it.
    """
    own = View(view.rate, min(clip.seconds, view.seconds))
    mel = log_mel(heard(clip, own), own)
    levels = np.clip((mel[::-1] - QUIETEST) / (LOUDEST - QUIETEST), 0, 1)
    picture = Image.fromarray((levels * 255).round().astype(np.uint8), mode="L").convert("P")
    picture.putpalette(_colours())
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    width = max(NARROWEST, round(WIDTH * own.seconds / view.seconds))
    return element("img", src=_data("image/png", file), alt=alt, width=str(width), height=str(HEIGHT))


def player(clip: Clip, seconds: float, label: str) -> Html:
    """Return a player of the beginning of a clip, its channels as one, as MP3, of which all browsers know.

    Args:
        clip: The clip.
        seconds: What is played of it at most.
        label: What is heard, for those who cannot see it.
    """
    rate = max(known for known in MP3_RATES if known <= min(clip.form.rate, FASTEST))
    wave = clip.wave()[:, : max(round(seconds * clip.form.rate), 1)].mean(axis=0, keepdims=True)
    x, file = limited(resampled(wave, clip.form.rate, rate), 1)[0], io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, 1, "MPEG_LAYER_III", format="MP3", compression_level=LOSS) as written:
        for start in range(0, len(x), BLOCK):
            written.write(x[start : start + BLOCK])
    return element("audio", src=_data("audio/mpeg", file), controls="", preload="none", aria_label=label)


def _data(media: str, file: io.BytesIO) -> str:
    return f"data:{media};base64,{base64.b64encode(file.getvalue()).decode()}"


@cache
def _colours() -> list[int]:
    """Return the red, green and blue of 256 levels: matplotlib's magma, from black to a light yellow."""
    found: np.ndarray = (matplotlib.colormaps["magma"](np.arange(256))[:, :3] * 255).round().astype(int)
    return found.ravel().tolist()
