"""choose for images: what validation images prove, the gate, and the time that drawing and fitting take."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gensynth.choose import designs, record
from gensynth.choose.choose import choose
from gensynth.choose.designs import Holdout, unseen_classes
from gensynth.choose.results import Choice
from gensynth.choose.search import Source
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.outcome import Probabilities
from gensynth.generator.config import TrainConfig
from gensynth.kinds.image.classifier.networks import Networks
from gensynth.kinds.image.config import ImageChooseConfig
from gensynth.kinds.image.generator import train_time
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.read import DataConfig, Parts, read_parts
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

TARGETS = {"5x": {"8": 6}, "balance": {"7": 2, "8": 12}}


@pytest.fixture(scope="module")
def few(few_eights: Path) -> Parts:
    return read_parts(str(few_eights), DataConfig())


@pytest.fixture
def clock(few: Parts, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only tests move; training takes no time and learns nothing."""
    seconds = [0.0]
    monkeypatch.setattr(record, "perf_counter", lambda: seconds[0])

    def learns_nothing(
        self: Networks, way: str, train: LabeledData, added: Any, test: LabeledData, on_step: Any
    ) -> Probabilities:
        n = len(train) + (0 if added is None else len(added))
        return Probabilities(test.y, np.full((2, len(test), 10), 0.1), n)

    monkeypatch.setattr(Networks, "try_way", learns_nothing)
    return seconds


def search(few: Parts, sources: list[Source], folder: Path | None, seconds: float = 1e6) -> Choice:
    return choose(
        few.train,
        few.validation,
        sources,
        TARGETS,
        ImageChooseConfig(classifiers=("small",), budget=f"{seconds}s"),
        folder,
        quiet=True,
    )


def smote(few: Parts) -> Callable[[Any], Sampler]:
    return lambda _: SmoteSampler().fit(few.train)


def holdout(y: np.ndarray, groups: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch) -> Holdout:
    """Images of which only label and group matter."""
    monkeypatch.setattr(designs, "FidelityChecker", lambda *given: None)
    x, ids = torch.zeros((len(y), 1, 8, 8), dtype=torch.uint8), tuple(map(str, range(len(y))))
    data = LabeledData(Pixels(x), y, ("a", "b"), ids, groups=groups)
    return Holdout(data, data, [], (), (), 0)


def gap(design: Holdout, first: np.ndarray, second: np.ndarray) -> Any:
    """The difference in balanced accuracy of two seeds each that are surely right where they are."""
    y = design.parts[1].y
    of = [
        Probabilities(y, np.tile(np.eye(2)[np.where(right, y, 1 - y)], (2, 1, 1)), 0).score(design.weights[0], 1)
        for right in (first, second)
    ]
    return design.spread(of[1]["balanced_accuracy"] - of[0]["balanced_accuracy"])


def test_the_standard_error_is_that_of_paired_images(monkeypatch: pytest.MonkeyPatch) -> None:
    # One way alone recognises 8 images, the other alone 2, of 200.
    design, at = holdout(np.zeros(200, dtype=np.int64), None, monkeypatch), np.arange(200)
    found = gap(design, ~np.isin(at, range(22, 30)), ~np.isin(at, range(20, 22)))
    assert found.value == pytest.approx(6 / 200)
    assert found.variance == pytest.approx(10 / 200**2 - found.value**2 / 200, rel=0.15)


def test_images_of_a_group_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ten images of each patient, right or wrong together: a tenth of the information.
    y, patient = np.repeat([0, 1], (200, 200)), np.arange(400) // 10
    right = ~np.isin(patient, range(15, 25)), np.ones(400, dtype=bool)
    alone = gap(holdout(y, None, monkeypatch), *right)
    together = gap(holdout(y, tuple(map(str, patient)), monkeypatch), *right)
    assert together.value == pytest.approx(alone.value)
    assert together.variance == pytest.approx(10 * alone.variance, rel=0.2)


def test_ways_that_agree_on_few_images_are_not_surely_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    right = np.ones(4, dtype=bool)
    found = gap(holdout(np.array([0, 0, 1, 1]), None, monkeypatch), right, right)
    assert found.value == 0 and found.variance == pytest.approx(0.5 / 4 / 2)


def test_drawing_takes_as_long_as_it_took_this_sampler(
    few: Parts, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = designs.draw_accepted

    def timed(sampler: Any, checker: Any, label: str, n: int, seed: int) -> Synthetic:
        clock[0] += n * sampler.k_neighbors  # seconds: one an image, or five
        return draw(sampler, checker, label, n, seed)

    monkeypatch.setattr(designs, "draw_accepted", timed)
    sources = [Source(f"{k} a draw", lambda _, k=k: SmoteSampler(k_neighbors=k).fit(few.train)) for k in (5, 1)]
    # 5x wants 6 images, 30 + 6 seconds; balance 14, which take the slow one 70 seconds and the quick one 14.
    found = search(few, sources, None, 36.0 + 60.0)
    assert {(t.sampler, t.to) for t in found.candidates if t.to == "balance"} == {("1 a draw", "balance")}
    assert [note for note in found.notes if "about 70 seconds" in note and "5 a draw is left out from balance" in note]


def test_seconds_before_an_interruption_count(few: Parts, tmp_path: Path, clock: list[float]) -> None:
    asked: list[str] = []

    def interrupted(_: Any) -> Sampler:
        clock[0] += 70.0
        raise KeyboardInterrupt

    def fits(_: Any) -> Sampler:
        asked.append("fit")
        return smote(few)(None)

    with pytest.raises(KeyboardInterrupt):
        search(few, [Source("vae", interrupted, lambda: 90.0)], tmp_path / "after", 100.0)
    # An interrupted fit goes on where it stood, 90 seconds in all; nobody estimates again.
    goes_on = Source("vae", fits, lambda: asked.append("estimate") or 0.0)  # type: ignore[func-returns-value]
    shutil.copytree(tmp_path / "after", tmp_path / "short")
    found = search(few, [goes_on], tmp_path / "short", 89.0)
    assert not asked and "about 90 seconds or more, and 89 of the 89 are left" in found.notes[0]
    assert "vae" in {t.sampler for t in search(few, [goes_on], tmp_path / "after", 91.0).candidates}
    assert asked == ["fit"]


def test_what_the_gate_rejects_is_not_trained_on(few: Parts, clock: list[float]) -> None:
    def black(_: Any) -> Sampler:
        sampler = SmoteSampler().fit(few.train)
        sampler.sample = lambda *a: replace(made := SmoteSampler.sample(sampler, *a), x=Pixels(made.x[:] * 0))  # type: ignore[method-assign]
        return sampler

    found = search(few, [Source("black", black)], None)
    assert {t.sampler for t in found.candidates} == {""}
    assert found.notes == ("black is left out: none of its images passes the check.",)


def test_a_class_without_validation_images_is_named(few: Parts) -> None:
    def without(*names: str) -> LabeledData:
        labels = [few.validation.label_of(name) for name in names]
        return few.validation.subset(np.flatnonzero(~np.isin(few.validation.y, labels)))

    with pytest.raises(ValueError, match=r"\('8'\) has validation.*--sampler smote"):
        unseen_classes(few.train, without("8"), TARGETS)
    sevens = np.flatnonzero(few.train.y == few.train.label_of("7"))
    train = few.train.subset(np.setdiff1d(np.arange(len(few.train)), sevens[4:]))  # now 7 is rare, too
    assert unseen_classes(train, without("8"), TARGETS) == ["8"]
    with pytest.raises(ValueError, match=r"\('7', '8'\) has validation"):
        unseen_classes(train, without("7", "8"), TARGETS)


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
