"""Documents go through every verb of the command line, and what is not theirs is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from made_reviews import reviews

from gensynth.cli.main import main

COLUMNS = "--text body --target label"
QUICK = "--evaluate.classifiers logistic --evaluate.folds 2"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    data = reviews(0, 120, 40)
    frame = pd.DataFrame({"stars": range(160), "body": data.x[:], "label": [data.classes[c] for c in data.y]})
    frame.to_csv("real.csv", index=False)
    return tmp_path


def ran(line: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    return int(ended.value.code or 0)


def test_documents_go_through_every_step(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(f"explore real.csv {COLUMNS}") == 0
    assert "160 documents" in (told := capsys.readouterr().out) and "prize (100%)" in told and "Rare classes" in told
    assert ran(f"explore real.csv {COLUMNS} --recipes") == 0
    assert "held-out real documents" in (told := capsys.readouterr().out) and "edits swap" in told and "splice" in told
    assert ran(f"train edits --data real.csv {COLUMNS} --out .") == 0
    for _ in range(2):  # the second time finds its own work
        assert ran("sample edits.sampler --label offer --n 30 --out drawn.csv") == 0
    assert "is complete" in capsys.readouterr().err
    assert ran(f"check drawn.csv --against real.csv {COLUMNS} --json verdict.json") in (0, 1)
    assert ran(f"mix drawn.csv --real real.csv {COLUMNS} --to 2x --out mixed.csv") == 0
    assert ran(f"evaluate drawn.csv --real real.csv {COLUMNS} {QUICK}") in (0, 1)
    line = f"rebalance real.csv {COLUMNS} --sampler synonyms --to 2x --out filled.jsonl {QUICK} --quiet"
    assert ran(line) == 0 and ran(line) == 0 and ran("report filled.run") == 0
    rows = [json.loads(text) for text in Path("filled.jsonl").read_text().splitlines()]
    assert 160 < len(rows) <= 160 + 26 and rows[0]["body"] == pd.read_csv("real.csv")["body"][0]
    assert rows[0]["stars"] == "0" and rows[-1]["stars"] == ""
    page = Path("filled.run/report.html").read_text(encoding="utf-8")
    assert "<mark>" in page and "accepted synthetic" in page
    mixed = Path("mixed.csv").read_bytes()
    assert mixed.startswith(Path("real.csv").read_bytes())


def test_a_choice_and_a_whole_set(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    choose = "--choose.folds 2 --choose.repeats 1 --choose.classifiers logistic --choose.targets 2x"
    assert ran(f"rebalance real.csv {COLUMNS} --out auto.csv {choose} {QUICK} --quiet") == 0
    assert "choice: " in capsys.readouterr().out
    assert ran(f"synthesize real.csv {COLUMNS} --sampler edits --out new.csv --n 60 --quiet") in (0, 1)
    assert pd.read_csv("new.csv")["label"].value_counts().to_dict() == {"plain": 45, "offer": 15}


def test_a_table_stays_one_unless_a_column_of_texts_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("explore real.csv --target label") == 0 and "160 rows" in capsys.readouterr().out
    assert ran("explore real.csv --text bdy --target label") == 2
    assert "Did you mean 'body'?" in capsys.readouterr().err
    assert ran(f"rebalance real.csv {COLUMNS} --sampler smote --out x.csv") == 2
    assert "smote" in capsys.readouterr().err
    assert ran(f"synthesize real.csv {COLUMNS} --where age>3 --sampler edits --out x.csv") == 2
    assert "--where is for tables, not for documents" in capsys.readouterr().err
