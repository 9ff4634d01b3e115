"""Real processes: killed and continued, and two that share the work of one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gensynth.checkpoint import load_checkpoint
from gensynth.registry import generator_names, get_generator

DIGITS = ["builtin:digits", "--keep", "8=20,9=40"]
QUICK = ["--batch_size", "8", "--quiet", "--accelerator", "cpu"]


def start(*argv: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gensynth", *map(str, argv)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def finish(*argv: object, codes: tuple[int, ...] = (0,)) -> str:
    process = start(*argv)
    out, _ = process.communicate()
    assert process.returncode in codes, out
    return out


def kill_when(ready: Callable[[], bool], *argv: object) -> None:
    """Start a process and end it with SIGKILL as soon as `ready` holds."""
    process = start(*argv)
    while not ready():
        assert process.poll() is None, process.communicate()[0]
        try:
            process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.communicate()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_run_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path) -> None:
    options = ["rebalance", *DIGITS, *QUICK, "--steps", 120, "--save_every", 10, "--evaluate.steps", 10]
    options += ["--evaluate.seeds", 2, "--to", "30", "--model.width", 8, "--out"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    no = (0, 1)  # so short a training may well end in a FAIL
    finish(*options, whole, codes=no)
    resume = cut / "checkpoints" / "generator.resume"
    kill_when(resume.exists, *options, cut)
    first = resume.stat().st_mtime_ns
    kill_when(
        lambda: not resume.exists() or resume.stat().st_mtime_ns != first, *options, cut
    )  # a later save, or the end of training
    kill_when((cut / "checkpoints" / "generator.ckpt").exists, *options, cut)
    kill_when((cut / "synthetic").exists, *options, cut)
    kill_when((cut / "dataset").exists, *options, cut)
    finish(*options, cut, codes=no)
    for name in ("checkpoints", "synthetic", "dataset"):
        assert contents(cut / name) == contents(whole / name), name
    for name in ("leak.json", "verdict.json", "evaluation.json"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()
    assert not [p.name for p in cut.rglob(".*")], "nothing half-written is left behind"
    assert "report:" in finish("report", cut)


@pytest.mark.parametrize("name", generator_names())
def test_two_processes_train_together(name: str, tmp_path: Path) -> None:
    options = ["--data", *DIGITS, "--steps", 3, "--devices", 2, "--strategy", "ddp", *QUICK]
    scope = [] if get_generator(name).conditional else ["--label", "8"]
    finish("train", name, *options, *scope, "--out", tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.suffix == ".ckpt" and len(load_checkpoint(path).history["step"]) == 3


def test_two_processes_write_the_data_set_of_one(tmp_path: Path) -> None:
    finish("train", "vae", "--data", *DIGITS, "--steps", 3, *QUICK, "--out", tmp_path)
    options = ["sample", tmp_path / "vae.ckpt", "--label", "9", "--n", 130, "--others", 40, "--seed", 3]
    options += ["--device", "cpu"]
    finish(*options, "--out", tmp_path / "one")
    finish(*options, "--out", tmp_path / "two", "--devices", 2)
    assert len(contents(tmp_path / "one")) == 130 + 9 * 40 + 1
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_does_not_look_done(number: signal.Signals, tmp_path: Path) -> None:
    options = ["train", "vae", "--data", *DIGITS, "--steps", 10**6, "--save_every", 5, *QUICK, "--out", tmp_path]
    process = start(*options)
    resume = tmp_path / "vae.resume"
    while not resume.exists() and process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
    process.send_signal(number)
    out, _ = process.communicate()
    assert process.returncode == 130 and "the same command continues where it stopped" in out
    assert resume.exists() and not (tmp_path / "vae.ckpt").exists()
