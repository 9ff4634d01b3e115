"""A run on photographs: what comes out has the size of what went in."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import refused, run
from photographs import folder_of_photographs

from gensynth.data.cells import Cells


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = folder_of_photographs(tmp_path_factory.mktemp("photographs"), 24, quality=90)
    for path in sorted((root / "flower").iterdir())[14:]:
        path.unlink()
    return root


@pytest.mark.parametrize("options", ["--sampler smote", "--generator vae"])
def test_what_would_be_small_beside_them_is_refused_before_any_work(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str
) -> None:
    said = refused(capsys, "rebalance", str(folder), "--out", str(tmp_path / "run"), "--to", "20", *options.split())
    assert "' have 64 pixels on their longer side" in said and "--allow_small" in said
    assert not (tmp_path / "run").exists()


def test_a_run_with_recipes_keeps_size_and_form(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"rebalance {folder} --out {tmp_path / 'run'} --sampler recipes --to 20 --evaluate.seeds 2"
    run(capsys, *line.split(), "--evaluate.steps", "10", "--quiet")
    rows = Cells.read(tmp_path / "run" / "dataset" / "train" / "metadata.csv", ()).rows
    sizes = {kind: {(row["width"], row["height"]) for row in rows if row["synthetic"] == kind} for kind in "01"}
    assert sizes["1"] and sizes["1"] <= sizes["0"]
    assert {row["own_size"] for row in rows} == {"1"} and {Path(row["file_name"]).suffix for row in rows} == {".jpg"}
