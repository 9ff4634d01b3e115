"""Room: the sound of a room, recorded or synthetic."""

from __future__ import annotations

import numpy as np
from scipy.signal import oaconvolve

from gensynth.kinds.audio.effects.filters import as_loud
from gensynth.kinds.audio.effects.noise import power


def in_room(wave: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return a wave as it sounds in a room, at its own length and power.

    Args:
        wave: float32, shape (channels, frames).
        response: Response of the room to a click, from the direct sound on, float32, shape (n,).
    """
    made = oaconvolve(wave, response[None], axes=1)[:, : wave.shape[1]].astype(np.float32)
    return as_loud(made, wave)


def decay(rate: int, seconds: float, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Return the response of a synthetic room: the direct sound, and noise that decays exponentially.

    Moorer 1979, "About this reverberation business".

    Args:
        rate: Hz.
        seconds: In which the noise falls by 60 dB.
        ratio: Energy of the direct sound over that of the noise, in dB.
        rng: Draws the noise.

    Returns:
        float32, shape (n,).
    """
    n = max(round(seconds * rate), 2)
    found = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    found[0] = 0
    found *= 10 ** (-ratio / 20) / np.sqrt(n * power(found))
    found[0] = 1
    return found.astype(np.float32)


def from_direct_sound(response: np.ndarray) -> np.ndarray:
    """Return a recorded response, shape (n,), from its peak on, which becomes 1; ValueError if it is silent."""
    at = int(np.argmax(np.abs(response)))
    if not response[at]:
        raise ValueError("the response of a room is silent.")
    return response[at:] / response[at]
