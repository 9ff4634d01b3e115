"""What the page shows of clips: pictures in which tones lie where they sound, and players that hold them."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from made_sounds import tone
from pages import SCRIPT, WILD, Strict, part, report
from PIL import Image

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.kinds.audio.clips import Clip, Clips, Form, View, clip_of
from gensynth.kinds.audio.report.pictures import LONGEST, SHORTEST, Share
from gensynth.kinds.audio.report.player import WIDTH, player, spectrogram
from gensynth.report.contents import Contents
from gensynth.report.page import render

RATE = 16_000


def sine(hertz: float, seconds: float = 1.0, rate: int = RATE, level: float = 0.3) -> Clip:
    wave = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return clip_of(np.stack([wave, wave]).astype(np.float32), Form(rate))


def data_in(page: str, media: str) -> list[bytes]:
    return [base64.b64decode(found) for found in re.findall(f'"data:{media};base64,([^"]*)"', page)]


class TestSpectrogram:
    @pytest.mark.parametrize("hertz", [200, 1000, 5000])
    def test_a_tone_is_a_line_at_its_height(self, hertz: int) -> None:
        (png,) = data_in(spectrogram(sine(hertz), View(RATE, 1.0), "a tone"), "image/png")
        levels = np.asarray(Image.open(io.BytesIO(png)).convert("L")).astype(float)
        mel = [2595 * np.log10(1 + f / 700) for f in (20, hertz, RATE / 2)]
        height = (mel[1] - mel[0]) / (mel[2] - mel[0]) * 65 - 1
        assert 63 - levels.mean(axis=1).argmax() == pytest.approx(height, abs=1)

    def test_it_is_as_wide_as_the_clip_is_long(self) -> None:
        widths = [
            int(re.findall(r'width="(\d+)"', spectrogram(sine(440, seconds), View(RATE, 2.0), "x"))[0])
            for seconds in (0.05, 1.0, 2.0, 9.0)
        ]
        assert widths == [24, WIDTH // 2, WIDTH, WIDTH]


class TestPlayer:
    @pytest.mark.parametrize("rate", [8000, 44_100, 96_000])
    def test_it_holds_the_beginning_of_the_sound(self, rate: int) -> None:
        html = player(sine(440, 3.0, rate, level=2.0), 0.5, "a <tone>")
        (mp3,) = data_in(html, "audio/mpeg")
        x, found = soundfile.read(io.BytesIO(mp3))
        assert found == min(rate, 24_000) and x.ndim == 1 and len(x) / found == pytest.approx(0.5, abs=0.01)
        assert np.abs(np.fft.rfft(x)).argmax() * found / len(x) == pytest.approx(440, abs=2)
        assert len(mp3) < 6000 and "&lt;tone&gt;" in html and Strict(html).tags == ["audio"]

    def test_silence_and_equal_clips(self) -> None:
        assert player(sine(0), 1, "x") == player(sine(0), 1, "x")


def test_the_more_groups_the_fewer_and_shorter_clips() -> None:
    view = View(RATE, 30.0)
    few, many, crowd = (Share.of(900_000, view, groups, 1, 6) for groups in (2, 20, 400))
    assert few == Share(6, View(RATE, LONGEST)) and 1 <= many.each < 6
    assert crowd == Share(1, View(RATE, SHORTEST))
    assert Share.of(900_000, View(RATE, 0.3), 400, 1, 6).view.seconds == 0.3


@pytest.fixture(scope="module")
def contents() -> Contents:
    """Of three classes of which two were treated, 10 samples each."""

    def made(n: int, seed: int) -> LabeledData:
        rng, y = np.random.default_rng(seed), np.repeat([0, 1, 2], n)
        waves = [tone(("rise", "fall", "rise")[label], rng, 0.2) for label in y]
        x = Clips(tuple(clip_of(wave.T, Form(8000)) for wave in waves), View(8000, 0.2))
        return LabeledData(x, y, WILD, tuple(f"{SCRIPT}{seed}-{i}.wav" for i in range(3 * n)))

    found = report(Parts(made(10, 0), made(3, 1), made(4, 2)), made(10, 9).subset(np.arange(20)))
    assert found.synthetic is not None
    return replace(found, synthetic=replace(found.synthetic, how=(SCRIPT,) * 20))


def test_the_page_shows_and_plays_and_nothing_else(contents: Contents) -> None:
    page = render(contents)
    parsed = Strict(page)
    assert "script" not in parsed.tags and page == render(contents)
    assert parsed.tags.count("audio") == len(data_in(page, "audio/mpeg")) == len(data_in(page, "image/png"))
    assert "media-src data:" in page and all(image["alt"].startswith("Spectrogram of") for image in parsed.images)
    look, nearest, rejected = (part(page, anchor) for anchor in ("look", "nearest", "rejected"))
    assert look.count("<audio") == 2 * (8 + 6) and "8 of 10 real clips" in look and "6 of 6 accepted" in look
    assert nearest.count("card-pair") - nearest.count("card-pairs") == nearest.count("<audio") / 2 > 0
    assert rejected.count("<audio") >= 4
    assert len(page) < 1_000_000
