"""Weights in folders: found, and hashed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gensynth.data.weights import check_hash, hash_of, local_folder, stamps


def test_the_hash_is_of_names_and_contents(tmp_path: Path) -> None:
    def now() -> str:
        return hash_of(tmp_path, stamps(tmp_path, ["a", "b", "missing"]))

    (tmp_path / "a").write_text("1")
    first = now()
    (tmp_path / "c").write_text("not asked for")
    assert now() == first
    (tmp_path / "a").rename(tmp_path / "b")
    assert now() != first
    (tmp_path / "b").rename(tmp_path / "a")
    assert now() == first
    (tmp_path / "a").write_text("2")
    assert now() != first


def test_others_are_refused() -> None:
    check_hash("here", "1234", "")
    check_hash("here", "1234", "1234")
    with pytest.raises(
        FileNotFoundError, match=r"the folder 'here' should hold .* sha256 12, and holds others \(1234\)"
    ):
        check_hash("here", "1234", "12")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    assert local_folder(str(tmp_path)) == tmp_path
    with pytest.raises(FileNotFoundError, match="there is no folder 'no/such/one', .* with sha256 12; .*with --get it"):
        local_folder("no/such/one", "12", "--get it")
