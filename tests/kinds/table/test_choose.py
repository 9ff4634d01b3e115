"""choose for tables: the race of real samplers, the threshold, and what is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth.choose import choose as step
from gensynth.choose import samplers as module
from gensynth.choose.results import Choice
from gensynth.choose.samplers import choose_samplers
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import some_of
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.config import TableChooseConfig
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.catalog import get_table_sampler
from gensynth.kinds.table.tables import from_frame

QUICK = TableChooseConfig(classifiers=("logistic",), folds=3, repeats=2)


class Wrong(TableSampler):
    """Draws rows that differ from the other classes in the opposite way: that must hurt. Or says that it cannot."""

    def __init__(self, able: bool = True, sampling_strategy: Any = "auto", random_state: int = 0, schema: Any = None):
        super().__init__(sampling_strategy, random_state, schema)
        self.able = able

    @property
    def name(self) -> str:
        return "wrong"

    def _learn(self, rows: Encoded, y: np.ndarray) -> None:
        if not self.able:
            raise ValueError("this table is too strange.")
        self.rows, self.y = rows, y

    def _rows(self, label: int, n: int, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        drawn = self.rows.take(rng.choice(np.flatnonzero(self.y == label), n))
        mirrored = 2 * self.rows.numbers[self.y != label].mean(axis=0) - drawn.numbers
        return replace(drawn, numbers=mirrored), np.empty((n, 0), dtype=np.int64)


class Slow(Wrong):
    """Says that it takes a day, and cannot be fitted."""

    def seconds_to_fit(self, data: LabeledData) -> float:
        return 86_400.0


def table(n0: int, n1: int, gap: float = 2.0, seed: int = 0) -> LabeledData:
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [n0, n1])
    x = rng.normal(size=(n0 + n1, 3)) + gap * y[:, None] * np.array([1, 0.5, 0])
    frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(
        level=rng.choice(["u", "v"], n0 + n1), label=np.array(["no", "yes"])[y]
    )
    return from_frame(frame.iloc[rng.permutation(len(frame))].reset_index(drop=True), "label")


def test_two_shares_on_the_way_to_the_largest_class_are_tried() -> None:
    assert module._shares({"a": 1000, "b": 1}) == ("0.01", "0.1")
    assert module._shares({"a": 10**9, "b": 1}) == ("0.0001", "0.001")


def test_rows_that_hurt_are_not_chosen_and_a_threshold_is_recommended() -> None:
    found = choose_samplers(table(300, 24), ["random", Wrong()], QUICK, quiet=True)
    assert (found.sampler, found.to, found.arm, found.adds) == ("", "", THRESHOLD, {})
    assert found.threshold is not None and 0 < found.threshold < 0.5
    assert "oing nothing" in found.why and "predict 'yes' from a probability of 0.0" in found.why
    assert {c.sampler or c.arm for c in found.candidates} == {REAL, WEIGHTS, "random", "wrong"}
    assert len(found.candidates) == 6 and found.splits == 6 and found.examples == 324
    assert [c.score for c in found.candidates] == sorted((c.score for c in found.candidates), reverse=True)
    wrong = [c for c in found.candidates if c.sampler == "wrong"]
    assert all(c.gain < -0.05 and c.standard_error > 0 for c in wrong)


def test_metric_of_the_user_puts_the_threshold_into_the_race() -> None:
    found = choose_samplers(table(300, 24), ["random"], replace(QUICK, metric="balanced_accuracy_tuned"), quiet=True)
    assert found.arm == THRESHOLD and found.why.startswith("Moving the threshold")
    score = {c.sampler or c.arm: c.score for c in found.candidates}
    assert score[THRESHOLD] > score[REAL] + 0.05


def test_sampler_that_is_ahead_is_chosen_with_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever the race says, the answer must carry the rows that the winner adds to the whole table.
    monkeypatch.setattr(step, "simplest", lambda keys, *rest: next((key for key in keys if key[0]), keys[0]))
    found = choose_samplers(table(300, 24), ["random"], replace(QUICK, targets=("0.2", "0.5")), quiet=True)
    assert (found.sampler, found.to, found.adds) == ("random", "0.2", {"yes": 36})
    assert found.why.startswith("Filling with 'random' to 0.2 (trained as 'real + synthetic') is ")
    assert "doing nothing" in found.why  # what was gained


def test_choice_is_determined_by_its_seed_and_goes_on_where_it_was(tmp_path: Path) -> None:
    data = table(150, 20)
    state = np.random.get_state()[1].tolist()
    folders = (tmp_path, tmp_path, None)
    first, second, again = (choose_samplers(data, ["random", "smote"], QUICK, folder, quiet=True) for folder in folders)
    assert first == second  # nothing was trained again, or it would have taken other times
    assert np.random.get_state()[1].tolist() == state

    def timeless(choice: Choice) -> Choice:
        return replace(choice, candidates=tuple(replace(c, seconds=0.0) for c in choice.candidates))

    assert timeless(first) == timeless(again)
    assert timeless(choose_samplers(data, ["random", "smote"], replace(QUICK, seed=1), quiet=True)) != timeless(first)


def test_more_than_two_classes_have_no_single_threshold() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], (120, 30, 15))
    frame = pd.DataFrame(
        {"a": rng.normal(size=165) + 2 * y, "b": rng.normal(size=165), "label": np.array(["x", "y", "z"])[y]}
    )
    found = choose_samplers(from_frame(frame, "label"), ["random"], QUICK, quiet=True)
    assert found.threshold is None and len(found.candidates) == 4
    if found.arm == THRESHOLD:
        assert "divide the probabilities by the classes' shares" in found.why


def test_sampler_that_cannot_is_left_out() -> None:
    found = choose_samplers(table(100, 15), [Wrong(able=False)], QUICK, quiet=True)
    assert {c.arm for c in found.candidates} == {REAL, WEIGHTS}
    assert found.notes == ("wrong is left out: this table is too strange.",)


def test_sampler_that_takes_too_long_is_not_fitted() -> None:
    found = choose_samplers(table(100, 15), [Slow(able=False)], QUICK, quiet=True)
    assert {c.arm for c in found.candidates} == {REAL, WEIGHTS}
    assert len(found.notes) == 1 and found.notes[0].startswith("wrong is left out: it takes about 2592")


def test_time_ends_the_race_after_one_cross_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**6, 5))
    monkeypatch.setattr("gensynth.choose.record.perf_counter", lambda: float(next(clock)))
    found = choose_samplers(table(100, 15), ["random"], replace(QUICK, budget="39s"), quiet=True)
    # In a split 10 seconds for the ways without a sampler, 5 to fit, and for each target 5 to draw and 5 to train.
    assert found.splits == 3 and {c.arm for c in found.candidates} == {REAL, WEIGHTS}
    assert found.notes[0].startswith("random is left out: ")
    assert found.notes[1:] == ("3 of 6 splits fitted into 39 seconds.",)


def test_large_tables_are_cut_by_class() -> None:
    found = choose_samplers(table(4000, 40), [], replace(QUICK, most_rows=1000), quiet=True)
    assert found.examples == 1000 and "1000 of 4040 rows" in found.notes[0]
    data = table(4000, 40)
    assert data.subset(some_of(data, 400, 0)).class_counts == {"no": 396, "yes": 10}


def test_too_few_rows_to_tell_are_left_alone() -> None:
    found = choose_samplers(table(100, 9), ["random"], QUICK, quiet=True)
    assert (
        found.arm == REAL
        and not found.sampler
        and not found.adds
        and "class 'yes' has 9 rows, too few to tell" in found.why
    )


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown sampler 'rondam'"):
        choose_samplers(table(50, 12), ["rondam"], QUICK)
    with pytest.raises(ValueError, match="two samplers are called 'random'"):
        choose_samplers(table(50, 12), ["random", get_table_sampler("random")()], QUICK)
    for wrong, text in (
        ({"classifiers": ()}, "classifiers names none"),
        ({"most_rows": 5}, "most_rows must be at least 100, got 5"),
    ):
        with pytest.raises(ValueError, match=text):
            TableChooseConfig(**wrong)


def test_every_classifier_is_in_the_race_and_the_best_without_rows_is_the_reference() -> None:
    both = replace(QUICK, classifiers=("logistic", "forest"), repeats=1, targets=("0.2",))
    found = choose_samplers(table(90, 15), ["random"], both, quiet=True)
    assert {(c.sampler or c.arm, c.classifier) for c in found.candidates} == {
        (name, model) for name in (REAL, WEIGHTS, "random") for model in both.classifiers
    }
    base, same_way = found.base, [c.score for c in found.candidates if not c.sampler and c.arm == found.baseline]
    assert (base.gain, base.standard_error) == (0, 0) and base.score == max(same_way)
    assert found.classifier in both.classifiers and f"({found.classifier})" in found.why
