"""A killed command leaves nothing under the final name, and the same command then completes as if nothing had been."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import DIGITS, QUICK, picture
from made_reviews import reviews
from made_sounds import sounds

from gensynth.cli.main import main
from gensynth.data import files
from gensynth.evaluate.leak import measure_leak
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.read import DataConfig, read_parts
from gensynth.mix.mix import mix
from gensynth.sampler.synthetic import Synthetic

Run = Callable[[Path], Any]
"""Writes what it is given."""


class Killed(BaseException):
    """Ends the process: nothing catches it."""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def kill(monkeypatch: pytest.MonkeyPatch, run: Run, out: Path, at: int) -> bool:
    """Run, and kill when the file or folder number `at` is about to get its final name.

    Returns:
        Whether it came so far.
    """
    replace, remove, waiting = os.replace, files._remove, at

    def dying(old: Path, new: Path) -> None:
        nonlocal waiting
        waiting -= 1
        if waiting < 0:
            raise Killed
        replace(old, new)

    def tidy(path: Path) -> None:
        if waiting >= 0:  # a killed process tidies nothing
            remove(path)

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", dying)
        patch.setattr(files, "_remove", tidy)
        try:
            run(out)
        except Killed:
            return True
    return False


def done(command: list[Any], codes: tuple[int, ...] = (0,)) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in command])
    assert stop.value.code in codes


def verb(*command: Any) -> Run:
    return lambda out: done([*command, "--out", out])


def check_kills(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Run, name: str, final: str) -> None:
    """Kill a run at every file it writes; `final` is the last thing it writes, in the folder of its output `name`."""
    whole = tmp_path / "whole"
    run(whole / name)
    for at in range(100):
        cut = tmp_path / f"cut{at}"
        if not kill(monkeypatch, run, cut / name, at):
            break
        assert not (cut / final).exists()
        run(cut / name)
        assert contents(cut) == contents(whole), "equal files, and nothing half-written"
    assert at >= 1


def test_sample(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoint: Path) -> None:
    sample = verb("sample", checkpoint, "--label", "8", "--n", 3, "--device", "cpu")
    check_kills(monkeypatch, tmp_path, sample, "made", "made")


def test_train(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    train = verb("train", "vae", "--data", *DIGITS, *QUICK, "--save_every", 2)
    check_kills(monkeypatch, tmp_path, train, "trained", "trained/vae.ckpt")


def test_mix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, shade in (("fine", 0), ("odd", 90)):
        for i in range(8):
            picture(tmp_path / "data" / name / f"{i}.png", shade + i)
    parts = read_parts(tmp_path / "data", DataConfig())
    train, n = parts.train, len(parts.train)
    drawn = Synthetic(train.x, train.y, train.classes, np.arange(n), "recipes", 0, ("flip",) * n, ((),) * n, ("",) * n)
    judged = SampleVerdicts(np.ones(n, dtype=bool), ("",) * n, {}, ("",) * n)
    check_kills(monkeypatch, tmp_path, lambda out: mix(parts, drawn, judged, out, FolderFiles()), "mixed", "mixed")


def test_rebalance_killed_again_and_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    quick = partial(measure_leak, config=EvaluateConfig(seeds=2, steps=10))
    monkeypatch.setattr("gensynth.rebalance.rebalance.measure_leak", quick)
    options = ["--steps", 12, "--save_every", 5, "--to", 30, "--model.width", 8]
    test = ["--evaluate.steps", 10, "--evaluate.seeds", 2, "--evaluate.arms", "real,augmented,real + synthetic"]
    command = ["rebalance", *DIGITS, *QUICK, *options, *test]

    def run(out: Path) -> None:
        done([*command, "--out", out], codes=(0, 1))  # so short a training may well end in a FAIL

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run(whole)
    at = 1
    while kill(monkeypatch, run, cut, at):
        at += 1  # each time it comes a little further
    assert at > 4
    for name in ("checkpoints", "synthetic", "arms", "dataset"):
        assert contents(cut / name) == contents(whole / name), name
    for name in ("leak.json", "verdict.json", "evaluation.json"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()
    assert not [p.name for p in cut.rglob(".*")], "nothing half-written is left behind"


def test_rebalance_of_documents_killed_again_and_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = reviews(0, 40, 20)
    for i, (text, label) in enumerate(zip(made.x[:], made.y, strict=True)):
        (file := tmp_path / "data" / made.classes[label] / f"{i}.txt").parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    arms = ["--evaluate.arms", "real,real + synthetic", "--evaluate.classifiers", "logistic", "--evaluate.folds", 2]
    command = ["rebalance", tmp_path / "data", "--sampler", "ngram", "--to", "balance", *arms, "--quiet"]
    check_run(monkeypatch, tmp_path, command, "dataset/metadata.csv")


def test_rebalance_of_clips_killed_again_and_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = sounds(tmp_path / "data", 24, 12, ".ogg")  # an Ogg stream has a number that is drawn at random
    quick = ["--settings.effects", "speed,pitch", "--evaluate.classifiers", "logistic", "--evaluate.folds", 2]
    command = ["rebalance", data, "--sampler", "recipes", *quick, "--to", "balance", "--quiet"]
    check_run(monkeypatch, tmp_path, command, "dataset/train/metadata.csv")


def check_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[Any], listed: str) -> None:
    """Kill a run at every file it writes, each time going on; `listed` is one of those it writes."""

    def run(out: Path) -> None:
        done([*command, "--out", out], codes=(0, 1))

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run(whole)
    at = 1
    while kill(monkeypatch, run, cut, at):
        at += 1
    assert at > 4
    first, again = contents(whole), contents(cut)
    assert first.keys() == again.keys() and listed in first
    told = ("run.json", "report.html")  # these say when, and where
    assert [name for name in first if first[name] != again[name] and not name.endswith(told)] == []


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    y = np.arange(200) % 5 == 0
    frame = pd.DataFrame({"amount": rng.normal(100 + 50 * y, 20), "age": rng.normal(40, 9, 200), "fraud": y})
    frame.to_csv(tmp_path / "claims.csv", index=False)
    done(["train", "bootstrap", "--data", tmp_path / "claims.csv", "--target", "fraud", "--out", tmp_path])
    return tmp_path


def test_sample_and_mix_of_tables(monkeypatch: pytest.MonkeyPatch, rows: Path) -> None:
    sample = verb("sample", rows / "bootstrap.sampler", "--label", "True", "--n", 30)
    check_kills(monkeypatch, rows / "s", sample, "rows.csv", "rows.csv")
    join = verb("mix", rows / "s" / "whole" / "rows.csv", "--real", rows / "claims.csv", "--target", "fraud")
    check_kills(monkeypatch, rows / "m", join, "mixed.csv", "mixed.csv")
    (rows / "mine.metadata.csv").write_text("not of gensynth\n")
    with pytest.raises(AssertionError):
        sample(rows / "mine.csv")
    assert (rows / "mine.metadata.csv").read_text() == "not of gensynth\n"
