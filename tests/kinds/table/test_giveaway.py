"""Columns that alone give the label away, and lines that stay short."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.data.words import did_you_mean, some, some_counts
from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.giveaway import giveaways

N = 400
RNG = np.random.default_rng(0)
RARE = RNG.random(N) < 0.1


def named(**columns: object) -> set[object]:
    frame = pd.DataFrame({**columns, "y": np.where(RARE, "b", "a")})
    return set(giveaways(frame.drop(columns="y"), RARE.astype(np.int64), detect_schema(frame, "y")))


def test_columns_that_tell_all_are_named_and_others_are_not() -> None:
    noise = RNG.normal(size=N)
    assert named(
        copy=np.where(RARE, 3.0, 4.0),
        times=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.where(RARE, 900, 0) + RNG.integers(0, 99, N), "D"),
        gone=np.where(RARE, np.nan, noise),
        key=[f"{'x' if r else 'k'}{i:04}" for i, r in enumerate(RARE)],
        noise=noise,
        hint=noise + 2 * RARE,
        many=RNG.permutation(N),
        words=RNG.choice(list("abcdefgh"), N),
        same=["s"] * N,
    ) == {"copy", "times", "gone", "key"}


def test_a_class_of_one_row_is_never_guessed() -> None:
    x = pd.DataFrame({"x": [1.0] * 30 + [2.0], "z": np.arange(31.0) % 7})
    schema = detect_schema(x.assign(y=[0] * 30 + [1]), "y")
    assert giveaways(x, np.array([0] * 30 + [1]), schema) == {}


def test_few_names_stand_for_many() -> None:
    assert some("abc") == "a, b, c"
    assert some(range(1000), 4) == "0, 1, 2 and 997 more"
    assert some_counts({"a": 3, "b": 4}) == "a 3, b 4"
    long = some_counts({f"c{i}": i + 1 for i in range(1000)})
    assert (
        long.startswith("1,000 classes, the smallest c0 with 1, the largest c999 with 1000: c0 1,") and len(long) < 300
    )


@pytest.mark.parametrize(("word", "hint"), [("Fruad", "fraud"), ("FRAUD", "fraud"), ("xyz", "")])
def test_did_you_mean(word: str, hint: str) -> None:
    assert did_you_mean(word, ["fraud", "fine"]) == (f" Did you mean '{hint}'?" if hint else "")
