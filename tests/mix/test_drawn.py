"""The same `gensynth sample` again finds its own work; another one is told what differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from command_line import refused, run

from gensynth.kinds.table.samplers.bootstrap import SmoothedBootstrap
from gensynth.kinds.table.tables import from_frame


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_images(capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path) -> None:
    out = tmp_path / "out"
    command = ["sample", checkpoint, "--out", out, "--label", "8", "--n", 3, "--others", 2, "--seed", 7]
    assert run(capsys, *command)[0] == 0
    before = contents(out)
    code, _, err = run(capsys, *command)
    assert code == 0 and "is complete" in err and contents(out) == before
    assert "(n: 3 there, 4 here)" in refused(capsys, *command, "--n", 4)
    told = refused(capsys, *command, "--label", "9", "--others", 0, "--start", 5, "--draw", "smote")
    assert "label: 8" not in told and "n: 2 there, 3 here, others: 3 there, 0 here, start: 0 there, 5 here" in told
    assert "draw: " in told and "smote here" in told
    (out / "metadata.csv").write_text("mine\n")
    assert "out exists; choose another" in refused(capsys, *command)


def test_rows(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    frame = pd.DataFrame({"u": np.arange(30.0), "v": np.arange(30) % 7, "y": np.arange(30) % 3 == 0})
    sampler = SmoothedBootstrap().fit(from_frame(frame, "y"))
    sampler.save(tmp_path / "a.sampler")
    out = tmp_path / "rows.csv"
    command = ["sample", tmp_path / "a.sampler", "--out", out, "--label", "True", "--n", 5]
    assert run(capsys, *command)[0] == 0
    before = contents(tmp_path)
    code, _, err = run(capsys, *command)
    assert code == 0 and "is complete" in err and contents(tmp_path) == before
    assert "(label: True there, False here, seed: 0 there, 3 here)" in refused(
        capsys, *command, "--label", "False", "--seed", 3
    )
    SmoothedBootstrap().fit(from_frame(frame.tail(27), "y")).save(tmp_path / "b.sampler")
    assert "holds other samples (checkpoint: " in refused(capsys, "sample", tmp_path / "b.sampler", *command[2:])
    (tmp_path / "rows.metadata.csv").unlink()
    assert "rows.csv exists; choose another" in refused(capsys, *command)


def test_the_number_that_is_wrong_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path
) -> None:
    command = ["sample", checkpoint, "--label", "8", "--out", tmp_path / "x"]
    for name, value, least in (("n", 0, 1), ("seed", -4, 0), ("start", -1, 0)):
        assert refused(capsys, *command, f"--{name}={value}").endswith(f"{name} must be at least {least}, got {value}.")


def test_without_a_label_all_classes_are_drawn_in_their_shares(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    frame = pd.DataFrame({"u": np.arange(40.0), "y": np.repeat(["a", "b", "c"], [28, 8, 4])})
    SmoothedBootstrap().fit(from_frame(frame, "y")).save(tmp_path / "a.sampler")
    command = ["sample", tmp_path / "a.sampler", "--out", tmp_path / "all.csv"]
    assert "rows in " in run(capsys, *command, "--n", 20)[2]
    drawn = pd.read_csv(tmp_path / "all.csv")
    assert drawn["y"].value_counts().to_dict() == {"a": 14, "b": 4, "c": 2}
    run(capsys, "sample", tmp_path / "a.sampler", "--label", "b", "--n", 4, "--out", tmp_path / "b.csv")
    assert (drawn["u"][drawn["y"] == "b"].to_numpy() == pd.read_csv(tmp_path / "b.csv")["u"].to_numpy()).all()
    assert "is complete" in run(capsys, *command, "--counts", "a=14,b=4,c=2")[2], "the same rows"
    assert "(counts.a: 14 there, 7 here" in refused(capsys, *command, "--n", 10)
    for argv, says in (
        (("--others", 3), "--others says how many of each class beside that of --label"),
        (("--counts", "a=5", "--n", 5), "give one of the two"),
        (("--counts", "a=5", "--label", "a"), "--label and --counts both name classes"),
        (("--counts", "d=5"), "label 'd' is not one of the classes 'a', 'b', 'c'"),
        (("--n", 0), "n must be at least 1, got 0."),
    ):
        assert says in refused(capsys, *command[:2], "--out", tmp_path / "x.csv", *argv)


def test_images_of_all_classes(capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path) -> None:
    assert run(capsys, "sample", checkpoint, "--n", 20, "--out", tmp_path / "all")[0] == 0
    counts = pd.read_csv(tmp_path / "all" / "metadata.csv", dtype={"label": str})["label"].value_counts()
    assert len(counts) == 10 and counts.sum() == 20 and counts["8"] == counts.min(), "8 is rare in its training part"
    assert "is complete" in run(capsys, "sample", checkpoint, "--n", 20, "--out", tmp_path / "all")[2]
    torch.save(torch.load(checkpoint, weights_only=True) | {"provenance": {}}, tmp_path / "old.ckpt")
    told = refused(capsys, "sample", tmp_path / "old.ckpt", "--n", 20, "--out", tmp_path / "x")
    assert "does not know the shares of its classes; give --counts" in told
