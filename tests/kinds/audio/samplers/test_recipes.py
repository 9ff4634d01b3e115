"""Recipes: what a clip keeps of its parent, which effects a class gets, and that each can be made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_sounds import RATE, tone

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.label_safety import ALL, CANNOT_TELL, SAFE, UNSAFE, LabelSafety, Survival
from gensynth.kinds.audio.clips import Clip, Clips, Form, View, clip_of
from gensynth.kinds.audio.effects.catalog import EFFECTS
from gensynth.kinds.audio.effects.level import peak_of
from gensynth.kinds.audio.samplers.catalog import load_sampler, made_sampler
from gensynth.kinds.audio.samplers.recipe_safety import recipe_safety
from gensynth.kinds.audio.samplers.recipes import GENTLE, Recipes


def clips(rise: int = 12, fall: int = 12, channels: int = 1, form: Form = Form(RATE)) -> LabeledData:  # noqa: B008
    rng, made, y = np.random.default_rng(0), list[Clip](), np.repeat([0, 1], [rise, fall])
    for label in y.tolist():
        wave = tone(("rise", "fall")[label], rng, rng.uniform(0.2, 0.3), form.rate, channels)
        made.append(clip_of(wave.T, form))
    ids = tuple(f"{i}.wav" for i in range(len(y)))
    return LabeledData(Clips(tuple(made), View(RATE, 0.3)), y, ("rise", "fall"), ids)


@pytest.mark.parametrize("name", EFFECTS)
def test_a_clip_keeps_rate_form_channels_and_full_scale_of_its_parent(name: str) -> None:
    data = clips(4, 3, channels=2, form=Form(44_100, "FLAC", "PCM_24"))
    loud = clip_of(data.x[0].wave() / peak_of(data.x[0].wave()), data.x[0].form)
    data = LabeledData(Clips((loud, *data.x[1:]), data.x.view), data.y, data.classes, data.ids)
    drawn = Recipes(name, most=1).fit(data).sample("rise", 6, seed=0)
    place = {of: i for i, of in enumerate(data.ids)}
    for clip, how, parents in zip(drawn.x.clips, drawn.how, drawn.parents, strict=True):
        parent = data.x[place[parents[0]]]
        assert data.y[place[parents[0]]] == 0 and how.startswith(name)
        assert (clip.form, clip.channels) == (parent.form, 2) and clip.digest != parent.digest
        assert peak_of(clip.wave()) <= 1 + 1e-6
        if name not in ("speed", "stretch", "part"):
            assert clip.frames == parent.frames
    assert all((len(parents) == 2) == (name in ("mix", "background")) for parents in drawn.parents)
    if name == "mix":
        assert all(data.y[place[second]] == 0 for _, second in drawn.parents)


def test_each_sample_depends_on_its_number_alone_also_from_a_file(tmp_path: Path) -> None:
    data = clips()
    sampler = Recipes(",".join(EFFECTS)).fit(data)
    whole = sampler.sample("fall", 8, seed=3)
    assert sampler.sample("fall", 3, seed=3, start=5).x.hashes() == whole.x.hashes()[5:]
    assert len({*whole.x.hashes(), *sampler.sample("fall", 8, seed=4).x.hashes()}) == 16
    sampler.save(tmp_path / "a.sampler")
    again = load_sampler(tmp_path / "a.sampler").sample("fall", 8, seed=3)
    assert (again.x.hashes(), again.how, again.parents) == (whole.x.hashes(), whole.how, whole.parents)


def test_chains_have_one_to_most_effects_in_the_order_of_a_recording() -> None:
    drawn = Recipes("gain, codec, speed, noise", most=3).fit(clips()).sample("rise", 60, seed=0)
    chains = [[step.split()[0] for step in how.split(" + ")] for how in drawn.how]
    assert {len(chain) for chain in chains} == {1, 2, 3}
    assert all(chain == sorted(chain, key=[*EFFECTS].index) for chain in chains)
    assert {name for chain in chains for name in chain} == {"gain", "codec", "speed", "noise"}


def test_reversed_tones_change_their_class_and_louder_ones_do_not() -> None:
    data = clips(30, 30)
    found = recipe_safety(data, {name: Recipes(name, most=1) for name in ("reverse", "gain")})
    verdicts = {(row.recipe, row.label): row.verdict for row in (*found.pooled, *found.by_class)}
    assert verdicts["reverse", "rise"] == verdicts["reverse", ALL] == UNSAFE and verdicts["gain", ALL] == SAFE
    assert [row.taken_for for row in found.by_class if (row.recipe, row.label) == ("reverse", "rise")] == ["fall"]
    with pytest.raises(ValueError, match="at least two classes of two training clips"):
        recipe_safety(clips(5, 1), {"gain": Recipes("gain")})


def test_auto_takes_what_is_measured_to_be_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: EFFECTS[name] for name in ("reverse", "tilt", "gain")}
    monkeypatch.setattr("gensynth.kinds.audio.samplers.recipes.EFFECTS", few)
    sampler = Recipes().fit(clips(20, 20))
    assert sampler.safety_ is not None
    for label, barred in (("rise", {"reverse"}), ("fall", set[str]())):
        used = {step.split()[0] for how in sampler.sample(label, 50, 0).how for step in how.split(" + ")}
        assert used == {*sampler.safety_.safe_for(label)} and "gain" in used and not used & barred


def survival(recipe: str, label: str, verdict: str) -> Survival:
    return Survival(recipe, label, 9, 1.0, 1.0, 0.0, -0.2, 0.2, "", verdict)


def test_where_nothing_can_be_measured_only_gentle_effects_are_drawn() -> None:
    sampler = Recipes().fit(clips(1, 6))
    assert sampler.safety_ is None and sampler._choices(0) == [*GENTLE]
    names = ("rise", "fall")
    pooled = tuple(survival(name, ALL, CANNOT_TELL) for name in EFFECTS)
    harmful = (survival("noise", "fall", UNSAFE),)
    sampler.safety_ = LabelSafety(names, pooled, harmful)
    assert sampler._choices(0) == ["shift", "gain"]
    sampler.safety_ = LabelSafety(names, pooled, tuple(survival(name, "fall", UNSAFE) for name in GENTLE))
    with pytest.raises(ValueError, match="'rise' .* no effect is measured to be safe"):
        sampler.sample("rise", 1, 0)


def test_a_class_of_one_clip_is_not_mixed() -> None:
    data = clips(1, 6)
    assert all(how.startswith("gain") for how in Recipes("mix,gain").fit(data).sample("rise", 9, 0).how)
    with pytest.raises(ValueError, match="'rise' .* mix needs another clip"):
        Recipes("mix").fit(data).sample("rise", 1, 0)


def test_backgrounds_and_rooms_of_the_users(tmp_path: Path) -> None:
    for folder in ("hum", "hall"):
        (tmp_path / folder).mkdir()
    hum = 0.5 * np.sin(2 * np.pi * 3000 * np.arange(16_000) / 16_000)
    soundfile.write(tmp_path / "hum" / "hum.ogg", hum, 16_000)
    soundfile.write(tmp_path / "hall" / "echo.wav", np.r_[0.0, 0.8, np.zeros(398), 0.4], RATE, subtype="FLOAT")
    data, given = clips(), {"background": str(tmp_path / "hum"), "rooms": str(tmp_path / "hall")}
    drawn = Recipes("background", 1, **given).fit(data).sample("rise", 5, 0)
    assert all(len(parents) == 1 for parents in drawn.parents)
    for clip, parents in zip(drawn.x.clips, drawn.parents, strict=True):
        added = clip.wave() - data.x[data.ids.index(parents[0])].wave()
        assert abs(np.abs(np.fft.rfft(added[0])).argmax() * RATE / clip.frames - 3000) < 10
    (room,) = Recipes("room", 1, **given).fit(data).sample("rise", 1, 0).x.clips
    (of,) = (c for c in data.x.clips if c.frames == room.frames and c.channels == 1)
    x = of.wave()[0].astype(np.float64)
    echoed = x + 0.5 * np.r_[np.zeros(399), x[:-399]]
    assert np.corrcoef(echoed, room.wave()[0])[0, 1] > 0.9999


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"effects": "nois"}, "effects has no 'nois'.*noise"),
        ({"effects": "auto,noise"}, "effects has no 'auto'"),
        ({"most": 0}, "most must be a whole number of at least 1, got 0"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        made_sampler("recipes", settings).fit(clips(2, 2))
    with pytest.raises(FileNotFoundError, match="background: there is no folder"):
        Recipes("gain", background="nowhere").fit(clips(2, 2))
