"""Tests of gensynth.kinds.audio.levels against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from gensynth.kinds.audio.levels import QUIETEST, columns, levels

T = np.arange(8000) / 8000
SINE = np.sin(2 * np.pi * 100 * T).astype(np.float32)[None]


def test_a_sine_has_the_level_of_a_sine() -> None:
    found = levels(np.float32(0.5) * SINE, 8000)
    assert found.peak == pytest.approx(0.5) and found.rms == pytest.approx(-9.03, abs=0.01)
    assert (found.loudest, found.floor) == pytest.approx((-9.03, -9.03), abs=0.01)
    assert found.dc == pytest.approx(0, abs=1e-6) and found.flat == 0 and found.finite == 1


def test_the_floor_is_the_noise_between_sounds_and_the_constant_part_of_any_channel() -> None:
    wave = np.concatenate([SINE, np.float32(0.01) * SINE], axis=1)
    found = levels(np.concatenate([wave, wave + np.float32(0.25)]) / 2, 8000)
    assert found.dc == pytest.approx(0.125, abs=1e-6)
    assert levels(wave, 8000).floor == pytest.approx(-43.01, abs=0.01)


def test_a_loud_wave_is_not_clipped_and_one_that_stays_at_full_scale_is() -> None:
    assert levels(SINE, 8000).flat <= 2
    # 2 sin stays at 1 for two thirds of each half period of 40 samples.
    assert levels(np.clip(2 * SINE, -1, 1), 8000).flat == pytest.approx(27, abs=1)
    assert levels(np.float32(1.5) * SINE, 8000).flat > 5, "beyond full scale it will be cut off"
    eight_bits = np.clip((SINE * 2 * 128).round(), -128, 127) / np.float32(128)
    assert levels(eight_bits.astype(np.float32), 8000).flat > 20


def test_a_jump_stands_out_of_a_wave_and_of_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 0.03, (1, 8000)).astype(np.float32)
    for wave in (SINE / 2, noise):
        jumped = wave.copy()
        jumped[:, 4000:] += np.float32(0.9)
        assert levels(jumped, 8000).click > 1.3 * levels(wave, 8000).click


def test_nothing_and_what_is_no_number_are_told() -> None:
    nothing = levels(np.zeros((2, 100), np.float32), 8000)
    assert (nothing.peak, nothing.rms, nothing.flat, nothing.click) == (0, QUIETEST, 0, 0)
    assert levels(np.full((1, 100), np.nan, np.float32), 8000).finite == 0
    table = columns([nothing, levels(SINE, 8000)])
    assert table["finite"].tolist() == [1, 1] and table["peak"][1] == pytest.approx(1)
