"""lock: one process writes an output; another one is told who does."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import DIGITS, QUICK, SHIPPED, refused

from gensynth.data import lock
from gensynth.data.lock import locked

HOLDER = """
import sys
from pathlib import Path
from gensynth.data.lock import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with locked(out):
        with pytest.raises(BlockingIOError, match=f"process {os.getpid()} on .* since .*; wait for it"), locked(out):
            raise AssertionError("not reached")
        with locked(tmp_path / "other", None):
            pass
    with locked(out):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_other_process_is_named_and_its_death_frees_the_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    command = [sys.executable, "-c", HOLDER, str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        message = refused(capsys, "sample", SHIPPED, "--label", "8", "--n", 2, "--out", out, "--device", "cpu")
        assert f"made is being written by process {other.pid} on" in message and not out.exists()
        other.kill()
    assert [path.name for path in tmp_path.iterdir()] == [".made.lock"]
    with locked(out):
        pass
    assert list(tmp_path.iterdir()) == []


VERBS = {
    "sample": ["sample", "no.ckpt", "--label", "8", "--out", "out"],
    "train": ["train", "vae", "--data", *DIGITS, *QUICK, "--out", "out"],
    "translate": ["translate", "no.ckpt", "images", "out"],
    "stylize": ["stylize", "a.png", "b.png", "--out", "out"],
    "check": ["check", "made", "--against", "images", "--json", "out"],
    "page": ["check", "made", "--against", "images", "--page", "out"],
    "mix": ["mix", "made", "--real", "images", "--out", "out"],
    "evaluate": ["evaluate", "made", "--real", "images", "--out", "out"],
    "kept arms": ["evaluate", "made", "--real", "images", "--keep_arms", "out"],
    "rebalance": ["rebalance", "images", "--out", "out"],
    "report": ["report", "out"],
    "table sample": ["sample", "no.sampler", "--label", "8", "--out", "out.csv"],
    "table train": ["train", "copula", "--data", "no.csv", "--target", "y", "--out", "out"],
    "table check": ["check", "made.csv", "--against", "no.csv", "--json", "out"],
    "table mix": ["mix", "made.csv", "--real", "no.csv", "--out", "out.csv"],
    "table evaluate": ["evaluate", "made.csv", "--real", "no.csv", "--out", "out"],
    "table rebalance": ["rebalance", "no.csv", "--target", "y", "--out", "out.csv"],
}
WRITTEN = {
    "train": "out/vae.ckpt",
    "table train": "out/copula.sampler",
    "kept arms": "out/arms",
    "rebalance": "out/run.json",
    "report": "out/run.json",
    "table rebalance": "out.run/run.json",
}
"""What a verb locks where that is not its last argument."""


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_that_writes_is_refused_before_any_work(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if verb == "report":
        Path("out").mkdir()
        Path("out/run.json").write_text('{"settings": {}, "command": "", "versions": "", "seconds": {}}')
    with locked(Path(WRITTEN.get(verb, VERBS[verb][-1]))):
        assert "is being written by process" in refused(capsys, *VERBS[verb])
    shutil.rmtree("out", ignore_errors=True)
    assert list(tmp_path.iterdir()) == []


def test_processes_that_share_the_work_do_not_lock_each_other_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(tmp_path / "out"):
        monkeypatch.setenv("RANK", "1")
        with locked(tmp_path / "out"):
            pass


def test_a_lock_that_was_removed_after_it_was_opened_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = lock._hold

    def late(file: int) -> None:
        monkeypatch.setattr(lock, "_hold", hold)
        (tmp_path / ".out.lock").unlink()  # as its holder does in just this moment
        hold(file)

    monkeypatch.setattr(lock, "_hold", late)
    with (
        locked(tmp_path / "out"),
        pytest.raises(BlockingIOError, match="is being written"),
        locked(tmp_path / "out"),
    ):
        raise AssertionError("not reached")


def test_a_drive_without_locks_is_told_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(file: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_hold", none)
    with locked(tmp_path / "out"):
        assert "cannot lock files: start no second run" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_neither_keeps_the_lock_nor_removes_it(tmp_path: Path) -> None:
    with locked(tmp_path / "out"):
        lock._let_go()  # what runs in the child
    assert [path.name for path in tmp_path.iterdir()] == [".out.lock"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".out.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError), locked(tmp_path / "out"):
        raise AssertionError("not reached")
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.EROFS, "the file system is read-only"), (errno.EACCES, "permission is denied; choose another place")],
)
def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    def refusing(*_: object) -> int:
        raise OSError(number, "as the system puts it")

    monkeypatch.setattr("os.open", refusing)
    with pytest.raises(OSError, match=f"out cannot be written: {says}"), locked(tmp_path / "out"):
        raise AssertionError("not reached")


@pytest.mark.parametrize("out", ["file/run.json", "file/deep/out", "x" * 250])
def test_a_path_that_cannot_be_is_told(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot be written: (a file stands where|its name)"), locked(tmp_path / out):
        raise AssertionError("not reached")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_folders_made_for_a_lock_go_unless_something_was_written(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "b" / "out"):
        pass
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "a" / "b" / "out"):
        (tmp_path / "a" / "kept").touch()
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["a", "a/kept"]
