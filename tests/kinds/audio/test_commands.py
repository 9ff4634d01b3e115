"""Clips go through every verb of the command line."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import soundfile
from made_sounds import RATE, sounds

from gensynth.cli.main import main

EFFECTS = "--settings.effects speed,pitch --settings.most 2"
QUICK = "--evaluate.classifiers logistic --evaluate.folds 2"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    sounds(tmp_path / "real", 40, 14)
    return tmp_path


def ran(line: str, *more: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*line.split(), *more])
    return int(ended.value.code or 0)


def test_clips_go_through_every_step(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("explore real") == 0
    assert "54" in (told := capsys.readouterr().out) and "rise" in told
    assert ran(f"train recipes --data real --out . {EFFECTS}") == 0
    for _ in range(2):  # the second time finds its own work
        assert ran("sample recipes.sampler --label fall --n 20 --out drawn") == 0
    assert "is complete" in capsys.readouterr().err
    assert ran("check drawn --against real --json verdict.json") in (0, 1)
    assert ran("mix drawn --real real --to 2x --out mixed") == 0
    line = "evaluate drawn --real real --evaluate.seeds 2 --evaluate.steps 10 --evaluate.arms"
    assert ran(line, "oversampled,augmented,oversampled + synthetic") in (0, 1)
    files = {path.read_bytes() for path in Path("mixed").rglob("*.wav")}
    assert files > {path.read_bytes() for path in Path("real").rglob("*.wav")}


def test_a_run_writes_a_data_set_and_its_report(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"rebalance real --sampler recipes {EFFECTS} {QUICK} --to 2x --out run --quiet"
    assert ran(line) in (0, 1) and ran(line) in (0, 1) and ran("report run") == 0
    listed = list(csv.DictReader(Path("run/dataset/train/metadata.csv").read_text(encoding="utf-8").splitlines()))
    new = [row for row in listed if row["synthetic"] == "1"]
    assert {row["label"] for row in new} == {"fall"} and 0 < len(new) <= 10
    for row in new:
        about = soundfile.info(Path("run/dataset/train") / row["file_name"])
        assert (about.samplerate, about.subtype, row["rate"], row["channels"]) == (RATE, "PCM_16", str(RATE), "1")
    rejected = list(csv.DictReader(Path("run/rejected/metadata.csv").read_text(encoding="utf-8").splitlines()))
    assert rejected and all(Path("run/rejected", row["file_name"]).is_file() and row["reason"] for row in rejected)
    assert "rejected" in Path("run/report.html").read_text(encoding="utf-8")


def test_a_run_whose_data_were_moved_is_reported_again(here: Path) -> None:
    assert ran(f"rebalance real --sampler recipes {EFFECTS} {QUICK} --to 2x --out run --quiet") in (0, 1)
    shutil.move("real", "moved")
    assert ran("report run --data moved") == 0


def test_a_whole_set_and_what_is_for_others(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(f"synthesize real --sampler recipes {EFFECTS} {QUICK} --out new --n 40 --quiet") in (0, 1)
    assert len(list(Path("new").glob("*/*.wav"))) == 40
    assert ran("rebalance real --sampler copula --out x") == 2
    assert "'copula' is for tables; for clips there are" in capsys.readouterr().err
    assert ran("synthesize real --where age>3 --sampler recipes --out x") == 2
    assert "--where is for tables, not for clips" in capsys.readouterr().err
