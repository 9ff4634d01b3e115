"""Effects: what each does to a wave, in closed form; at any rate, length and number of channels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gensynth.kinds.audio.effects.beside import SoundFolder, beside
from gensynth.kinds.audio.effects.catalog import EFFECTS, Beside
from gensynth.kinds.audio.effects.codec import MP3, MP3_RATES, OGG, coded, quantised
from gensynth.kinds.audio.effects.filters import band_stop, high_pass, low_pass, tilt
from gensynth.kinds.audio.effects.level import fade, gain, limited, peak_of, soft_clip
from gensynth.kinds.audio.effects.moves import joined, reverse, room_tone, shift, speed
from gensynth.kinds.audio.effects.noise import COLOURS, at_snr, noise, power
from gensynth.kinds.audio.effects.room import decay, from_direct_sound, in_room
from gensynth.kinds.audio.effects.vocoder import part_faster, pitch, stretch

RATE = 16_000


def tone(hertz: float, seconds: float = 1.0, rate: int = RATE, level: float = 0.3, phase: float = 0.0) -> np.ndarray:
    found: np.ndarray = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate + phase)
    return found[None].astype(np.float32)


def click(n: int = 8000, at: int = 4000) -> np.ndarray:
    x = np.zeros((1, n), dtype=np.float32)
    x[0, at] = 1
    return x


def loudest(x: np.ndarray, rate: int = RATE) -> float:
    """Return the frequency of the highest peak of a spectrum, Hz, to a small part of a bin."""
    size = 1 << 19
    return float(np.abs(np.fft.rfft(x[0] * np.hanning(x.shape[1]), size)).argmax() * rate / size)


def decibels(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(power(a) / power(b)))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestNoise:
    @pytest.mark.parametrize("colour", COLOURS)
    @pytest.mark.parametrize("snr", [10.0, 33.3])
    def test_has_the_power_asked_for(self, colour: str, snr: float) -> None:
        x = np.concatenate([tone(440), tone(300, level=0.01)])
        assert decibels(x, noise(x, RATE, colour, snr, rng()) - x) == pytest.approx(snr, abs=0.05)

    @pytest.mark.parametrize("colour", COLOURS)
    def test_falls_or_rises_by_three_decibels_an_octave(self, colour: str) -> None:
        x = tone(440, seconds=8)
        found = np.abs(np.fft.rfft((noise(x, RATE, colour, 0, rng()) - x)[0])) ** 2
        low, high = (found[round(8 * hertz) : round(16 * hertz)].mean() for hertz in (500, 2000))
        assert 10 * np.log10(high / low) / 2 == pytest.approx(3.01 * COLOURS[colour], abs=0.3)

    def test_another_sound_is_added_at_a_ratio(self) -> None:
        x, other = tone(440), tone(1000, level=0.9)
        assert decibels(x, at_snr(x, other, 12.0) - x) == pytest.approx(12, abs=0.01)


class TestLevel:
    def test_gain_is_in_decibels(self) -> None:
        x = tone(440)
        assert decibels(gain(x, 4.5), x) == pytest.approx(4.5, abs=1e-4)

    def test_fade_reaches_half_in_the_middle_of_its_time(self) -> None:
        x = fade(np.ones((2, RATE), dtype=np.float32), RATE, 0.1, 0.5)
        assert x[:, [0, 800, 1599, 4000, 12_000, -1]].T == pytest.approx(
            np.array([[0, 0], [0.5, 0.5], [1, 1], [1, 1], [0.5, 0.5], [0, 0]]), abs=2e-3
        )

    def test_soft_clip_keeps_the_peak_and_bends_it(self) -> None:
        x = tone(440)
        y = soft_clip(x, 3)
        assert peak_of(y) == pytest.approx(peak_of(x), rel=1e-3)
        assert y == pytest.approx(0.3 * np.tanh(3 * x / 0.3) / np.tanh(3), abs=1e-3)

    def test_limited_only_turns_down(self) -> None:
        x = tone(440, level=2)
        assert peak_of(limited(x, 1)) == pytest.approx(1) and limited(x, 3) is x


class TestMoves:
    @pytest.mark.parametrize("frames", [500, -700, 0])
    def test_shift_moves_a_click_by_whole_samples(self, frames: int) -> None:
        y = shift(click(), RATE, frames, rng())
        assert y.shape == (1, 8000) and y.argmax() == 4000 + frames

    def test_what_moves_in_sounds_like_the_pauses(self) -> None:
        hiss = 0.01 * rng().standard_normal((1, RATE)).astype(np.float32) + 0.1
        x = hiss.copy()
        x[:, 4000:12_000] += tone(440, 0.5)
        y = shift(x, RATE, 3000, rng())[:, :2500]
        assert y.mean() == pytest.approx(0.1, abs=0.01)  # also the offset of the recording
        # The quietest part is a little softer than the mean.
        assert decibels(y - y.mean(), hiss - hiss.mean()) == pytest.approx(-0.5, abs=1)

    def test_room_tone_of_silence_is_silent(self) -> None:
        assert not room_tone(np.zeros((2, 900), dtype=np.float32), RATE, 3000, rng()).any()

    @pytest.mark.parametrize("factor", [0.9, 1.1, 2.0])
    def test_speed_shortens_and_raises(self, factor: float) -> None:
        y = speed(tone(440), factor)
        assert y.shape[1] == round(RATE / factor) and loudest(y) == pytest.approx(440 * factor, abs=0.5)

    def test_reverse_is_its_own_inverse(self) -> None:
        x = rng().standard_normal((2, 100)).astype(np.float32)
        assert (reverse(x)[:, 0] == x[:, -1]).all() and (reverse(reverse(x)) == x).all()

    def test_joined_sounds_fade_into_each_other(self) -> None:
        one = np.ones((1, 50), dtype=np.float32)
        assert joined(one, one, 20) == pytest.approx(np.ones((1, 80)), abs=1e-6)
        assert joined(one, 0 * one, 20)[0, [29, 39, 55]] == pytest.approx([1, 0.5, 0], abs=0.05)


class TestVocoder:
    @pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.5])
    def test_stretch_keeps_pitch_and_level_and_has_the_length_asked_for(self, factor: float) -> None:
        y = stretch(tone(440), RATE, factor)
        assert y.shape[1] == round(RATE / factor) and loudest(y) == pytest.approx(440, abs=1)
        assert decibels(y, tone(440)) == pytest.approx(0, abs=0.3)

    def test_nothing_changes_at_a_factor_of_one(self) -> None:
        x = rng().standard_normal((2, 5000)).astype(np.float32)
        assert stretch(x, RATE, 1.0) == pytest.approx(x, abs=1e-4)

    @pytest.mark.parametrize("factor", [0.8, 1.25])
    def test_events_stay_at_their_share_of_the_length(self, factor: float) -> None:
        y = stretch(click(16_000, 4000), RATE, factor)
        middle = (np.square(y[0]) * np.arange(y.shape[1])).sum() / np.square(y[0]).sum()
        assert middle == pytest.approx(4000 / factor, abs=0.005 * RATE)

    @pytest.mark.parametrize("semitones", [-2.0, 1.0, 2.0])
    def test_pitch_moves_a_tone_by_semitones_at_its_length(self, semitones: float) -> None:
        y = pitch(tone(440), RATE, semitones)
        assert y.shape[1] == RATE and loudest(y) == pytest.approx(440 * 2 ** (semitones / 12), abs=1.5)

    def test_a_part_alone_becomes_faster(self) -> None:
        x = np.concatenate([tone(440, 0.3), tone(1000, 0.4), tone(440, 0.3)], axis=1)
        y = part_faster(x, RATE, 4800, 11_200, 2.0)
        assert y.shape[1] == 4800 + 3200 + 4800 - 2 * round(0.005 * RATE)
        assert (y[:, :4700] == x[:, :4700]).all() and (y[:, -4700:] == x[:, -4700:]).all()
        assert loudest(y[:, 5000:7800]) == pytest.approx(1000, abs=5)

    def test_channels_keep_their_phases_to_each_other(self) -> None:
        # Three tones, the second channel a quarter of a period later and softer, the third silent.
        both = [
            sum(tone(hertz, level=level, phase=phase) for hertz in (300, 700, 1900))
            for level, phase in ((0.2, 0.0), (0.1, -np.pi / 2), (0.0, 0.0))
        ]
        y = stretch(np.concatenate(both), RATE, 1.1)
        spectra = np.fft.rfft(y * np.hanning(y.shape[1]))
        for hertz in (300, 700, 1900):
            at = round(hertz * y.shape[1] / RATE)
            assert spectra[1, at] / spectra[0, at] == pytest.approx(-0.5j, abs=0.02)
        assert not y[2].any()


class TestFilters:
    def test_band_stop_takes_away_what_is_inside_alone(self) -> None:
        inside, outside = tone(1000), tone(3000)
        y = band_stop(inside + outside, RATE, 800, 1250)[:, 2000:-2000]
        assert decibels(y - outside[:, 2000:-2000], inside) < -40

    def test_passes_keep_one_side(self) -> None:
        inner = slice(2000, -2000)
        for passed, stopped, y in (
            (200, 4000, low_pass(tone(200) + tone(4000), RATE, 1000)),
            (4000, 200, high_pass(tone(200) + tone(4000), RATE, 1000)),
        ):
            assert decibels(y[:, inner] - tone(passed)[:, inner], tone(stopped)) < -25

    def test_tilt_is_in_decibels_by_octave_and_keeps_the_power(self) -> None:
        x = tone(500) + tone(2000)
        y = tilt(x, RATE, 2.0)
        spectrum = np.abs(np.fft.rfft(y[0]))
        assert 20 * np.log10(spectrum[2000] / spectrum[500]) == pytest.approx(4, abs=0.1)
        assert decibels(y, x) == pytest.approx(0, abs=0.01)

    def test_nothing_moves_in_time(self) -> None:
        for y in (low_pass(click(), RATE, 2000), tilt(click(), RATE, -2.0), band_stop(click(), RATE, 3000, 4000)):
            assert np.abs(y).argmax() == 4000


class TestRoom:
    def test_decay_falls_by_sixty_decibels_and_has_the_ratio(self) -> None:
        h = decay(RATE, 0.5, 6.0, rng())
        assert h[0] == 1 and len(h) == 8000
        assert 10 * np.log10(1 / np.square(h[1:], dtype=np.float64).sum()) == pytest.approx(6, abs=1e-3)
        first, last = (np.square(h[at : at + 1600]).mean() for at in (1, 6400))
        assert 10 * np.log10(first / last) == pytest.approx(60 * 6400 / 8000, abs=1.5)

    def test_a_click_becomes_the_response(self) -> None:
        h = np.array([1, 0, 0.5], dtype=np.float32)
        y = in_room(click(10, 4), h)
        assert y[0] / y[0, 4] == pytest.approx([0, 0, 0, 0, 1, 0, 0.5, 0, 0, 0], abs=1e-6)
        assert power(y) == pytest.approx(0.1, rel=1e-5)

    def test_a_recorded_response_begins_at_the_direct_sound(self) -> None:
        h = np.array([0.0, 0.01, -0.5, 0.25], dtype=np.float32)
        assert from_direct_sound(h).tolist() == [1, -0.5]
        with pytest.raises(ValueError, match="silent"):
            from_direct_sound(0 * h)


class TestCodec:
    @pytest.mark.parametrize("codec", [OGG, MP3])
    def test_what_comes_back_is_the_same_sound_at_the_same_place(self, codec: str) -> None:
        x = 1.5 * (tone(440) + tone(1200, level=0.1))  # beyond full scale, too
        y = coded(np.concatenate([x, x / 2]), RATE, codec, 0.5)
        assert y.shape == (2, RATE) and 0.9 < float(np.corrcoef(x[0], y[0])[0, 1]) < 1
        assert decibels(y[:1], x) == pytest.approx(0, abs=0.5)

    def test_a_long_wave_can_be_coded(self) -> None:
        assert coded(tone(440, 12), RATE, OGG, 0.9).shape == (1, 12 * RATE)

    def test_every_rate_of_mp3_is_one(self) -> None:
        assert all(coded(tone(440, 0.1, rate), rate, MP3, 0.5).shape == (1, round(0.1 * rate)) for rate in MP3_RATES)

    def test_eight_bits_of_mu_law_have_their_known_ratio(self) -> None:
        x = rng().uniform(-1, 1, (1, RATE)).astype(np.float32)
        # Jayant and Noll 1984, "Digital coding of waveforms", section 4.5: about 38 dB whatever the level.
        assert decibels(x, quantised(x, 8) - x) == pytest.approx(37.5, abs=1.5)
        assert len(np.unique(quantised(x, 4))) == 15


class TestBeside:
    def test_a_longer_sound_is_cut_a_shorter_one_laid_somewhere_or_repeated(self) -> None:
        x = np.arange(1, 6, dtype=np.float32)[None]
        cut = beside(x, 1, 3, rng())
        assert (np.diff(cut) == 1).all() and cut.shape == (1, 3)
        assert sorted(beside(x, 1, 9, rng())[0]) == [0, 0, 0, 0, 1, 2, 3, 4, 5]
        assert set(np.diff(beside(x, 1, 9, rng(), repeated=True)[0])) == {1, -4}

    def test_other_numbers_of_channels_become_their_mean(self) -> None:
        x = np.array([[1, 1], [3, 5]], dtype=np.float32)
        assert beside(x, 3, 2, rng()).tolist() == [[2, 3]] * 3 and beside(x, 2, 2, rng()).tolist() == x.tolist()

    def test_folders(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="rooms: there is no folder"):
            SoundFolder.of(str(tmp_path / "none"), "rooms")
        with pytest.raises(ValueError, match="background: no file below"):
            SoundFolder.of(str(tmp_path), "background")
        (tmp_path / "deep").mkdir()
        soundfile.write(tmp_path / "deep" / "hum.flac", tone(440, 2, 8000).T, 8000)
        folder = SoundFolder.of(str(tmp_path), "background")
        part = folder.part(0.5, RATE, rng())
        assert abs(part.shape[1] - 8000) < 5 and loudest(part) == pytest.approx(440, abs=2)
        assert folder.part(60, RATE, rng()).shape == (1, 2 * RATE)
        (tmp_path / "deep" / "hum.flac").write_text("no sound")
        with pytest.raises(ValueError, match=r"hum\.flac.* cannot be read"):
            folder.part(0.5, RATE, rng())


def changed(x: np.ndarray, rate: int, name: str, seed: int = 0) -> np.ndarray:
    r = rng(seed)

    def other(channels: int, frames: int) -> np.ndarray:
        return beside(tone(300, 0.2, rate), channels, frames, r, repeated=True)

    return EFFECTS[name](x, Beside(rate, r, other, other))[0]


@pytest.mark.parametrize("name", EFFECTS)
class TestAll:
    @pytest.mark.parametrize(
        "wave",
        [
            lambda rate: tone(440, 0.05, rate),
            lambda rate: np.repeat(tone(440, 0.3, rate), 3, axis=0),
            lambda rate: np.zeros((2, rate // 4), dtype=np.float32),
        ],
        ids=["50 ms", "three channels", "silence"],
    )
    @pytest.mark.parametrize("rate", [8000, 44_100, 96_000])
    def test_any_wave(self, name: str, rate: int, wave: Callable[[int], np.ndarray]) -> None:
        x = wave(rate)
        y = changed(x, rate, name)
        assert y.dtype == np.float32 and len(y) == len(x) and np.isfinite(y).all()
        assert (y == y[:1]).all(), "equal channels stay equal"
        if name not in ("speed", "stretch", "part"):
            assert y.shape == x.shape
        if not x.any():
            assert not y.any()

    def test_the_same_seed_gives_the_same_bytes_and_the_wave_stays_as_it_was(self, name: str) -> None:
        x = tone(440, 0.3) + 0.1 * rng(3).standard_normal((1, 4800)).astype(np.float32)
        before = x.copy()
        assert changed(x, RATE, name).tobytes() == changed(x, RATE, name).tobytes()
        assert (x == before).all()
        if name != "reverse":
            assert changed(x, RATE, name).tobytes() != changed(x, RATE, name, seed=1).tobytes()
