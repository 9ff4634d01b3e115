"""From a CSV to a rebalanced CSV with one command: real rows untouched, an honest choice, exact resume."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth.cli.main import main
from gensynth.data import frames
from gensynth.kinds.table.files import RowFiles
from gensynth.kinds.table.kind import TableKind
from gensynth.kinds.table.samplers.catalog import made_sampler
from gensynth.mix import frame_files
from gensynth.rebalance import rebalance as steps
from gensynth.rebalance import saved

QUICK = [
    *(
        "--evaluate.classifiers",
        '["logistic"]',
        "--choose.repeats",
        1,
        "--choose.folds",
        3,
        "--choose.classifiers",
        '["logistic"]',
    ),
    *("--evaluate.folds", 3),
]


class Killed(Exception):
    """Ends a run in the middle of a step."""


def frame(n: int = 500, shift: float = 2.0) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    y = np.arange(n) % 12 == 0
    return pd.DataFrame(
        {
            "amount": np.where(rng.random(n) < 0.4, 0.0, np.exp(rng.normal(3 + shift * y, 1))).round(2),
            "age": rng.integers(18, 80, n),
            "fraud": np.where(y, "yes", "no"),
            "job": rng.choice(["cook", "nurse", "smith"], n, p=[0.6, 0.3, 0.1]),
            "speed": rng.normal(shift * y, 1),
        }
    )


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    frame().to_csv(tmp_path / "claims.csv", index=False)
    return tmp_path / "claims.csv"


def run(*argv: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in argv])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_one_command(claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs" / "balanced.csv"
    code = run("rebalance", claims, "--target", "fraud", "--sampler", "copula", "--out", out, *QUICK)
    text = capsys.readouterr().out
    assert code == (1 if "did it help: HURTS" in text or "whole: FAIL" in text else 0)
    real, made = pd.read_csv(claims), pd.read_csv(out)
    pd.testing.assert_frame_equal(made.iloc[: len(real)], real)
    added = made.iloc[len(real) :]
    assert len(added) > 50 and set(added["fraud"]) == {"yes"} and set(added["job"]) <= {"cook", "nurse", "smith"}
    assert out.read_text().startswith(claims.read_text()), "real rows are the same text"
    lines = pd.read_csv(RowFiles().manifest_of(out))
    assert len(lines) == len(made) and (lines["part"] == "synthetic").sum() == len(added)
    folder = tmp_path / "runs" / "balanced.run"
    names = {path.name for path in folder.iterdir()}
    assert {"run.json", "schema.json", "copula.sampler", "verdict.json", "evaluation.json", "report.html"} <= names
    record = json.loads((folder / "run.json").read_text())
    assert [*record["seconds"]] == ["train", "sample and check", "evaluate", "mix"]
    assert record["settings"]["kind"] == "table"
    assert "average precision" in text and "did it help: " in text and "real + smote" in text and "report: " in text

    page = (folder / "report.html").read_bytes()
    assert run("report", folder) == 0
    assert (folder / "report.html").read_bytes() == page

    moved, folder = claims.rename(tmp_path / "moved.csv"), out.parent.rename(tmp_path / "elsewhere") / "balanced.run"
    capsys.readouterr()
    assert run("report", folder) == 2 and "were moved, say with --data where they are" in capsys.readouterr().err
    assert run("report", folder, "--data", moved) == 0
    assert (folder / "report.html").read_bytes() == page
    verdict = (folder / "verdict.json").stat().st_mtime_ns
    out = tmp_path / "elsewhere" / "balanced.csv"
    assert run("rebalance", moved, "--target", "fraud", "--sampler", "copula", "--out", out, *QUICK) == code
    assert (folder / "verdict.json").stat().st_mtime_ns == verdict, "nothing was done again"
    assert run("report", folder) == 0, "the run knows now where the data are"


def test_auto_says_so_when_nothing_helps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TableKind, "tried", lambda self, train: (["copula", "smote"], ()))
    frame(shift=0.0).to_csv(tmp_path / "noise.csv", index=False)
    out = tmp_path / "same.csv"
    argv = ["rebalance", tmp_path / "noise.csv", "--target", "fraud", "--out", out, *QUICK]
    assert run(*argv, "--choose.standard_errors", 9, "--choose.targets", "0.2,5x,70") == 0
    text = capsys.readouterr().out
    assert "choice: " in text and "trained as" in text
    assert "oing nothing" in text or "threshold" in text
    assert out.read_bytes() == (tmp_path / "noise.csv").read_bytes()
    choice = json.loads((tmp_path / "same.run" / "choice.json").read_text())
    assert {c["to"] for c in choice["candidates"]} == {"", "0.2", "5x", "70"}
    assert choice["arm"] in ("real", "threshold", "class weights") and not choice["sampler"] + choice["to"]
    assert not choice["adds"]
    assert (tmp_path / "same.run" / "report.html").exists()


def test_a_chosen_sampler_is_used(claims: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = saved.choose_samplers

    def only_mixture(train: Any, names: Any, config: Any, folder: Path, quiet: bool) -> Any:
        tried = {sampler.name for sampler in TableKind().tried(train)[0]}
        assert names is None and "random" not in tried and {"smote", "copula", "cart", "tabular_vae"} <= tried
        assert config.targets == ("0.5",)
        made = choose(train, ["mixture"], config, folder, quiet)
        return replace(made, sampler="mixture", to="0.5", arm="real + synthetic", adds={"yes": 40})

    monkeypatch.setattr(saved, "choose_samplers", only_mixture)
    out = tmp_path / "b.csv"
    run("rebalance", claims, "--target", "fraud", "--to", "0.5", "--out", out, *QUICK)
    assert len(pd.read_csv(out)) == 540
    assert (tmp_path / "b.run" / "mixture.sampler").exists()


HOMES = {"made": TableKind, "write_frame": frame_files}
STEPS = ["save_choice", "made", "save_verdict", "save_evaluation", "mix", "write_frame"]


@pytest.mark.parametrize("dies_in", STEPS)
def test_a_killed_run_continues_to_the_same_bytes(
    claims: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    argv = ["rebalance", claims, "--target", "fraud", "--sampler", "bootstrap", *QUICK]
    if dies_in == "save_choice":
        argv = ["rebalance", claims, "--target", "fraud", *QUICK]
        monkeypatch.setattr(TableKind, "tried", lambda self, train: (["bootstrap"], ()))
    whole, cut = tmp_path / "whole" / "b.csv", tmp_path / "cut" / "b.csv"
    first = run(*argv, "--out", whole)

    def dying(*given: Any, **named: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(HOMES.get(dies_in, steps), dies_in, dying)
        assert run(*argv, "--out", cut) == 2
        assert not cut.exists()
    assert run(*argv, "--out", cut) == first
    assert cut.read_bytes() == whole.read_bytes()
    assert RowFiles().manifest_of(cut).read_bytes() == RowFiles().manifest_of(whole).read_bytes()
    for name in ("verdict.json", "evaluation.json", "choice.json", "schema.json"):
        files = [path.parent / "b.run" / name for path in (whole, cut)]
        assert files[0].exists() == files[1].exists()
        if files[0].exists() and name != "choice.json":  # which holds seconds
            assert files[0].read_bytes() == files[1].read_bytes()


def test_an_edited_schema_or_test_file_is_another_run(
    claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema, later = tmp_path / "schema.json", tmp_path / "later.csv"
    frame(560).iloc[500:].to_csv(later, index=False)
    run("explore", claims, "--target", "fraud", "--out", schema)
    assert run("explore", claims, "--target", "fraud", "--out", claims) == 2 and claims.read_text().startswith(
        "amount,"
    )
    argv = ["rebalance", claims, "--schema", schema, "--test_data", later, "--sampler", "bootstrap", *QUICK]
    run(*argv, "--out", tmp_path / "b.csv")
    later_before, schema_before = later.read_text(), schema.read_text()
    for path, text in ((schema, schema_before.replace('"high": 79', '"high": 99')), (later, later_before[:-30])):
        kept = path.read_text()
        path.write_text(text[: text.rindex("\n") + 1])
        assert path.read_text() != kept
        capsys.readouterr()
        assert run(*argv, "--out", tmp_path / "b.csv") == 2
        assert "other settings (other data)" in capsys.readouterr().err
        path.write_text(kept)


def test_settings_are_taken_as_people_write_them(
    claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(f"data: {claims}\ntarget: fraud\nsampler: smote\nsettings:\n  variant: bordrline\n")
    out = tmp_path / "b.csv"
    assert run("rebalance", "--config", recipe, "--out", out, "--evaluate.classifiers", "logistic") == 2
    assert "'bordrline' is not known; allowed: auto, smote" in capsys.readouterr().err
    recipe.write_text(recipe.read_text().replace("bordrline", "borderline"))
    assert (
        run("rebalance", "--config", recipe, "--out", out, "--evaluate.classifiers", "logistic", "--evaluate.folds", 3)
        < 2
    )
    made = made_sampler("tabular_vae", {"steps": "50", "model.width": "8", "model": {"z_dim": "4"}})
    assert made.get_params()["steps"] == 50 and made.get_params()["model"] == {"width": 8, "z_dim": 4}
    assert run("report", out) == 2 and "takes the folder of a run" in capsys.readouterr().err
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    assert run("explore", tmp_path / "a.xlsx", "--target", "y") == 2
    assert "a table's name ends in .csv" in capsys.readouterr().err


def test_rules_hold_and_their_cost_is_told(claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = tmp_path / "schema.json"
    assert run("explore", claims, "--target", "fraud", "--out", schema) == 0
    plain = json.loads(schema.read_text())
    plain["rules"] = [{"kind": "predicate", "expression": "age >= 30 or job != 'cook'"}]
    schema.write_text(json.dumps(plain))
    out = tmp_path / "b.csv"
    run("rebalance", claims, "--schema", schema, "--sampler", "mixture", "--out", out, *QUICK)
    added = pd.read_csv(out).iloc[500:]
    assert len(added) and ((added["age"] >= 30) | (added["job"] != "cook")).all()
    assert "broke a rule and were drawn again" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "which column of .* is the label\\? Name it: --target COLUMN"),
        (["--target", "fraud", "--sampler", "smoot"], "unknown sampler 'smoot'.*Did you mean 'smote'"),
        (["--target", "fraud", "--sampler", "random"], "repeats real rows.*class weights"),
        (["--target", "fraud", "--to", "0.001"], "to='0.001' adds nothing"),
        (["--target", "fraud", "--to", "5x", "--choose.targets", "0.5"], "--to names one target"),
        (["--target", "fraud", "--choose.targets", "0.5,much"], "to='much' is none of 'rare'"),
        (["--target", "fraud", "--sampler", "smote", "--settings", '{"k": 3}'], "no setting 'k'; it has k_neighbors"),
        (["--target", "fraud", "--sampler", "smote", "--to", "lots"], "none of 'rare'"),
        (["--target", "fraud", "--sampler", "smote", "--to", "1"], "adds nothing"),
        (["--target", "fraud", "--steps", "3"], "setting 'steps' is for images"),
        (["--target", "fraud", "--choose.metric", "f1"], "metric 'f1' is unknown; allowed: average_precision"),
        (["--target", "fraud", "--keep", "yes=9999"], "keep asks for 9999 rows"),
    ],
)
def test_one_sentence(
    claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    assert run("rebalance", claims, "--out", tmp_path / "b.csv", *argv) == 2
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert not (tmp_path / "b.csv").exists() and "Traceback" not in error


def test_a_missing_pyarrow_is_told_before_any_work(
    claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "find_spec", lambda name: None)
    argv = ["rebalance", claims, "--target", "fraud", "--sampler", "bootstrap", "--out", tmp_path / "b.parquet"]
    assert run(*argv) == 2 and "run 'pip install pyarrow'" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["claims.csv"]


def test_nothing_is_overwritten(claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["rebalance", claims, "--target", "fraud", "--sampler", "bootstrap", *QUICK]
    (tmp_path / "mine.csv").write_text("precious\n")
    assert run(*argv, "--out", tmp_path / "mine.csv") == 2
    assert (tmp_path / "mine.csv").read_text() == "precious\n"
    assert run(*argv, "--out", tmp_path / "b.txt") == 2
    assert run(*argv, "--out", claims) == 2 and claims.read_text().startswith("amount,")
    run(*argv, "--out", tmp_path / "b.csv")
    assert run(*argv, "--out", tmp_path / "b.csv", "--sample_seed", 4) == 2
    assert "holds a run with other settings (sample_seed: 0 there, 4 here)" in capsys.readouterr().err


def test_step_by_step(claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = ["--target", "fraud"]
    assert run("explore", claims, *real) == 0
    assert "amount" in (text := capsys.readouterr().out) and "often exactly 0" in text
    assert run("train", "smote", "--data", claims, *real, "--out", tmp_path, "--settings.k_neighbors", 3) == 0
    assert run("train", "smote", "--data", claims, *real, "--out", tmp_path) == 2
    rows = tmp_path / "rows.csv"
    assert run("sample", tmp_path / "smote.sampler", "--label", "yes", "--n", 60, "--out", rows) == 0
    assert run("sample", tmp_path / "smote.sampler", "--label", "yes", "--n", 60, "--out", rows) == 0
    assert run("sample", tmp_path / "smote.sampler", "--label", "maybe", "--out", tmp_path / "x.csv") == 2
    capsys.readouterr()
    assert run("check", rows, "--against", claims, *real, "--json", tmp_path / "v.json") == 0
    assert "fidelity: " in capsys.readouterr().out and (tmp_path / "v.json").exists()
    mixed = tmp_path / "mixed.csv"
    capsys.readouterr()
    assert run("mix", rows, "--real", claims, *real, "--to", 120, "--out", mixed) == 0
    counts = pd.read_csv(mixed)["fraud"].value_counts()
    assert counts["no"] == 458 and 42 < counts["yes"] <= 42 + 60
    assert re.search("note: 'yes' got [0-9]+ of the [0-9]+ that --to asks for; draw more", capsys.readouterr().err)
    code = run(
        "evaluate",
        rows,
        "--real",
        claims,
        *real,
        "--evaluate.classifiers",
        '["logistic"]',
        "--out",
        tmp_path / "e.json",
    )
    assert code in (0, 1) and "did it help: " in capsys.readouterr().out
    assert run("translate", rows, tmp_path, tmp_path / "t") == 2
    assert "is for images" in capsys.readouterr().err
