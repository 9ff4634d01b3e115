"""The pitch of a clip."""

from __future__ import annotations

import numpy as np
import pytest

from gensynth.kinds.audio.pitch import pitch


def voice(hertz: float, rate: int) -> np.ndarray:
    t = np.arange(rate // 2) / rate
    return sum(np.sin(2 * np.pi * k * hertz * t) / k for k in range(1, 8)).astype(np.float32) / 10


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("hertz", [80.0, 133.0, 310.0])
def test_a_voice_has_its_pitch(rate: int, hertz: float) -> None:
    assert pitch(voice(hertz, rate), rate) == pytest.approx(hertz, rel=0.02)


def test_silence_around_and_a_little_noise_change_nothing() -> None:
    x = np.pad(voice(120, 8_000), 4000)
    x += np.random.default_rng(0).normal(0, 0.01, len(x)).astype(np.float32)
    assert pitch(x, 8_000) == pytest.approx(120, rel=0.02)


def test_noise_silence_and_a_click_have_none() -> None:
    noise = np.random.default_rng(0).standard_normal(8_000).astype(np.float32)
    click = np.zeros(8_000, dtype=np.float32)
    click[4000] = 1
    for x in (noise, np.zeros(8_000, dtype=np.float32), click, np.zeros(1, dtype=np.float32)):
        assert np.isnan(pitch(x, 8_000))
