"""The sampler that changes clips as clips of one class differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gensynth.data.labeled import LabeledData
from gensynth.kinds.audio.clips import Clips, Form, View, clip_of
from gensynth.kinds.audio.samplers.catalog import load_sampler
from gensynth.kinds.audio.samplers.deformation import ENDS, Deformation, level_of

RATE = 8_000


def clip(seconds: float, gain: float, hertz: float, rng: np.random.Generator) -> np.ndarray:
    """A falling tone with its harmonics, in noise."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * hertz * (t - 0.2 * t**2)
    x = sum(np.sin(k * phase) / k for k in range(1, 6)) * np.hanning(len(t)) + rng.normal(0, 0.01, len(t))
    return (gain * x / 4).astype(np.float32)[None]


def data(counts: tuple[int, ...] = (12, 12, 3), alike: bool = False) -> LabeledData:
    """Classes of tones; with `alike`, clips of a class differ in length alone."""
    rng, waves, y = np.random.default_rng(0), [], []
    for label, n in enumerate(counts):
        for _ in range(n):
            gain, hertz = (0.5, 1.0) if alike else (10 ** rng.uniform(-1, -0.2), rng.uniform(0.9, 1.1))
            waves.append(clip(rng.uniform(0.3, 0.5), gain, (100 + 60 * label) * hertz, rng))
            y.append(label)
    x = Clips(tuple(clip_of(wave, Form(RATE)) for wave in waves), View(RATE, 0.5))
    return LabeledData(x, np.array(y), ("low", "mid", "rare")[: len(counts)], tuple(f"{i}.wav" for i in range(len(y))))


@pytest.fixture(scope="module")
def fitted() -> Deformation:
    return Deformation().fit(data())


def test_draws_are_changed_parents_in_their_form(fitted: Deformation) -> None:
    drawn = fitted.sample("rare", 6, 0)
    assert {parents[0] for parents in drawn.parents} == {"24.wav", "25.wav", "26.wav"}
    for made, parents in zip(drawn.x, drawn.parents, strict=True):
        parent = fitted.data_.x[int(parents[0].partition(".")[0])]
        assert (made.form, made.channels) == (parent.form, parent.channels)
        assert np.isfinite(made.wave()).all()
        assert made.digest != parent.digest


def test_sample_i_depends_on_nothing_else(fitted: Deformation) -> None:
    whole, part = fitted.sample("rare", 5, 7), fitted.sample("rare", 2, 7, start=3)
    assert whole.x.hashes()[3:] == part.x.hashes()
    assert whole.x.hashes() != fitted.sample("rare", 5, 8).x.hashes()


def test_lengths_and_levels_stay_within_those_of_real_clips(fitted: Deformation) -> None:
    own = [each.seconds for each in fitted.data_.x[24:]]
    levels = [level_of(each.wave()) for each in fitted.data_.x]
    for made in fitted.sample("rare", 60, 0).x:
        assert min(own) - 1e-3 <= made.seconds <= max(own) + 1e-3
        assert min(levels) - 6 < level_of(made.wave()) < max(levels) + 6  # gains of single bands come on top


def test_what_does_not_differ_does_not_change() -> None:
    """Clips that differ in length alone are changed in length; loudness, pitch and formants stay about."""
    sampler = Deformation(1.0).fit(data(alike=True))
    spread = np.sqrt(np.diag(sampler.learned_["covariances"][2]))
    assert spread[0] > 0.1
    assert spread[1] < 0.03
    varied = np.sqrt(np.diag(Deformation(1.0).fit(data()).learned_["covariances"][2]))
    level = ENDS[1]
    assert varied[level] > 3 * spread[level]
    assert varied[1] > 3 * spread[1]


def test_a_single_rare_clip_is_changed_as_others_show() -> None:
    sampler = Deformation().fit(data((12, 12, 1)))
    assert len(set(sampler.sample("rare", 4, 0).x.hashes())) == 4


def test_pairs_join_groups_where_there_are_some() -> None:
    known = data((6, 6))
    within = replace(known, groups=tuple("ab"[i % 2] for i in range(12)))
    _, pairs = Deformation().fit(within)._pairs(np.array([6, 6]))
    assert ((pairs[:, 0] - pairs[:, 1]) % 2 == 1).all()
    one = replace(known, groups=("a",) * 12)
    assert Deformation().fit(one).sample("low", 1, 0)


def test_saved_it_draws_the_same(fitted: Deformation, tmp_path: Path) -> None:
    fitted.save(tmp_path / "d.sampler")
    assert (
        load_sampler(tmp_path / "d.sampler").sample("rare", 3, 1).x.hashes() == fitted.sample("rare", 3, 1).x.hashes()
    )


def test_strength_scales_changes() -> None:
    known = data()
    weak, strong = (
        [
            abs(level_of(d.wave()) - level_of(known.x[int(p[0][:-4])].wave()))
            for d, p in zip(s.x, s.parents, strict=True)
        ]
        for s in (Deformation(strength).fit(known).sample("rare", 30, 0) for strength in (0.05, 1.0))
    )
    assert np.mean(weak) < 0.25 * np.mean(strong)


@pytest.mark.parametrize("strength", [0, -1, 2.1, True, "much"])
def test_a_strength_that_is_none_is_refused(strength: object) -> None:
    with pytest.raises(ValueError, match="strength must be a number above 0, at most 2"):
        Deformation(strength).fit(data())  # type: ignore[arg-type]


def test_without_two_clips_of_a_class_nothing_can_be_learned() -> None:
    alone = data((1, 1))
    assert "no class has two clips" in Deformation().unsuited(alone)
    with pytest.raises(ValueError, match="no class has two clips, .* use 'recipes' instead"):
        Deformation().fit(alone)
    assert not Deformation().unsuited(data((2, 1)))
