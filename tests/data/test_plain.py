"""Plain values from files: what does not fit its type is refused by place, and so is what would fill the memory."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gensynth.data import plain
from gensynth.data.plain import check_recipe, read_json, typed


@dataclass(frozen=True)
class Point:
    x: float
    name: Hashable
    sizes: tuple[int, ...] = ()
    pair: tuple[float, float] | None = None
    kind: Literal["a", "b"] = "a"


class Entry(TypedDict):
    points: list[Point]
    more: dict[str, Any]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(values)
def test_anything_is_read_or_refused_by_one_kind_of_error(value: Any) -> None:
    for hint in (Point, Entry, int, float | str | None, NDArray[np.float64], tuple[str, ...], dict[str, int]):
        try:
            typed(hint, value)
        except ValueError as error:
            assert "must be" in str(error) or "no entry" in str(error) or "unknown entry" in str(error)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    point = Point(1.5, "p", (1, 2), (0.0, float("inf")), "b")
    (tmp_path / "p.json").write_text("\ufeff" + json.dumps(asdict(point)), encoding="utf-8")  # as Notepad saves it
    assert read_json(tmp_path / "p.json", Point, "a point", "x") == point
    assert typed(Entry, {"points": [{"x": 1, "name": 3}], "more": {}}) == {"points": [Point(1, 3)], "more": {}}
    assert np.array_equal(typed(NDArray[np.float64], [1, None]), [1, np.nan], equal_nan=True)
    assert typed(NDArray[np.bool_], [True]).dtype == bool


@pytest.mark.parametrize(
    ("hint", "value", "says"),
    [
        (Point, [], "it is [], and must be an object with named entries"),
        (Point, {"x": 1}, "it has no entry 'name'"),
        (Point, {"x": 1, "name": "a", "y": 2}, "it has the unknown entry 'y'; known are x, name"),
        (Point, {"x": "1", "name": "a"}, "x is '1', and must be a number"),
        (Point, {"x": True, "name": "a"}, "x is True, and must be a number"),
        (Point, {"x": 10**400, "name": "a"}, "and must be a number"),
        (Point, {"x": 1, "name": None}, "name is None, and must be text or a whole number"),
        (Point, {"x": 1, "name": "a", "sizes": [1, 2.5]}, "sizes[1] is 2.5, and must be a whole number"),
        (Point, {"x": 1, "name": "a", "pair": [1]}, "pair is a list of 1, and must be one of 2"),
        (Point, {"x": 1, "name": "a", "kind": "c"}, "kind is 'c', and must be one of 'a', 'b'"),
        (Entry, {"points": [{"x": {}, "name": 0}], "more": {}}, "points[0].x is {}"),
        (NDArray[np.bool_], [True, 1], "it[1] is 1, and must be true or false"),
        (dict[str, int], {"a": 1.5}, "it['a'] is 1.5"),
    ],
)
def test_the_place_is_named(hint: Any, value: Any, says: str) -> None:
    with pytest.raises(ValueError) as refused:
        typed(hint, value)
    assert says in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "9" * 5000, "[" * 60 + "]" * 60, '"'])
def test_a_file_that_is_no_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match=r"x.json' is not a point: .*; measure again\."):
        read_json(tmp_path / "x.json", Point, "a point", "measure again")


def test_no_file_other_text_and_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_json(tmp_path, Point, "a point", "x")
    (tmp_path / "x.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="it is not text in UTF-8"):
        read_json(tmp_path / "x.json", Point, "a point", "x")
    monkeypatch.setattr(plain, "MOST_BYTES", 1)
    with pytest.raises(ValueError, match="allowed are"):
        read_json(tmp_path / "x.json", Point, "a point", "x")


def test_yaml_that_fills_the_memory_is_refused_before_it_is_read() -> None:
    check_recipe("model: {width: [1, 2]}\n# a comment with *stars* and & signs\nname: 'a *b'\n")
    laughs = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcd", "bcde", strict=True))
    with pytest.raises(ValueError, match="must not hold aliases, and this one has '\\*a'"):
        check_recipe(laughs)
    with pytest.raises(ValueError, match="levels deep"):
        check_recipe("a: " + "[" * 5000)
    with pytest.raises(ValueError, match="may have 1 MB"):
        check_recipe("#" * 1_000_001)
