"""Tests of gensynth.kinds.audio.explore on sounds in which it is known what is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from made_pips import CLASSES, VIEW, clip, pip_data

from gensynth.data.labeled import LabeledData
from gensynth.kinds.audio.clips import Clip, Clips
from gensynth.kinds.audio.explore import explore


def with_more(more: list[tuple[Clip, int]]) -> LabeledData:
    data = pip_data(0, 40, 12)
    clips, labels = zip(*more, strict=True)
    y = np.concatenate([data.y, np.array(labels)])
    return LabeledData(Clips((*data.x.clips, *clips), VIEW), y, CLASSES, tuple(map(str, range(len(y)))))


def test_clean_clips_get_no_advice_but_on_rare_classes() -> None:
    found = explore(pip_data(0, 40, 12))
    assert [advice.split(",")[0] for advice in found.advice] == ["Rare classes"]
    assert (found.copies, found.near_copies, found.conflicts) == (0, (), ())
    assert found.classes["low"].n == 12 and 0.5 <= found.classes["low"].seconds[0] <= 0.55
    assert "52 clips" in found.as_text() and "8,000 Hz (52)" in found.as_text() and "WAV PCM_16 (52)" in found.as_text()


def test_copies_are_found_shifted_ones_too_and_those_under_another_label() -> None:
    first = pip_data(0, 40, 12).x.clips
    later = clip(np.pad(first[3].wave(), ((0, 0), (200, 0))) / np.float32(2))
    found = explore(with_more([(first[0], 0), (later, 0), (first[41], 0)]))
    assert found.copies == 2 and found.near_copies == (("3", "53"),) and found.conflicts == (("41", "54"),)
    told = " ".join(found.advice)
    assert "2 clips repeat an earlier one" in told and "such as 3, 53" in told and "41, 54" in told


def test_silent_clipped_and_shifted_clips_are_counted() -> None:
    wave = pip_data(1, 1, 0).x.clips[0].wave()
    more = [0 * wave, np.clip(50 * wave, -1, 1), wave + np.float32(0.2)]
    low = explore(with_more([(clip(x), 1) for x in more])).classes["low"]
    assert (low.silent, low.clipped, low.shifted) == (1, 1, 1)


def test_a_class_that_was_recorded_otherwise_is_given_away() -> None:
    data = pip_data(0, 30, 30)

    def other(one: Clip) -> Clip:
        made = clip(one.wave() / np.float32(30))
        return replace(made, form=replace(made.form, rate=11025))

    clips = tuple(other(one) if label else one for one, label in zip(data.x.clips, data.y, strict=True))
    found = explore(replace(data, x=Clips(clips, VIEW)))
    assert found.cues["rate"] == found.cues["loudness"] == 1 and found.chance == 0.5 and "format" not in found.cues
    assert any("not the sound tells classes apart" in advice and "rate (1.00)" in advice for advice in found.advice)
