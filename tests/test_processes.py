"""Real processes: stopped by a signal, and two that share the work of one (tests/test_kills.py kills within one)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
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


def finish(*argv: object) -> str:
    process = start(*argv)
    out, _ = process.communicate()
    assert process.returncode == 0, out
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


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
