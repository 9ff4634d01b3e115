"""One contract for every sampler of clips that the catalog finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_pips import CLASSES, RATE, VIEW, clip, pip_data, pips

from gensynth.data.labeled import LabeledData
from gensynth.kinds.audio.clips import Clips
from gensynth.kinds.audio.samplers.base import AudioSampler
from gensynth.kinds.audio.samplers.catalog import audio_sampler_names, load_sampler, made_sampler
from gensynth.sampler.synthetic import Synthetic

DATA = pip_data(0, 24, 10)


def same(a: Synthetic, b: Synthetic) -> bool:
    told = (a.parents, a.how, a.sampler, a.seed, a.classes) == (b.parents, b.how, b.sampler, b.seed, b.classes)
    return told and a.x.hashes() == b.x.hashes() and np.array_equal(a.index, b.index)


@pytest.fixture(scope="module", params=audio_sampler_names())
def sampler(request: pytest.FixtureRequest) -> AudioSampler:
    return made_sampler(request.param, None).fit(DATA)


def test_two_halves_are_one_whole_and_seeds_differ(sampler: AudioSampler) -> None:
    whole = sampler.sample("low", 12, seed=3)
    halves = Synthetic.concat([sampler.sample("low", 5, seed=3), sampler.sample("low", 7, seed=3, start=5)])
    assert same(whole, halves)
    assert whole.x.hashes() != sampler.sample("low", 12, seed=4).x.hashes()


def test_new_clips_are_of_the_form_of_their_parents_and_none_of_them_is_a_real_one(sampler: AudioSampler) -> None:
    drawn, place = sampler.sample("low", 20, seed=0), {name: i for i, name in enumerate(DATA.ids)}
    assert {*drawn.x.hashes()}.isdisjoint(DATA.x.hashes()) and all(drawn.how)
    for new, parents in zip(drawn.x[:], drawn.parents, strict=True):
        parent = DATA.x[place[parents[0]]]
        assert DATA.y[place[parents[0]]] == CLASSES.index("low")
        assert (new.form, new.channels) == (parent.form, parent.channels)
        wave = new.wave()
        assert np.isfinite(wave).all() and np.abs(wave).max() <= 1 and wave.shape[1] > 0.3 * RATE


def test_every_real_clip_has_its_turn(sampler: AudioSampler) -> None:
    drawn = sampler.sample("low", 10, seed=0)
    assert len({parents[0] for parents in drawn.parents}) == 10


def test_a_loaded_sampler_draws_the_same(sampler: AudioSampler, tmp_path: Path) -> None:
    sampler.save(tmp_path / "a.sampler")
    first, again = sampler.sample("high", 6, seed=1), load_sampler(tmp_path / "a.sampler").sample("high", 6, seed=1)
    assert first.x.hashes() == again.x.hashes() and first.how == again.how


def test_a_class_of_a_single_clip_is_drawn_from_or_refused_in_a_sentence(sampler: AudioSampler) -> None:
    rng = np.random.default_rng(5)
    made = tuple(clip(pips(name, rng)) for name in ["high"] * 8 + ["low"])
    data = LabeledData(Clips(made, VIEW), np.repeat([0, 1], [8, 1]), CLASSES, tuple(map(str, range(9))))
    try:
        drawn = made_sampler(sampler.name, None).fit(data).sample("low", 3, seed=0)
    except ValueError as error:
        assert "low" in str(error) or "clip" in str(error)
    else:
        assert len(drawn) == 3
