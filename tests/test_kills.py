"""A killed command leaves nothing under the final name, and the same command then completes as if nothing had been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import DIGITS, QUICK, picture

from gensynth import files
from gensynth.cli import main


class Killed(BaseException):
    """Ends the process: nothing catches it."""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def kill(monkeypatch: pytest.MonkeyPatch, command: list[Any], at: int) -> bool:
    """Run a command and kill it when it is about to give the final name to its file or folder number `at`.

    Returns:
        Whether it came so far.
    """
    replace, waiting = files.os.replace, at

    def dying(old: Path, new: Path) -> None:
        nonlocal waiting
        if not waiting:
            raise Killed
        waiting -= 1
        replace(old, new)

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", dying)
        patch.setattr(files, "_remove", lambda path: None)  # a killed process tidies nothing
        try:
            done(command)
        except Killed:
            return True
    return False


def done(command: list[Any]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in command])
    assert stop.value.code == 0


def check_kills(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[Any], name: str, final: str) -> None:
    """Kill a command at every file it writes; `final` is the last thing it writes, in the folder of its output."""
    whole = tmp_path / "whole"
    done([*command, "--out", whole / name])
    for at in range(100):
        cut = tmp_path / f"cut{at}"
        if not kill(monkeypatch, [*command, "--out", cut / name], at):
            break
        assert not (cut / final).exists()
        done([*command, "--out", cut / name])
        assert contents(cut) == contents(whole), "equal files, and nothing half-written"
    assert at >= 1


def test_sample(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoint: Path) -> None:
    command = ["sample", checkpoint, "--label", "8", "--n", 3, "--device", "cpu"]
    check_kills(monkeypatch, tmp_path, command, "made", "made")


def test_train(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = ["train", "vae", "--data", *DIGITS, *QUICK, "--save_every", 2]
    check_kills(monkeypatch, tmp_path, command, "trained", "trained/vae.ckpt")


def test_mix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, shade in (("fine", 0), ("odd", 90)):
        for i in range(8):
            picture(tmp_path / "data" / name / f"{i}.png", shade + i)
    for i in range(4):
        picture(tmp_path / "made" / "odd" / f"{i}.png", 60 + 20 * i)
    command = ["mix", tmp_path / "made", "--real", tmp_path / "data", "--to", "12"]
    check_kills(monkeypatch, tmp_path, command, "mixed", "mixed")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    y = np.arange(200) % 5 == 0
    frame = pd.DataFrame({"amount": rng.normal(100 + 50 * y, 20), "age": rng.normal(40, 9, 200), "fraud": y})
    frame.to_csv(tmp_path / "claims.csv", index=False)
    done(["train", "bootstrap", "--data", tmp_path / "claims.csv", "--target", "fraud", "--out", tmp_path])
    return tmp_path


def test_sample_and_mix_of_tables(monkeypatch: pytest.MonkeyPatch, rows: Path) -> None:
    sample = ["sample", rows / "bootstrap.sampler", "--label", "True", "--n", 30]
    check_kills(monkeypatch, rows / "s", sample, "rows.csv", "rows.csv")
    mix = ["mix", rows / "s" / "whole" / "rows.csv", "--real", rows / "claims.csv", "--target", "fraud"]
    check_kills(monkeypatch, rows / "m", mix, "mixed.csv", "mixed.csv")
    (rows / "mine.metadata.csv").write_text("not of gensynth\n")
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in [*sample, "--out", rows / "mine.csv"]])
    assert stop.value.code == 2 and (rows / "mine.metadata.csv").read_text() == "not of gensynth\n"
