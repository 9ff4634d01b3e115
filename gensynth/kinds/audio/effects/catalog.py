"""The catalogue of effects: each by name, at a moderate strength that is drawn anew for every clip.

Ranges follow what is usual for speech and for sounds of the surroundings: 10 to 40 dB of signal to noise, speed from
0.9 to 1.1 (Ko et al. 2015), two semitones (Salamon and Bello 2017, "Deep convolutional neural networks and data
augmentation for environmental sound classification").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from gensynth.kinds.audio.effects.codec import MP3, OGG, coded, quantised, suits_mp3
from gensynth.kinds.audio.effects.filters import band_stop, high_pass, low_pass, tilt
from gensynth.kinds.audio.effects.level import fade, gain, soft_clip
from gensynth.kinds.audio.effects.moves import reverse, shift, speed
from gensynth.kinds.audio.effects.noise import COLOURS, at_snr, noise
from gensynth.kinds.audio.effects.room import decay, in_room
from gensynth.kinds.audio.effects.vocoder import part_faster, pitch, stretch

SEMITONES, FASTER = 2.0, 0.1
"""How far pitch goes up or down, and speed and stretching from 1."""
LOWEST_CUT, HIGHEST = 0.006, 0.45
"""Share of the rate where the lowest and the highest filters act."""


@final
@dataclass(frozen=True, eq=False)
class Beside:
    """What is at hand beside the wave that is changed.

    Attributes:
        rate: Of the wave and of all that is returned, Hz.
        rng: Draws numbers.
        same: Returns another clip of the class as a wave of as many channels and frames.
        other: Returns a background, likewise: another clip of any class, or a part of a file of the user's.
        response: Returns the response of a room of the user's, float32, shape (n,); None where there is none.
    """

    rate: int
    rng: np.random.Generator
    same: Callable[[int, int], np.ndarray]
    other: Callable[[int, int], np.ndarray]
    response: Callable[[], np.ndarray] | None = None

    def draw(self, low: float, high: float) -> float:
        """Draw a number from a range, to three digits behind the point: what is told is what was done."""
        return round(float(self.rng.uniform(low, high)), 3)

    def hertz(self) -> float:
        """Draw a frequency at which filters act, evenly by octaves, in whole Hz."""
        low, high = np.log2([LOWEST_CUT * self.rate, HIGHEST * self.rate])
        return float(round(2 ** self.rng.uniform(low, high)))


Effect = Callable[[np.ndarray, Beside], tuple[np.ndarray, str]]
"""Changes a wave, float32 (channels, frames), and tells the numbers that it drew."""


def _reversed(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    return reverse(x), ""


def _faster_part(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    length, factor = by.draw(0.2, 0.5), by.draw(1 - 2 * FASTER, 1 + 2 * FASTER)
    first = by.draw(0, 1 - length)
    start, stop = (round(share * x.shape[1]) for share in (first, first + length))
    return part_faster(x, by.rate, start, stop, factor), f"{factor:g} from {first:.0%} to {first + length:.0%}"


def _stretch(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    factor = by.draw(1 - FASTER, 1 + FASTER)
    return stretch(x, by.rate, factor), f"{factor:g}"


def _pitch(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    semitones = by.draw(-SEMITONES, SEMITONES)
    return pitch(x, by.rate, semitones), f"{semitones:+g} semitones"


def _speed(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    factor = by.draw(1 - FASTER, 1 + FASTER)
    return speed(x, factor), f"{factor:g}"


def _mix(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    snr = by.draw(3, 15)
    return at_snr(x, by.same(*x.shape), snr), f"{snr:g} dB"


def _room(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    if by.response is not None:
        return in_room(x, by.response()), ""
    seconds, ratio = by.draw(0.1, 0.5), by.draw(3, 15)
    return in_room(x, decay(by.rate, seconds, ratio, by.rng)), f"{seconds:g} s, direct {ratio:g} dB"


def _band_stop(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    low, octaves = by.hertz(), by.draw(0.2, 0.7)
    high = min(round(low * 2**octaves), round(0.49 * by.rate))
    return band_stop(x, by.rate, low, high), f"{low:g} to {high:g} Hz"


def _low_pass(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    hertz = float(round(by.rate * by.draw(0.2, HIGHEST)))
    return low_pass(x, by.rate, hertz), f"{hertz:g} Hz"


def _high_pass(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    hertz = by.draw(60, 300)
    return high_pass(x, by.rate, hertz), f"{hertz:g} Hz"


def _tilt(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    slope = by.draw(-2, 2)
    return tilt(x, by.rate, slope), f"{slope:+g} dB by octave"


def _background(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    snr = by.draw(15, 40)
    return at_snr(x, by.other(*x.shape), snr), f"{snr:g} dB"


def _noise(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    colour, snr = [*COLOURS][by.rng.integers(len(COLOURS))], by.draw(10, 40)
    return noise(x, by.rate, colour, snr, by.rng), f"{colour} {snr:g} dB"


def _shift(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    frames = round(by.draw(-0.1, 0.1) * x.shape[1])
    return shift(x, by.rate, frames, by.rng), f"{frames / by.rate:+.3f} s"


def _gain(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    decibels = by.draw(-6, 6)
    return gain(x, decibels), f"{decibels:+g} dB"


def _fade(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    seconds = x.shape[1] / by.rate
    rise, fall = (round(by.draw(0, 0.15) * seconds, 4) for _ in range(2))
    return fade(x, by.rate, rise, fall), f"{rise:g} s, {fall:g} s"


def _soft_clip(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    drive = by.draw(1, 3)
    return soft_clip(x, drive), f"{drive:g}"


def _codec(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    usable = (OGG, MP3) if suits_mp3(len(x), by.rate) else (OGG,)
    codec, loss = usable[by.rng.integers(len(usable))], by.draw(0.5, 0.9)
    return coded(x, by.rate, codec, loss), f"{codec} {loss:g}"


def _quantise(x: np.ndarray, by: Beside) -> tuple[np.ndarray, str]:
    bits = int(by.rng.integers(7, 11))
    return quantised(x, bits), f"{bits} bits"


EFFECTS: dict[str, Effect] = {
    "reverse": _reversed,
    "part": _faster_part,
    "stretch": _stretch,
    "pitch": _pitch,
    "speed": _speed,
    "mix": _mix,
    "room": _room,
    "background": _background,
    "bandstop": _band_stop,
    "lowpass": _low_pass,
    "highpass": _high_pass,
    "tilt": _tilt,
    "noise": _noise,
    "shift": _shift,
    "fade": _fade,
    "gain": _gain,
    "clip": _soft_clip,
    "quantise": _quantise,
    "codec": _codec,
}
"""By name, in the order in which they are carried out: from the source through room and microphone to the file."""
