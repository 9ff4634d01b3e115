"""Counts, rows of names, and the nearest known name, as they stand in sentences."""

from __future__ import annotations

import pytest

from gensynth.data.words import counted, did_you_mean


def test_one_is_not_many() -> None:
    assert [counted(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert [counted(n, "image is blank", "images are blank") for n in (1, 2)] == [
        "1 image is blank",
        "2 images are blank",
    ]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("1", "1.0"), ("0.00", "0"), (" YES", "yes"), ("yse", "yes"), ("nothing like it", None)],
)
def test_the_nearest_name_is_suggested(word: str, meant: str | None) -> None:
    assert did_you_mean(word, ["0", "1.0", "yes", "bananas"]) == (f" Did you mean {meant!r}?" if meant else "")
