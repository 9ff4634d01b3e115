"""A kind of data of 80 lines goes through every step, with no line of gensynth changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gensynth import kind as module
from gensynth.cli.main import main
from gensynth.kind import kinds


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    point = EntryPoint("plane", "plane:Plane", module.GROUP)
    monkeypatch.setattr(module, "entry_points", lambda group: [point])
    monkeypatch.chdir(tmp_path)
    kinds.cache_clear()
    yield tmp_path
    kinds.cache_clear()


def ran(line: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*line.split(), "--kind", "plane"])
    return int(ended.value.code or 0)


def test_points_go_through_every_step(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng, y = np.random.default_rng(0), np.repeat([0, 1], [200, 40])
    x = rng.normal(size=(240, 2)) + 1.6 * y[:, None]
    frame = pd.DataFrame(x, columns=["x", "y"]).assign(label=np.array(["no", "yes"])[y], device=np.arange(240) // 3)
    frame.to_csv("real.csv", index=False)
    assert ran("explore real.csv") == 0 and "240 points: no 200, yes 40" in capsys.readouterr().out
    assert ran("train between --data real.csv --out .") == 0
    for _ in range(2):  # the second time finds its own work
        assert ran("sample between.sampler --label yes --n 60 --out drawn.csv") == 0
    assert "is complete" in capsys.readouterr().err
    assert ran("check drawn.csv --against real.csv --json verdict.json --privacy") == 0
    assert "51 of 60 samples passed" in (told := capsys.readouterr().out) and "no leakage detected" in told
    assert ran("mix drawn.csv --real real.csv --to 2x --out mixed.csv") == 0
    assert ran("evaluate drawn.csv --real real.csv --out answer.json") == 0
    assert ran("rebalance real.csv --out chosen.csv --choose.repeats 1 --choose.folds 2 --quiet") == 0
    assert "choice: " in capsys.readouterr().out
    assert ran("rebalance real.csv --sampler between --to 2x --out filled.csv --group device") == 0
    assert ran("report filled.run") == 0
    assert ran("synthesize real.csv --out new.csv --n 60 --quiet") in (0, 1)
    assert pd.read_csv("new.csv")["label"].value_counts().to_dict() == {"no": 50, "yes": 10}
    mixed, filled = pd.read_csv("mixed.csv"), pd.read_csv("filled.csv")
    pd.testing.assert_frame_equal(mixed[:240], frame[["x", "y", "label"]])
    assert filled["label"].value_counts().to_dict() == {"no": 200, "yes": 40 + 27}
    of_each = pd.read_csv("filled.metadata.csv")
    assert of_each["synthetic"].sum() == 27 and json.loads(of_each["parents"].iloc[-1])
    for page in ("verdict.html", "chosen.run/report.html", "filled.run/report.html", "new.run/report.html"):
        assert "points" in Path(page).read_text(encoding="utf-8")


def test_wrong_files_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("real.csv").write_text("x,label\n1,a\n2,b\n")
    assert ran("explore real.csv") == 2
    assert "has no column" in (told := capsys.readouterr().err) and "it has 'x', 'label'" in told
    Path("real.csv").write_text("x,y,label\n1,0,a\n2,0,b\n")
    Path("empty.csv").touch()
    assert ran("explore empty.csv") == 2 and "cannot be read as a table" in capsys.readouterr().err
    assert ran("explore real.csv --group device") == 2 and "group 'device' is not one of" in capsys.readouterr().err
    assert ran("explore none.csv") == 2 and "there is no file 'none.csv'" in capsys.readouterr().err
