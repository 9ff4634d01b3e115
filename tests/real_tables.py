"""Tables as people have them, for tests of what is checked against real rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

from gensynth.data.labeled import LabeledData
from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.tables import from_frame


def cancer() -> LabeledData:
    frame = load_breast_cancer(as_frame=True).frame
    frame["target"] = np.where(frame["target"] == 0, "malignant", "benign")
    return from_frame(frame, "target")


def claims(n: int = 900, seed: int = 0) -> LabeledData:
    """A mixed table: 12 % fraud, an id, a date as text, spikes, missing values, a rule."""
    rng = np.random.default_rng(seed)
    fraud = rng.random(n) < 0.12
    income = np.exp(rng.normal(10 + 0.8 * fraud, 0.5))
    paid = np.where(rng.random(n) < 0.4, 0.0, income * rng.uniform(0.01, 0.2, n))
    day = np.datetime64("2024-01-01") + rng.integers(0, 300, n)
    frame = pd.DataFrame(
        {
            "claim_id": [f"c{i}" for i in rng.permutation(n)],
            "income": income.round(2),
            "paid": paid.round(2),
            "age": pd.array(rng.integers(18, 90, n), dtype="Int64"),
            "visits": rng.poisson(2 + 3 * fraud),
            "when": pd.Series(day).dt.strftime("%Y-%m-%d"),
            "region": pd.Categorical(rng.choice(["north", "south", "east", "west"], n, p=[0.5, 0.3, 0.15, 0.05])),
            "channel": np.where(rng.random(n) < 0.3 + 0.5 * fraud, "web", "office"),
            "insured": rng.random(n) < 0.7,
            "country": "here",
        }
    )
    frame["plan"] = np.where(frame["insured"], np.where(income > np.median(income), "gold", "basic"), "none")
    frame.loc[rng.random(n) < 0.1, "age"] = pd.NA
    frame["fraud"] = np.where(fraud, "yes", "no")
    data = from_frame(frame, "fraud")
    schema = replace(data.x.schema, rules=(Rule("inequality", ("paid", "income")),))
    return replace(data, x=replace(data.x, schema=schema))


def few_levels(n: int, seed: int = 0) -> LabeledData:
    """A table of few different rows."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.3
    columns = {f"q{i}": np.where(rng.random(n) < 0.3 + 0.3 * y * (i % 2), "yes", "no") for i in range(4)}
    columns["mood"] = rng.choice(list("abc"), n, p=[0.6, 0.3, 0.1])
    return from_frame(pd.DataFrame({**columns, "y": np.where(y, "pos", "neg")}), "y")


def parts_of(data: LabeledData, seed: int = 0) -> tuple[LabeledData, LabeledData, LabeledData]:
    """Half for training, a quarter held out, a quarter as fresh rows."""
    order, n = np.random.default_rng(seed).permutation(len(data)), len(data)
    return tuple(data.subset(at) for at in np.split(order, [n // 2, 3 * n // 4]))
