"""files: whole or nothing."""

from __future__ import annotations

import errno
import secrets
from pathlib import Path

import pytest

from gensynth.data.files import check_count, discard, refuse_inside, whole_folder, write_bytes, write_text


def test_write_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_text(path, "old")
    write_text(path, "nü\r\n")
    assert path.read_bytes() == "nü\r\n".encode()
    write_bytes(path, b"\x00")
    assert [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_appears_only_when_complete(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with whole_folder(out) as folder:
        (folder / "a").write_text("1")
        assert not out.exists() and folder.parent == out.parent
    assert (out / "a").read_text() == "1"
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failed_folder_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), whole_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("1")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_run_are_cleaned(tmp_path: Path) -> None:
    block = whole_folder(tmp_path / "out")
    (block.__enter__() / "stale").write_text("1")
    (tmp_path / ".out.json.0123abcd.partial").write_text("half")
    (tmp_path / ".gone.0123abcd.partial").write_text("half")
    (tmp_path / ".out.mine.partial").write_text("of somebody else")
    with whole_folder(tmp_path / "out") as folder:
        assert list(folder.iterdir()) == []
    write_text(tmp_path / "out.json", "whole")
    discard(tmp_path / "gone")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".out.mine.partial", "out", "out.json"]


def test_a_link_laid_in_wait_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "precious").write_text("mine")

    def guessed(n: int) -> str:
        (tmp_path / ".out.00000000.partial").symlink_to(tmp_path / "precious")
        return "00000000"

    monkeypatch.setattr(secrets, "token_hex", guessed)
    with pytest.raises(FileExistsError):
        write_bytes(tmp_path / "out", b"theirs")
    with pytest.raises(FileExistsError), whole_folder(tmp_path / "out"):
        raise AssertionError("not reached")
    assert (tmp_path / "precious").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["precious"]


def test_a_full_disk_is_told_with_the_name_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"a\.bin cannot be written: the disk is full; make room"):
        write_bytes(tmp_path / "a.bin", b"new")
    with pytest.raises(OSError, match=r"out cannot be written: the disk is full"), whole_folder(tmp_path / "out") as f:
        write_bytes(f / "a.bin", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_lost_files_does_not_look_whole(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="2 files were written and 1 are there"), whole_folder(tmp_path / "out") as folder:
        write_text(folder / "class" / "a", "1")
        check_count(folder, 2)
    assert list(tmp_path.iterdir()) == []


def test_outputs_do_not_lie_among_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "cats").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data")
    for out in ("run", ".", "cats/run", "../data/run"):
        with pytest.raises(ValueError, match="choose a folder beside it"):
            refuse_inside(Path(out), "builtin:digits", ".")
    with pytest.raises(ValueError, match="data_run"):
        refuse_inside(Path(), ".")
    with pytest.raises(ValueError, match="lies in /"):
        refuse_inside(Path("/"), "/")
    with pytest.raises(ValueError, match="--keep_arms run lies in"):
        refuse_inside(Path("run"), ".", option="--keep_arms")
    refuse_inside(Path("../data_run"), ".", None, "missing")


def test_existing_content_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with whole_folder(tmp_path / "empty") as folder:
        (folder / "a").write_text("1")
    with pytest.raises(FileExistsError, match="remove it"), whole_folder(tmp_path / "empty"):
        raise AssertionError("not reached")
    with pytest.raises(FileExistsError), whole_folder(tmp_path / "empty" / "a"):
        raise AssertionError("not reached")
    assert (tmp_path / "empty" / "a").read_text() == "1"
