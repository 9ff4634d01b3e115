"""Tests of gensynth.kinds.text.documents."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.kinds.text.documents import array_of, from_documents, plain, whole


def test_a_list_and_a_series_become_documents() -> None:
    data = from_documents(pd.Series(["a b", "c", "d"]), [1, 0, 1], groups=["x", "y", "x"])
    assert data.classes == ("0", "1") and data.y.tolist() == [1, 0, 1] and data.groups == ("x", "y", "x")
    assert data.x[0] == "a b" and data.x[np.array([2, 1])] == ["d", "c"]
    joined = data.subset([2]).join([data.subset([0])])
    assert joined.x[:] == ["d", "a b"] and joined.groups == ("x", "x")


def test_copies_are_told_whatever_their_capitals_blanks_and_forms() -> None:
    same = from_documents(["Caf\u00e9  au lait\n", "cafe\u0301 AU lait", "cafe au lait"], "aab").x.hashes()
    assert same[0] == same[1] != same[2]
    assert plain(" \ufb01ne\tDAY ") == "fine day"


def test_halves_of_characters_are_replaced_and_whole_ones_joined() -> None:
    assert whole("a\ud83d\ude00b") == "a\U0001f600b" and whole("a\ud83db") == "a\ufffdb" and whole("\u05d0") == "\u05d0"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="texts must be str, got float"):
        from_documents(["a", float("nan")], ["x", "y"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="2 texts have 1 labels"):
        from_documents(["a", "b"], ["x"])
    assert array_of(["a", "bc"]).dtype == object
