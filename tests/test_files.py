"""files: whole or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gensynth.files import whole_folder, write_bytes, write_text


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


def test_leftover_of_a_killed_run_is_cleaned(tmp_path: Path) -> None:
    block = whole_folder(tmp_path / "out")
    (block.__enter__() / "stale").write_text("1")
    with whole_folder(tmp_path / "out") as folder:
        assert list(folder.iterdir()) == []
    assert list((tmp_path / "out").iterdir()) == []
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_existing_content_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with whole_folder(tmp_path / "empty") as folder:
        (folder / "a").write_text("1")
    with pytest.raises(FileExistsError, match="remove it"), whole_folder(tmp_path / "empty"):
        raise AssertionError("not reached")
    with pytest.raises(FileExistsError), whole_folder(tmp_path / "empty" / "a"):
        raise AssertionError("not reached")
    assert (tmp_path / "empty" / "a").read_text() == "1"
