"""choose: the rule, the race against time, what is left out and why."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gensynth.choose import choose as module
from gensynth.choose import results as results
from gensynth.choose.choose import BASELINES, ImageChoice, Source, choose, load_choice, save_choice, scored
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.config import EvaluateConfig
from gensynth.evaluate.networks import Networks
from gensynth.evaluate.outcome import Probabilities
from gensynth.generator.config import TrainConfig
from gensynth.kinds.image.generator import train_time
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.read import DataConfig, Parts, read_parts
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.rebalance.rebalance import RebalanceConfig
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

QUICK = EvaluateConfig(seeds=2, steps=10, batch_size=16)
TARGETS = {"5x": {"8": 6}, "balance": {"7": 2, "8": 12}}
Key = tuple[str, str, str]


@pytest.fixture(scope="module")
def few(few_eights: Path) -> Parts:
    return read_parts(str(few_eights), DataConfig())


def smote(few: Parts) -> Callable[[], Sampler]:
    return lambda: SmoteSampler().fit(few.train)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arms that were "trained", in order: they guess, and take ten seconds of a clock that only they move."""
    done: list[str] = []

    def guess(
        self: Networks, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: Any
    ) -> Probabilities:
        arm = way if added is None else f"{way} + synthetic"
        done.append(arm)
        rng = np.random.default_rng([*arm.encode(), 0 if added is None else len(added)])
        return Probabilities(test.y, rng.random((2, len(test), len(test.classes))), len(train))

    monkeypatch.setattr(Networks, "try_way", guess)
    monkeypatch.setattr(results, "perf_counter", lambda: 10.0 * len(done))
    return done


def pixels(y: np.ndarray, groups: tuple[str, ...] | None = None) -> LabeledData:
    """Images of which only label and group matter."""
    x, ids = torch.zeros((len(y), 1, 8, 8), dtype=torch.uint8), tuple(map(str, range(len(y))))
    return LabeledData(Pixels(x), y, ("a", "b"), ids, groups=groups)


def test_the_standard_error_is_that_of_paired_images() -> None:
    # One way alone recognises 8 images, the other alone 2, of 200.
    y, missed = np.zeros(200, dtype=np.int64), (range(22, 30), range(20, 22))
    ways = np.stack([np.tile(np.isin(np.arange(200), m).astype(np.int64), (2, 1)) for m in missed])
    scores, base, (itself, found) = scored(ways, pixels(y), 1)
    assert base == 0 and scores == pytest.approx([1 - 8 / 200, 1 - 2 / 200])
    assert itself.value == 0 and found.value == pytest.approx(6 / 200)
    assert found.variance == pytest.approx(10 / 200**2 - found.value**2 / 200, rel=0.15)


def test_images_of_a_group_count_once() -> None:
    # Ten images of each patient, right or wrong together: a tenth of the information.
    y = np.repeat([0, 1], (200, 200))
    rows = np.arange(400)
    ways = np.stack([np.tile(np.where(np.isin(rows // 10, m), 1 - y, y), (2, 1)) for m in (range(15, 25), ())])
    alone = scored(ways, pixels(y), 1)[2][1]
    together = scored(ways, pixels(y, tuple(map(str, rows // 10))), 1)[2][1]
    assert together.value == pytest.approx(alone.value)
    assert together.variance == pytest.approx(10 * alone.variance, rel=0.2)


def test_ways_that_agree_on_few_images_are_not_surely_equal() -> None:
    y = np.array([0, 0, 1, 1])
    itself = scored(np.tile(y, (2, 2, 1)), pixels(y), 1)[2][1]
    assert itself.value == 0 and itself.variance == pytest.approx(0.5 / 4 / 2)


def untimed(choice: ImageChoice) -> ImageChoice:
    """Without the times: an interrupted training counts for all that stood side by side."""
    return replace(choice, candidates=tuple(replace(t, seconds=0) for t in choice.candidates))


def found_way(choice: ImageChoice) -> Key:
    return choice.sampler, choice.to, choice.arm


def test_it_tries_every_way_and_says_why(few: Parts, tmp_path: Path) -> None:
    found = choose(few.train, few.validation, [Source("smote", smote(few))], TARGETS, QUICK, 1e6, tmp_path)
    assert [t.score for t in found.candidates] == sorted((t.score for t in found.candidates), reverse=True)
    assert Counter(t.sampler for t in found.candidates) == {"": len(BASELINES), "smote": 4}
    base = next(t for t in found.candidates if t.arm == found.baseline)
    assert base.score == max(t.score for t in found.candidates if not t.sampler)
    assert (base.gain, base.standard_error) == (0, 0)
    for t in found.candidates:
        assert t.gain == pytest.approx(t.score - base.score) and (t.standard_error > 0) == (t.arm != base.arm)
    assert (found.sampler, found.n_validation, found.notes) == ("smote", len(few.validation), ())
    best = next(t for t in found.candidates if t.sampler)
    assert best.score == next(t for t in found.candidates if (t.sampler, t.to, t.arm) == found_way(found)).score
    assert f"to {found.to}" in found.why and f"'{found.baseline}'" in found.why and "standard error" in found.why
    save_choice(found, tmp_path / "choice.json")
    assert load_choice(tmp_path / "choice.json") == found


def test_a_killed_search_goes_on_without_repeating_anything(
    few: Parts, tmp_path: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [Source("smote", smote(few)), Source("again", smote(few))]
    search = partial(choose, few.train, few.validation, sources, TARGETS, QUICK, 1e6)
    whole = search(folder=tmp_path / "whole")
    expected = list(trained)
    assert len(expected) == len(BASELINES) + 2 * 4
    trained.clear()
    guess = Networks.try_way

    def killed(*args: Any) -> Probabilities:
        if len(trained) in stops:
            stops.remove(len(trained))
            raise KeyboardInterrupt
        return guess(*args)

    stops = [2, 5, 9]
    monkeypatch.setattr(Networks, "try_way", killed)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            search(folder=tmp_path / "killed")
    for _ in range(2):
        found = search(folder=tmp_path / "killed")
        assert untimed(found) == untimed(whole) and trained == expected
        assert sum(t.seconds for t in found.candidates) == sum(t.seconds for t in whole.candidates)


def test_what_does_not_fit_into_the_budget_is_left_out_with_a_note(
    few: Parts, tmp_path: Path, trained: list[str]
) -> None:
    asked: list[str] = []

    def slow(name: str) -> Source:
        return Source(name, lambda: asked.append(name) or smote(few)(), lambda: 25.0)  # type: ignore[func-returns-value]

    search = partial(choose, few.train, few.validation, config=QUICK, targets=TARGETS)
    # Four ways without synthetic images take 40 seconds, two with them 20; then 20 more are too many.
    found = search(sources=[Source("smote", smote(few)), slow("vae")], seconds=69.0, folder=tmp_path / "a")
    assert [t.sampler for t in found.candidates].count("smote") == 2 and not asked
    assert found.to == "5x" and len(found.notes) == 2
    assert "vae is left out: it takes about 20 seconds or more, and 9 of the budget of 69 are left" in found.notes[0]
    assert "smote is left out from balance on" in found.notes[1]
    assert all("longer --budget" in note for note in found.notes)
    # The estimate counts: 40 seconds spent, 25 to train and 20 to try.
    assert search(sources=[slow("vae")], seconds=84.0, folder=tmp_path / "b").sampler == "" and not asked
    assert search(sources=[slow("vae")], seconds=86.0, folder=tmp_path / "c").sampler == "vae" and asked
    found = search(sources=[slow("vae")], seconds=1.0, folder=tmp_path / "d")
    assert (found.sampler, found.to, found.arm) == ("", "", "") and "No sampler could be tried" in found.why
    assert len(found.candidates) == len(BASELINES) and len(found.notes) == 1


def test_drawing_takes_as_long_as_it_took_this_sampler(
    few: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, draw = [0.0], module.draw_accepted
    monkeypatch.setattr(results, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(
        Networks, "try_way", lambda *a: Probabilities(few.validation.y, np.zeros((2, len(few.validation), 10)), 0)
    )

    def timed(sampler: Any, checker: Any, label: str, n: int, seed: int) -> Synthetic:
        clock[0] += n * sampler.k_neighbors  # seconds: one an image, or five
        return draw(sampler, checker, label, n, seed)

    monkeypatch.setattr(module, "draw_accepted", timed)
    sources = [Source(f"{k} a draw", partial(SmoteSampler(k_neighbors=k).fit, few.train)) for k in (5, 1)]
    # 5x wants 6 images, 30 + 6 seconds; balance 14, which take the slow one 70 seconds and the quick one 14.
    found = choose(few.train, few.validation, sources, TARGETS, QUICK, 36.0 + 60.0, tmp_path)
    assert {(t.sampler, t.to) for t in found.candidates if t.to == "balance"} == {("1 a draw", "balance")}
    assert [note for note in found.notes if "about 70 seconds" in note and "5 a draw is left out from balance" in note]


def test_seconds_before_an_interruption_count(few: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(results, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(
        Networks, "try_way", lambda *a: Probabilities(few.validation.y, np.zeros((2, len(few.validation), 10)), 0)
    )

    def interrupted() -> Sampler:
        clock[0] += 70.0
        raise KeyboardInterrupt

    asked: list[str] = []

    def fits() -> Sampler:
        asked.append("fit")
        return smote(few)()

    (tmp_path / "after").mkdir()
    search = partial(choose, few.train, few.validation, targets=TARGETS, config=QUICK)
    with pytest.raises(KeyboardInterrupt):
        search(sources=[Source("vae", interrupted, lambda: 90.0)], seconds=100.0, folder=tmp_path / "after")
    # 20 of 90 seconds are left to fit; nobody estimates again.
    goes_on = Source("vae", fits, lambda: asked.append("estimate") or 0.0)  # type: ignore[func-returns-value]
    shutil.copytree(tmp_path / "after", tmp_path / "short")
    found = search(sources=[goes_on], seconds=89.0, folder=tmp_path / "short")
    assert not asked and "about 20 seconds or more, and 19 of the budget of 89 are left" in found.notes[0]
    assert search(sources=[goes_on], seconds=91.0, folder=tmp_path / "after").sampler == "vae" and asked == ["fit"]


def test_targets_that_come_to_the_same_are_not_fitted_again(few: Parts, tmp_path: Path, trained: list[str]) -> None:
    fitted: list[str] = []
    once = Source("smote", lambda: fitted.append("smote") or smote(few)())  # type: ignore[func-returns-value]
    same = {"5x": {"8": 6}, "6": {"8": 6}}
    first, second = (choose(few.train, few.validation, [once], same, QUICK, 1e6, tmp_path) for _ in range(2))
    assert first == second and fitted == ["smote"] and {t.to for t in first.candidates} == {"", "5x"}


def test_samplers_that_cannot_are_left_out(few: Parts, tmp_path: Path, trained: list[str]) -> None:
    def cannot() -> Sampler:
        raise ValueError("one image is too few.")

    def black() -> Sampler:
        sampler = SmoteSampler().fit(few.train)
        sampler.sample = lambda *a: replace(made := SmoteSampler.sample(sampler, *a), x=Pixels(made.x[:] * 0))  # type: ignore[method-assign]
        return sampler

    sources = [Source("cannot", cannot), Source("unknown", smote(few), cannot), Source("black", black)]
    found = choose(few.train, few.validation, sources, TARGETS, QUICK, 1e6, tmp_path)
    assert found.sampler == "" and len(trained) == len(BASELINES)
    assert {f"{name} is left out: one image is too few." for name in ("cannot", "unknown")} <= {*found.notes}
    assert "black is left out: none of its images passes the check." in found.notes


def test_what_auto_tries_to_fill() -> None:
    counts = {"a": 60, "b": 50, "c": 10}
    auto = RebalanceConfig(sampler="auto")
    assert auto.targets(counts) == {"5x": {"c": 40}, "rare": {"c": 50}, "120": {"a": 60, "b": 70, "c": 110}}
    # Five times 20 is as far as the largest class.
    assert [*auto.targets(counts | {"c": 20})] == ["5x", "120"]
    # One generator per class would need one of the largest class, which has no class to learn from.
    assert [*replace(auto, per_class=True).targets(counts)] == ["5x", "rare"]
    for to in ("rare", "balance"):
        assert [*replace(auto, to=to).targets(counts)] == [to]
    assert RebalanceConfig().targets(counts) == {"rare": {"c": 50}}
    with pytest.raises(ValueError, match="adds nothing"):
        auto.targets({"a": 60, "b": 60})


def test_a_class_without_validation_images_is_named(few: Parts, tmp_path: Path) -> None:
    def without(*names: str) -> LabeledData:
        labels = [few.validation.label_of(name) for name in names]
        return few.validation.subset(np.flatnonzero(~np.isin(few.validation.y, labels)))

    sources = [Source("smote", smote(few))]
    with pytest.raises(ValueError, match=r"\('8'\) has validation.*--sampler generator"):
        choose(few.train, without("8"), sources, TARGETS, QUICK, 1e6, tmp_path)
    sevens = np.flatnonzero(few.train.y == few.train.label_of("7"))
    train = few.train.subset(np.setdiff1d(np.arange(len(few.train)), sevens[4:]))  # now 7 is rare, too
    found = choose(train, without("8"), sources, TARGETS, QUICK, 1e6, tmp_path)
    assert found.notes == ("No validation image is of '8': the choice is blind to that.",)
    with pytest.raises(ValueError, match=r"\('7', '8'\) has validation"):
        choose(train, without("7", "8"), sources, TARGETS, QUICK, 1e6, tmp_path)


def test_a_training_is_timed_by_its_first_steps(few: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, seen = [0.0], list[Path]()

    def trains(data: LabeledData, name: str, model: object, config: TrainConfig, path: Path, **rest: object) -> None:
        clock[0] += 5.0 + 0.1 * config.steps  # five seconds to start, a tenth for a step
        clock[0] += 0.0 if path.parent in seen else 20.0  # and more for the first one
        seen.append(path.parent)

    monkeypatch.setattr(train_time, "train", trains)
    monkeypatch.setattr(train_time, "perf_counter", lambda: clock[0])
    found = train_time.seconds_to_train(few.train, "vae", None, TrainConfig(steps=1000))
    assert found == pytest.approx(5.2 + 100)


# The whole run.
