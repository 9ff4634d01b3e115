"""Search and plan: what is tried within the budget, with classifiers and samplers that only move a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest
from two_kinds import drawn, shapes

from gensynth.choose import record as module
from gensynth.choose.design import Design
from gensynth.choose.plan import cheapest
from gensynth.choose.record import Key, Record
from gensynth.choose.search import Search, Source
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import Probabilities
from gensynth.sampler.synthetic import Synthetic

TRAIN = shapes((80, 20), 0)
TARGETS = {"5x": {"b": 20}, "rare": {"b": 60}}


@dataclass
class Clock:
    """A clock that only fakes move; stops the search at some trainings, counted from 1."""

    now: float = 0.0
    trained: list[Key] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)

    def spend(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds


@dataclass(frozen=True)
class Judge(Classifier):
    """Takes so many seconds per example."""

    clock: Clock
    model: str
    rate: float
    runs_side_by_side: bool = False

    @property
    def name(self) -> str:
        return self.model

    def try_way(self, way: str, train: Any, added: Any, test: LabeledData, on_step: Any) -> Probabilities:
        if len(self.clock.trained) + 1 in self.clock.stops:
            self.clock.stops.remove(len(self.clock.trained) + 1)
            raise KeyboardInterrupt
        n = len(train) + (0 if added is None else len(added))
        self.clock.trained.append((way, self.name, "" if added is None else added.sampler))
        self.clock.spend(n * self.rate)
        return Probabilities(test.y, np.full((1, len(test), 2), 0.5), n)


@dataclass
class Draws:
    """A sampler that takes so many seconds to fit, and for each draw."""

    clock: Clock
    name: str
    fit: float
    draw: float = 0.0

    def source(self, told: float = 0.0) -> Source:
        def fit(train: LabeledData) -> Any:
            self.clock.spend(self.fit)
            return self

        return Source(self.name, fit, lambda: told)


class Splits(Design):
    """The same examples in every split."""

    ways, made, examples = ("real",), ("real",), 100

    def __init__(self, classifiers: Sequence[Classifier], least: int, splits: int) -> None:
        self.classifiers, self.least = classifiers, least
        self.weights = [np.ones((100, 1))] * splits

    def split(self, at: int) -> tuple[LabeledData, LabeledData]:
        return TRAIN, TRAIN

    def drawn(self, at: int, sampler: Any, wanted: Mapping[str, int]) -> Synthetic:
        sampler.clock.spend(sampler.draw * wanted["b"])
        return drawn(TRAIN, "b", sampler.name).subset(np.resize(np.arange(20), wanted["b"]))

    def spread(self, scores: np.ndarray) -> Any:
        raise NotImplementedError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "perf_counter", lambda: made.now)
    return made


def search(
    clock: Clock,
    sources: Sequence[Source],
    budget: float,
    rates: Mapping[str, float] = {"logistic": 0.01},  # noqa: B006
    splits: tuple[int, int] = (5, 5),
    folder: Path | None = None,
) -> tuple[Search, int]:
    """Run a search; of `splits`, the first number has to be done."""
    design = Splits([Judge(clock, name, rate) for name, rate in rates.items()], *splits)
    made = Search(design, sources, TARGETS, budget, Record.open(folder, design.split))
    made.begin(lambda _: None)
    return made, made.run(lambda _: None)


def tried(found: Search, at: int) -> set[tuple[str, str, str]]:
    """What was trained with synthetic examples in a split."""
    return {(key[1], key[2], key[4]) for key in found.record.outcomes if key[0] == str(at) and key[1]}


def units(samplers: Sequence[str], classifiers: Sequence[str] = ("logistic",)) -> set[tuple[str, str, str]]:
    return {(s, to, c) for s in samplers for to in TARGETS for c in classifiers}


def test_the_cheapest_fit_and_what_they_share_is_paid_once() -> None:
    fit = {("vae", "fit"): 8.0}
    costs: dict[Key, dict[Key, float]] = {
        ("vae", "5x"): fit | {("vae", "5x", "train"): 1.0},
        ("smote", "5x"): {("smote", "5x", "train"): 2.0},
        ("vae", "rare"): fit | {("vae", "rare", "train"): 1.5},
        ("smote", "rare"): {("smote", "rare", "train"): 3.0},
    }
    order: list[Key] = [("smote", "5x"), ("smote", "rare"), ("vae", "5x"), ("vae", "rare")]
    for most, n in ((3.9, 0), (4.0, 1), (7.0, 2), (15.9, 2), (16.0, 3), (17.4, 3), (17.5, 4)):
        assert cheapest(costs, {("", "real"): 2.0}, most) == order[:n]


def test_each_training_has_its_own_time_unless_they_run_side_by_side(clock: Clock) -> None:
    for together, expected in (
        (False, {"logistic": 1.0, "boosting": 10.0}),
        (True, {"logistic": 5.5, "boosting": 5.5}),
    ):
        judges = [Judge(clock, "logistic", 0.01, together), Judge(clock, "boosting", 0.1, together)]
        found = Search(Splits(judges, 1, 1), [], TARGETS, 100.0, Record(None))
        found.begin(lambda _: None)
        assert {key[4]: seconds for key, seconds in found.record.seconds.items()} == pytest.approx(expected)


def test_a_slow_network_drops_no_cheap_sampler(clock: Clock) -> None:
    # The budget is spent as soon as the network is fitted.
    network, smote, copula = Draws(clock, "network", 400.0), Draws(clock, "smote", 1.0), Draws(clock, "copula", 2.0)
    found, done = search(clock, [network.source(), smote.source(), copula.source()], 100.0)
    assert done == 5 and all(tried(found, at) == units(("smote", "copula")) for at in range(5))
    assert clock.now == pytest.approx(400 + 5 * (1 + 3.8 + 4.8))
    left_out, overrun = found.record.notes
    assert left_out.startswith("network is left out: it takes about 2006 seconds or more, and 67 of the 100 are left")
    assert left_out.endswith("a longer --choose.budget (with another --out) tries it.")
    assert overrun.startswith("The choice took 448 seconds instead of 100: ") and "(400 seconds went into" in overrun


def test_what_fits_at_first_makes_room_for_what_is_cheaper(clock: Clock) -> None:
    network, smote, copula = Draws(clock, "network", 8.0), Draws(clock, "smote", 1.0), Draws(clock, "copula", 2.0)
    found, done = search(clock, [network.source(), smote.source(), copula.source()], 90.0)
    assert tried(found, 0) - units(("smote", "copula")) == {("network", "5x", "logistic")}
    assert done == 5 and all(tried(found, at) == units(("smote", "copula")) for at in range(1, 5))
    assert [note.partition(":")[0] for note in found.record.notes] == [
        "network is left out from rare on",
        "network is left out",
    ]


def test_a_slow_classifier_leaves_the_fast_one_its_samplers(clock: Clock) -> None:
    rates = {"logistic": 0.01, "boosting": 0.1}
    sources = [Draws(clock, "smote", 1.0).source(), Draws(clock, "copula", 2.0).source()]
    found, done = search(clock, sources, 120.0, rates)
    assert done == 5 and clock.now == pytest.approx(5 * (1 + 10 + 3.8 + 4.8))
    assert all(tried(found, at) == units(("smote", "copula")) for at in range(5))
    assert all(found.knows(at, way) for at in range(5) for way in found.plan.ways)
    assert found.record.notes[0].startswith(
        "smote is left out with boosting: it takes about 60 seconds or more, and 37 of the 120 are left"
    )
    assert found.record.notes[1].startswith("copula is left out with boosting: ") and len(found.record.notes) == 2


def test_ways_without_samplers_are_always_tried_and_further_splits_where_they_fit(clock: Clock) -> None:
    found, done = search(clock, [Draws(clock, "smote", 1.0).source()], 2.0, splits=(5, 10))
    assert done == 5 and not any(tried(found, at) for at in range(5)) and clock.now == pytest.approx(5.0)
    assert found.record.notes[1:] == [
        "5 of 10 splits fitted into 2 seconds.",
        "The choice took 5 seconds instead of 2: what is begun is not stopped (0 seconds went into what is left out), "
        "and ways without synthetic images are tried in any case, in 5 splits.",
    ]
    clock.now = 0.0
    found, done = search(clock, [Draws(clock, "smote", 1.0).source()], 7 * 4.8 + 0.1, splits=(5, 10))
    assert done == 7 and clock.now == pytest.approx(7 * 4.8)
    assert found.record.notes == [f"7 of 10 splits fitted into {7 * 4.8 + 0.1:g} seconds."]


def test_of_one_split_what_is_done_is_kept(clock: Clock) -> None:
    recipes, vae, smote = Draws(clock, "recipes", 2.0), Draws(clock, "vae", 50.0), Draws(clock, "smote", 1.0)
    sources = [recipes.source(), vae.source(told=50.0), smote.source()]
    found, _ = search(clock, sources, 40.0, splits=(1, 1))
    assert tried(found, 0) == units(("recipes", "smote")) and clock.now == pytest.approx(1 + 4.8 + 3.8)
    assert len(found.record.notes) == 1 and found.record.notes[0].startswith("vae is left out: ")
    clock.now = 0.0
    found, _ = search(clock, sources, 61.0, splits=(1, 1))
    assert tried(found, 0) == units(("recipes", "vae")) | {("smote", "5x", "logistic")}
    assert clock.now == pytest.approx(60.8)
    assert [note.partition(":")[0] for note in found.record.notes] == ["smote is left out from rare on"]


def test_draws_are_charged_to_their_own_sampler(clock: Clock) -> None:
    slow, quick = Draws(clock, "slow", 0.0, draw=1.0), Draws(clock, "quick", 0.0)
    found, _ = search(clock, [slow.source(), quick.source()], 5 * 40.0)
    assert tried(found, 0) == {("slow", "5x", "logistic")} | units(("quick",)) == tried(found, 4)
    assert found.record.notes[0].startswith("slow is left out from rare on: it takes about 308 seconds or more")


def test_a_killed_search_comes_to_the_same(clock: Clock, tmp_path: Path) -> None:
    rates = {"logistic": 0.01, "boosting": 0.1}

    def run(folder: str) -> Record:
        sources = [Draws(clock, "smote", 1.0).source(), Draws(clock, "copula", 2.0).source()]
        return search(clock, sources, 120.0, rates, folder=tmp_path / folder)[0].record

    whole, trained = run("whole"), len(clock.trained)
    clock.trained.clear()
    clock.stops = [2, 4, 9, 20]
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            run("killed")
    killed = run("killed")
    assert killed.outcomes.keys() == whole.outcomes.keys() and killed.left_out == whole.left_out
    assert len(clock.trained) == trained
