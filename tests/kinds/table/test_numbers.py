"""Entries of a column, each looked at once."""

from __future__ import annotations

import pandas as pd
import pytest

from gensynth.kinds.table.numbers import different, different_texts
from gensynth.kinds.table.rows import row_hashes
from gensynth.kinds.table.schema import Column, Schema


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_missing_entries_are_none_of_the_different_ones(dtype: str) -> None:
    codes, found = different(pd.Series(["b", None, "a", "b"], dtype=object).astype(dtype))
    assert codes.tolist() == [0, -1, 1, 0] and found.tolist() == ["b", "a"] and found.dtype == object


def test_what_differs_as_text_is_different() -> None:
    codes, texts = different_texts(pd.Series([1, True, "1", None, 1.0], dtype=object))
    assert [texts[code] for code in codes[[0, 1, 2, 4]]] == ["1", "True", "1", "1.0"] and codes[3] == -1


def test_equal_rows_have_equal_hashes_whatever_holds_them() -> None:
    schema = Schema("y", (Column("a", "categorical", "object"), Column("n", "numeric", "float64")))
    frame = pd.DataFrame({"a": pd.Series(["x", None, "", "x"], dtype=object), "n": [0.0, 1.0, 1.0, -0.0]})
    plain = row_hashes(frame, schema)
    assert plain[0] == plain[3] != plain[1] == plain[2] and {len(content) for content in plain} == {8}
    for dtype in ("string", "category"):
        assert row_hashes(frame.astype({"a": dtype}), schema) == plain
    assert row_hashes(frame.iloc[[2, 0]], schema) == (plain[2], plain[0])
