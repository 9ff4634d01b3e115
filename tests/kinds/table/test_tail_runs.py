"""The tail of a number through the verbs: filled, checked, tested and reported, chosen for and continued."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth.cli.main import main
from gensynth.evaluate.results import load_evaluation
from gensynth.kinds.table.kind import TableKind
from gensynth.kinds.table.regressors import TableRegressor

TARGET = ("--target", "price", "--rare", "high")
QUICK = ("--evaluate.classifiers", "logistic", "--choose.classifiers", "logistic", "--choose.folds", 2)


class Killed(Exception):
    """Ends a run in the middle of a step."""


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    size, town = rng.normal(100, 25, 300).round(1), rng.choice(["north", "south"], 300)
    price = np.exp(rng.normal(5 + size / 100 + (town == "south"), 0.2)).round(2)
    frame = pd.DataFrame({"town": town, "price": price, "size": size, "rooms": (size // 25).astype(np.int64)})
    frame.to_csv(tmp_path / "homes.csv", index=False)
    return tmp_path / "homes.csv"


def run(*argv: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in argv])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_one_command_fills_the_tail(homes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "balanced.csv"
    run("rebalance", homes, *TARGET, "--sampler", "mixture", "--out", out, "--quiet", *QUICK)
    text, real, made = capsys.readouterr().out, pd.read_csv(homes), pd.read_csv(out)
    pd.testing.assert_frame_equal(made.iloc[:300], real)
    cut = np.sort(real["price"])[-30]
    assert len(made) > 330 and (made["price"][300:] >= cut).all() and made["price"][300:].nunique() > 20
    assert list(pd.read_csv(tmp_path / "balanced.metadata.csv")["label"][300:].unique()) == [f"price >= {cut}"]
    found = load_evaluation(tmp_path / "balanced.run" / "evaluation.json")
    assert found.metric == "balanced_skill" and {arm.model for arm in found.arms} == {"ridge"}
    names = [arm.name for arm in found.arms]
    assert names[:4] == ["real", "class weights", "real + mixture", "real + smote"] and len(names) == 6
    arm = found.arms[1]
    assert arm.scores["error"].value < arm.scores["tail_error"].value and f"skill price >= {cut}" in text
    assert f" {arm.scores['tail_error'].value:.4g}" in text and "tail MAE" in text
    page = (tmp_path / "balanced.run" / "report.html").read_text()
    for words in ("Rare-class skill", "mean absolute error in the tail", "classes that are ranges", "Skill of every"):
        assert words in page, words
    assert "ecall" not in page and "prior_correct" not in page
    assert run("report", tmp_path / "balanced.run") == 0


def test_auto_weighs_ways_and_goes_on_where_it_was_killed(
    homes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TableKind, "tried", lambda self, train: (["smote"], ()))
    command = ("rebalance", homes, *TARGET, "--to", "0.3", "--quiet", "--choose.repeats", 1, *QUICK)
    trained: list[str] = []
    train = TableRegressor.try_way

    def counted(self: TableRegressor, way: str, *given: Any) -> Any:
        if len(trained) == 6:
            raise Killed
        trained.append(way)
        return train(self, way, *given)

    with monkeypatch.context() as patch:
        patch.setattr(TableRegressor, "try_way", counted)
        assert run(*command, "--out", tmp_path / "killed.csv") == 2
    assert len(list((tmp_path / "killed.run" / "search").iterdir())) == 6
    for name in ("killed", "whole"):
        run(*command, "--out", tmp_path / f"{name}.csv")
    killed, whole = (json.loads((tmp_path / f"{name}.run" / "choice.json").read_text()) for name in ("killed", "whole"))
    for choice in (killed, whole):
        assert choice["metric"] == "balanced_skill"
        ways = {(tried.pop("arm"), tried["sampler"], tried.pop("seconds") > 0) for tried in choice["candidates"]}
        assert {(arm, sampler) for arm, sampler, _ in ways} == {
            *(("real", ""), ("class weights", "")),
            *(("real + synthetic", "smote"), ("class weights + synthetic", "smote")),
        }
    assert killed == whole and (tmp_path / "killed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_drawn_rows_are_checked_and_tested(homes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, model = tmp_path / "rows.csv", tmp_path / "copula.sampler"
    assert run("explore", homes, *TARGET) == 0
    label = f"price >= {np.sort(pd.read_csv(homes)['price'])[-30]}"
    assert f"{label} 30" in capsys.readouterr().out
    assert run("train", "copula", "--data", homes, *TARGET, "--out", tmp_path) == 0
    assert run("sample", model, "--label", label, "--n", 40, "--out", rows) == 0
    assert list(pd.read_csv(rows).columns) == ["town", "price", "size", "rooms"]
    run("check", rows, "--against", homes, *TARGET, "--json", tmp_path / "check.json")
    (found,) = json.loads((tmp_path / "check.json").read_text())["classes"]
    assert found["label"] == label and found["n_accepted"] > 20 and "invalid" not in found["rejected"]
    run("evaluate", rows, "--real", homes, *TARGET, "--evaluate.classifiers", "logistic")
    assert "balanced skill" in capsys.readouterr().out
    assert run("evaluate", rows, "--real", homes, *TARGET, "--evaluate.metric", "roc_auc") == 2
    assert "what counts where a number is predicted is balanced_skill" in capsys.readouterr().err
    assert run("mix", rows, "--real", homes, *TARGET, "--out", tmp_path / "mixed.csv", "--to", "0.2") == 0
    assert len(pd.read_csv(tmp_path / "mixed.csv")) > 300
