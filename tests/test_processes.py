"""Stopped by a signal, and two processes that share the work of one (tests/test_kills.py kills within one)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run
from tiny_pipeline import shared_pipeline, usable

from gensynth.generator.checkpoint import load_checkpoint
from gensynth.generator.registry import generator_names, get_generator
from gensynth.kinds.image.generator.train import Keeper

DIGITS = ["builtin:digits", "--keep", "8=20,9=40"]
QUICK = ["--batch_size", "8", "--quiet", "--accelerator", "cpu"]
ALL = """
import json, sys
from gensynth.cli.main import main
for command in json.loads(sys.argv[1]):
    try:
        main(command)
    except SystemExit as stop:
        assert not stop.code, command
"""


def start(*argv: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"} | environment,
    )


def finish(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        out, _ = process.communicate()
        assert process.returncode == 0, out


def together(commands: list[list[str]]) -> None:
    """Run commands one after another, all of them in the same two processes, as a launcher such as torchrun does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    job = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "NODE_RANK": "0"}
    finish(*(start("-c", ALL, json.dumps(commands), LOCAL_RANK=str(rank), **job) for rank in (0, 1)))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_two_processes_train_every_generator_together(tmp_path: Path) -> None:
    options = ["--data", *DIGITS, "--steps", "3", "--devices", "2", "--strategy", "ddp", *QUICK]
    names = usable(generator_names("image"))
    scopes = {name: [] if get_generator(name, "image").conditional else ["--label", "8"] for name in names}
    if "diffusion" in scopes:
        scopes["diffusion"] += ["--model.weights", str(shared_pipeline())]
    together([["train", name, *options, *of, "--out", str(tmp_path / name)] for name, of in scopes.items()])
    for name in scopes:
        (path,) = (tmp_path / name).iterdir()
        assert path.suffix == ".ckpt" and len(load_checkpoint(path).history["step"]) == 3


def test_two_processes_write_the_data_set_of_one(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["sample", checkpoint, "--label", "9", "--n", 130, "--others", 40, "--seed", 3, "--device", "cpu"]
    assert run(capsys, *options, "--out", tmp_path / "one")[0] == 0
    finish(start("-m", "gensynth", *options, "--out", tmp_path / "two", "--devices", 2))
    assert len(contents(tmp_path / "one")) == 130 + 9 * 40 + 1
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_does_not_look_done(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    end_of_step = Keeper.on_train_batch_end

    def signalled(keeper: Keeper, *given: object) -> None:
        end_of_step(keeper, *given)  # type: ignore[arg-type]
        if keeper.step == 7:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Keeper, "on_train_batch_end", signalled)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    options = ["train", "vae", "--data", *DIGITS, "--steps", 1000, "--save_every", 5, *QUICK, "--out", tmp_path]
    try:
        code, _, err = run(capsys, *options)
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130 and "the same command continues where it stopped" in err
    assert [path.name for path in tmp_path.iterdir()] == ["vae.resume"]
