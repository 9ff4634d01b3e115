"""choose: what holds for every kind of data, with classifiers that guess and a clock that only they move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from two_kinds import CASES

from gensynth.choose import choose as module
from gensynth.choose import designs, record
from gensynth.choose.choose import choose, simplest
from gensynth.choose.config import ChooseConfig
from gensynth.choose.results import Choice, load_choice, save_choice
from gensynth.choose.search import Source
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.outcome import Probabilities
from gensynth.kinds.image.classifier.networks import Networks
from gensynth.kinds.image.config import ImageChooseConfig
from gensynth.kinds.table.classifiers import TableClassifier
from gensynth.kinds.table.config import TableChooseConfig
from gensynth.sampler.synthetic import Synthetic

CONFIGS: dict[str, ChooseConfig] = {
    "image": ImageChooseConfig(classifiers=("small",)),
    "table": TableChooseConfig(folds=3, repeats=2, classifiers=("logistic",)),
}
TARGETS = {"5x": {"c": 6}, "balance": {"b": 2, "c": 12}}


class Copies:
    """Draws copies of what it was fitted to, as if they were new."""

    name = "copies"

    def __init__(self, data: LabeledData) -> None:
        self.data = data

    def sample(self, label: str, n: int, seed: int, start: int = 0) -> Synthetic:
        at = np.resize(np.flatnonzero(self.data.y == self.data.label_of(label)), n)
        none = ("",) * n
        x, y = self.data.x.take(at), self.data.y[at]
        return Synthetic(x, y, self.data.classes, np.arange(n), "copies", seed, none, ((),) * n, none)


class Passes:
    """A checker that all pass."""

    def __init__(self, *given: Any) -> None:
        pass

    def gate(self, synthetic: Synthetic) -> Any:
        return type("Answer", (), {"accepted": np.ones(len(synthetic), dtype=bool)})


@dataclass
class World:
    """One kind of data: its examples and settings, what was trained, and how sure each arm is."""

    train: LabeledData
    validation: LabeledData
    config: ChooseConfig
    baselines: tuple[str, ...]
    made: int
    trained: list[str] = field(default_factory=list)
    skill: dict[str, float] = field(default_factory=dict)
    clock: float = 0.0
    stop_at: list[int] = field(default_factory=list)

    def choose(self, sources: list[Source], folder: Path | None, seconds: float = 1e6, **changes: Any) -> Choice:
        config = replace(self.config, budget=f"{seconds:.6f}s", **changes)
        return choose(self.train, self.validation, sources, TARGETS, config, folder, quiet=True)

    def try_way(self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: Any) -> Any:
        if len(self.trained) in self.stop_at:
            self.stop_at.remove(len(self.trained))
            raise KeyboardInterrupt
        arm = way if added is None else f"{way} + synthetic"
        self.trained.append(arm)
        self.clock += 10.0
        n = len(train) + (0 if added is None else len(added))
        rng = np.random.default_rng([*arm.encode(), n, len(test)])
        sure = rng.random(len(test)) < self.skill.get(arm, 0.5)
        p = np.where(sure[:, None], np.eye(len(test.classes))[test.y], rng.dirichlet(np.ones(3), len(test)))
        return Probabilities(test.y, p[None], n)


def untimed(choice: Choice) -> Choice:
    """Without the times: an interrupted training counts for all that stood side by side."""
    return replace(choice, candidates=tuple(replace(t, seconds=0.0) for t in choice.candidates))


def source(name: str, asked: list[str] | None = None, seconds: float = 0.0) -> Source:
    def fit(train: LabeledData) -> Any:
        if asked is not None:
            asked.append(name)
        return Copies(train)

    return Source(name, fit, lambda: seconds)


@pytest.fixture(params=["image", "table"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    case, config = CASES[request.param], CONFIGS[request.param]
    baselines = ("real", "class weights")
    baselines += ("oversampled", "augmented") if request.param == "image" else ()
    made = World(case.make((60, 40, 15), 0), case.make((20, 20, 20), 1), config, baselines, 3 - len(baselines) // 2)
    made.made = 2 if request.param == "image" else 1
    for classifier in (Networks, TableClassifier):
        monkeypatch.setattr(classifier, "try_way", lambda self, *given: made.try_way(*given))
    monkeypatch.setattr(Networks, "runs_side_by_side", False)
    monkeypatch.setattr(designs, "FidelityChecker", Passes)
    monkeypatch.setattr(record, "perf_counter", lambda: made.clock)
    return made


@pytest.fixture
def splits(world: World) -> int:
    return 1 if world.made == 2 else 6


def test_it_tries_every_way_and_says_why(world: World, splits: int, tmp_path: Path) -> None:
    world.skill = {"class weights": 0.9}
    found = world.choose([source("smote")], None, standard_errors=0.0)
    assert [t.score for t in found.candidates] == sorted((t.score for t in found.candidates), reverse=True)
    assert Counter(t.sampler for t in found.candidates) == {"": len(world.baselines), "smote": 2 * world.made}
    assert found.ways == world.baselines and len(world.trained) == splits * len(found.candidates)
    base = next(t for t in found.candidates if t.arm == found.baseline)
    assert (base.arm, base.gain, base.standard_error) == ("class weights", 0, 0)
    for t in found.candidates:
        assert t.gain == pytest.approx(t.score - base.score) and (t.standard_error > 0) == (t != base)
        assert t.seconds == 10.0 and (t.called == found.chosen) == (t == base)
    assert (found.sampler, found.to, found.arm, found.adds) == ("", "", "class weights", {})
    assert found.why.startswith("Weighing the classes is best: ") and "standard error" in found.why
    assert (found.splits, found.noun, found.notes) == (splits, world.train.noun, ())
    assert found.examples == len(world.train if splits > 1 else world.validation)
    save_choice(found, tmp_path / "sub" / "choice.json")
    assert load_choice(tmp_path / "sub" / "choice.json") == found
    (tmp_path / "old.json").write_text('{"sampler": "smote", "to": "5x"}')
    with pytest.raises(ValueError, match="is not a choice of this version of gensynth.*makes it again"):
        load_choice(tmp_path / "old.json")


def test_a_sampler_is_chosen_only_if_it_is_far_enough_ahead(world: World) -> None:
    arm = "oversampled + synthetic" if world.made == 2 else "real + synthetic"
    world.skill = {arm: 0.97, "class weights": 0.6}
    found = world.choose([source("smote")], None)
    assert (found.sampler, found.arm) == ("smote", arm) and found.adds == TARGETS[found.to]
    assert found.why.startswith(f"Filling with 'smote' to {found.to} (trained as '{arm}') is best: ")
    assert found.why.count(" with ") == 2 and found.chosen in {t.called for t in found.candidates}
    far = world.choose([source("smote")], None, standard_errors=99.0)
    assert (far.sampler, far.arm, far.baseline) == ("", "real", "real")
    assert far.why.startswith("Doing nothing is chosen: ") and "which is not clearly more" in far.why
    assert [t.score for t in far.candidates] == [t.score for t in found.candidates]


def test_of_ways_that_do_equally_well_the_simplest_is_chosen(world: World) -> None:
    world.skill = dict.fromkeys((*world.baselines, "real + synthetic", "oversampled + synthetic"), 1.0)
    found = world.choose([source("smote")], None)
    assert (found.sampler, found.arm, found.baseline) == ("", "real", "real")


def test_a_killed_search_goes_on_without_repeating_anything(world: World, splits: int, tmp_path: Path) -> None:
    sources, fitted = [source("smote"), source("again")], list[str]()
    whole, expected = world.choose(sources, tmp_path / "whole"), list(world.trained)
    assert len(expected) == splits * (len(world.baselines) + 2 * 2 * world.made)
    world.trained.clear()
    world.stop_at = [2, 5, 7]
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            world.choose(sources, tmp_path / "killed")
    for _ in range(2):
        assert untimed(world.choose([*map(source, ("smote", "again"))], tmp_path / "killed")) == untimed(whole)
    world.choose([source("smote", fitted), source("again", fitted)], tmp_path / "killed")
    assert world.trained == expected and not fitted
    file = tmp_path / "killed" / "search.json"
    for other in ('{"predicted": []}', file.read_text().replace('"schema": 4', '"schema": 3')):
        file.write_text(other)
        with pytest.raises(ValueError, match="the record of a search by this version of gensynth.*makes it again"):
            world.choose(sources, tmp_path / "killed")


def test_samplers_that_cannot_are_left_out(world: World) -> None:
    def cannot(*given: Any) -> Any:
        raise ValueError("one example is too few.")

    found = world.choose([Source("cannot", cannot), Source("unknown", Copies, cannot), source("smote")], None)
    assert {t.sampler for t in found.candidates} == {"", "smote"}
    assert found.notes == tuple(f"{name} is left out: one example is too few." for name in ("cannot", "unknown"))
    with pytest.raises(ValueError, match="two samplers are called 'smote'"):
        world.choose([source("smote"), source("smote")], None)


def test_what_does_not_fit_into_the_budget_is_not_begun(world: World, splits: int, tmp_path: Path) -> None:
    asked: list[str] = []
    least = min(splits, 3)
    ways = 10.0 * len(world.baselines)
    arms = 10.0 * world.made
    # All ways without synthetic examples, the first target, and half of what the next one needs.
    sources = [source("smote"), source("vae", asked, seconds=25.0)]
    found = world.choose(sources, tmp_path / "a", seconds=least * (ways + 1.5 * arms))
    assert not asked and found.notes[0].startswith("vae is left out: it takes about")
    assert "smote is left out from balance on" in found.notes[1] and "longer --choose.budget" in found.notes[1]
    # The estimate of a fit counts.
    for more, tried in ((24.0, []), (26.0, ["vae"])):
        world.choose([source("vae", asked, seconds=25.0)], tmp_path / str(more), least * (ways + arms + more))
        assert asked[:1] == tried
    found = world.choose([source("vae")], tmp_path / "b", seconds=1.0)
    assert {t.sampler for t in found.candidates} == {""} and found.why.startswith("No sampler could be tried. ")
    assert found.splits == least and found.notes[-1].startswith(
        f"The choice took {least * ways:.0f} seconds instead of 1"
    )


def test_how_long_it_takes_is_said_before_the_work(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.choose([source("smote")], None)
    assert not capsys.readouterr().err
    config = replace(world.config, budget="1000s")
    choose(world.train, world.validation, [source("smote")], TARGETS, config)
    said, ways = capsys.readouterr().err, 10 * len(world.baselines)
    assert f"Choosing takes at most about {1000 - ways} seconds more." in said
    assert f"takes {ways} without synthetic {world.train.noun}s" in said and "--choose.budget" in said


def test_targets_that_come_to_the_same_are_tried_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "balance", TARGETS["5x"])
    assert {t.to for t in world.choose([source("smote")], None).candidates} == {"", "5x"}


def by_gain(**gains: float) -> Callable[[Any, Any], bool]:
    """Ways are ahead of each other by 6 points or more."""
    return lambda key, other: gains[key[2]] - gains[other[2]] >= 6


@pytest.mark.parametrize(
    ("weights", "threshold", "copula", "chosen"),
    [
        (-1, -1, 5, "real"),
        (-1, -1, 6, "copula"),
        (7, -1, 8, "weights"),
        (2, -1, 8, "copula"),
        (20, 20, 21, "threshold"),
    ],
)
def test_nothing_wins_unless_another_way_is_ahead(weights: int, threshold: int, copula: int, chosen: str) -> None:
    gains = {"real": 0, "threshold": threshold, "weights": weights, "copula": copula}
    keys = [(name if name == "copula" else "", "", name) for name in gains]
    assert simplest(keys, {key: gains[key[2]] for key in keys}, by_gain(**gains))[2] == chosen


def test_settings_that_cannot_be_are_refused() -> None:
    for kind in (ImageChooseConfig, TableChooseConfig):
        for wrong, text in (
            ({"metric": "f1"}, "metric 'f1' is unknown"),
            ({"targets": ("0.5", "0.0")}, "to='0.0' is none of 'rare'"),
            ({"budget": "5"}, "budget '5' is not a time"),
            ({"budget": "0s"}, "budget '0s' is not a time"),
        ):
            with pytest.raises(ValueError, match=text):
                kind(**wrong)  # type: ignore[arg-type]
    assert module.HALF in ImageChooseConfig.metrics
