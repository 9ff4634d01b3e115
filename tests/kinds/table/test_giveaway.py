"""Columns that alone give the label away."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
