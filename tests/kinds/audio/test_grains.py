"""Changed waves: what is not asked for stays, and what is asked for is done by as much."""

from __future__ import annotations

import numpy as np
import pytest

from gensynth.kinds.audio.grains import changed
from gensynth.kinds.audio.pair_changes import GAINS, SIZE, TIMES, Change

RATES = [8_000, 44_100]


def change(longer: float = 0, higher: float = 0, rate: int = 8_000, **at: float) -> Change:
    coefficients = np.zeros(SIZE)
    coefficients[:2] = longer, higher
    for name, value in at.items():
        coefficients[int(name[1:])] = value
    return Change(coefficients, rate)


def tone(hertz: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return (np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate) / 2).astype(np.float32)[None]


def noise(rate: int, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    return (np.random.default_rng(0).standard_normal((channels, round(seconds * rate))) / 10).astype(np.float32)


def peak(wave: np.ndarray, rate: int) -> float:
    x = wave[0] * np.hanning(wave.shape[1])
    return float(np.fft.rfftfreq(8 * len(x), 1 / rate)[np.abs(np.fft.rfft(x, 8 * len(x))).argmax()])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seconds", [0.01, 0.05, 1.0])
def test_no_change_leaves_the_wave(rate: int, seconds: float) -> None:
    x = noise(rate, seconds, channels=2)
    assert np.abs(changed(x, rate, change()) - x).max() < 1e-5


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("longer", [-0.3, 0.3])
def test_another_length_keeps_the_pitch(rate: int, longer: float) -> None:
    made = changed(tone(440, rate), rate, change(longer))
    assert made.shape == (1, round(rate * np.exp(longer)))
    assert peak(made, rate) == pytest.approx(440, rel=0.005)
    middle = made[0, rate // 10 : -rate // 10]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)  # no dip where pieces join


@pytest.mark.parametrize("higher", [-0.2, 0.2])
def test_another_pitch_keeps_the_length(higher: float) -> None:
    rate, x = 16_000, sum(tone(220 * k, 16_000) / 8 for k in range(1, 9))
    made = changed(x, rate, change(0, higher, rate))
    assert made.shape == x.shape
    spectrum = np.abs(np.fft.rfft(made[0] * np.hanning(rate)))
    lowest = spectrum[100:330].argmax() + 100  # Hz: it lasts one second
    assert lowest == pytest.approx(220 * np.exp(higher), rel=0.01)


def test_a_lower_pitch_leaves_no_empty_band() -> None:
    rate, x = 8_000, noise(8_000)
    power = np.abs(np.fft.rfft(changed(x, rate, change(0, -0.3))[0])) ** 2
    assert 0.3 < power[3300:3900].mean() / power[1500:2100].mean() < 3


def test_a_gain_of_all_bands_is_a_gain() -> None:
    x = noise(8_000)
    made = changed(x, 8_000, change(**{f"c{SIZE - GAINS[0] * GAINS[1]}": 6.0}))
    assert np.abs(made - x * 10 ** (6 / 20)).max() < 1e-3


def test_a_gain_along_frequency_is_a_filter() -> None:
    rate, at = 8_000, SIZE - GAINS[0] * GAINS[1] + GAINS[1]
    x, wanted = noise(rate), change(**{f"c{at}": 6.0})
    ratio = np.abs(np.fft.rfft(changed(x, rate, wanted)[0])) ** 2, np.abs(np.fft.rfft(x[0])) ** 2
    for low in (300, 1000, 3000):
        found = 10 * np.log10(ratio[0][low : low + 200].mean() / ratio[1][low : low + 200].mean())
        m = 2595 * np.log10(1 + (low + 100) / 700)
        assert found == pytest.approx(float(wanted.gain(np.array([m]), np.array([0.5]))[0, 0]), abs=0.7)


def test_formants_move_and_harmonics_stay() -> None:
    rate = 16_000
    pulses = np.zeros((1, rate), dtype=np.float32)
    pulses[0, ::160] = 1  # 100 Hz
    hertz = np.fft.rfftfreq(rate, 1 / rate)
    x = np.fft.irfft(np.fft.rfft(pulses[0]) / (1 + ((hertz - 1500) / 500) ** 2)).astype(np.float32)[None]

    def formant(wave: np.ndarray) -> float:
        level = np.array([np.abs(np.fft.rfft(wave[0])[k * 100 - 2 : k * 100 + 3]).max() for k in range(8, 26)])
        return float((level**2 * 100 * np.arange(8, 26)).sum() / (level**2).sum())

    made = changed(x, rate, change(0, 0, rate, **{f"c{2 + TIMES}": 0.1}))
    # The envelope is smoothed, so that the top of a resonance moves a little less than asked.
    assert 1.05 < formant(made) / formant(x) < 1.11
    power = np.abs(np.fft.rfft(made[0])) ** 2
    assert power[: rate // 4][::100].sum() > 0.95 * power[: rate // 4].sum()


def test_a_warp_of_time_moves_what_is_heard() -> None:
    rate, x = 8_000, np.zeros((1, 8_000), dtype=np.float32)
    x[:, 4000:4200] = noise(8_000)[:, :200]
    wanted = change(c2=0.8)
    at = np.square(changed(x, rate, wanted)[0]) @ np.arange(rate) / np.square(changed(x, rate, wanted)[0]).sum() / rate
    assert wanted.source(np.array([at]))[0] == pytest.approx(0.5125, abs=0.02)
    assert abs(at - 0.5125) > 0.05


def test_channels_stay_in_phase() -> None:
    x = np.repeat(noise(8_000), 2, axis=0) * np.array([[1], [-0.5]], dtype=np.float32)
    made = changed(x, 8_000, change(0.2, 0.1, c2=0.5, c8=0.05))
    assert np.abs(made[1] + 0.5 * made[0]).max() < 1e-5


def test_nothing_goes_beyond_full_scale_that_was_not_there() -> None:
    louder = change(**{f"c{SIZE - GAINS[0] * GAINS[1]}": 20.0})
    assert np.abs(changed(tone(440, 8_000), 8_000, louder)).max() <= 1
    assert np.abs(changed(4 * tone(440, 8_000), 8_000, louder)).max() == pytest.approx(2, rel=1e-3)


def test_silence_and_a_single_frame_stay_finite() -> None:
    for frames in (1, 400):
        made = changed(np.zeros((1, frames), dtype=np.float32), 8_000, change(0.3, -0.2, c2=0.5, c8=0.1))
        assert np.isfinite(made).all()
        assert made.shape[1] == max(round(frames * np.exp(0.3)), 1)


def test_no_clicks() -> None:
    """Joins jump no more than the wave itself does."""
    x = tone(200, 16_000) + tone(730, 16_000) / 2
    made = changed(x, 16_000, change(0.35, 0.1, 16_000, c2=0.6))
    assert np.abs(np.diff(made[0])).max() < 1.5 * np.exp(0.1) * np.abs(np.diff(x[0])).max()
