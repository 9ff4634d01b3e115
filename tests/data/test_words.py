"""Counts, rows of names, and the nearest known name, as they stand in sentences."""

from __future__ import annotations

import pytest

from gensynth.data.words import counted, did_you_mean, some, some_counts


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


def test_few_names_stand_for_many() -> None:
    assert some("abc") == "a, b, c"
    assert some(range(1000), 4) == "0, 1, 2 and 997 more"
    assert some_counts({"a": 3, "b": 4}) == "a 3, b 4"
    long = some_counts({f"c{i}": i + 1 for i in range(1000)})
    assert long.startswith("1,000 classes, the smallest c0 with 1, the largest c999 with 1000: c0 1,")
    assert len(long) < 300
