"""The sampler with a privacy bound: what it costs is accounted for, and nothing but noisy counts leaves the rows."""

from __future__ import annotations

import sys
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from gensynth.data.labeled import LabeledData
from gensynth.kinds.table import private
from gensynth.kinds.table.public import allowed_rows
from gensynth.kinds.table.samplers.catalog import CATALOG, load_sampler, table_sampler_names
from gensynth.kinds.table.samplers.mst import PrivateTree, joined, nearest, raked
from gensynth.kinds.table.schema import Column, Schema
from gensynth.kinds.table.tables import from_frame

pytest.importorskip("opendp", reason="the extra 'dp' is not installed")


def people(n: int = 1500, seed: int = 0) -> pd.DataFrame:
    rng, ill = np.random.default_rng(seed), np.arange(n) % 3 == 0
    frame = pd.DataFrame(
        {
            "age": np.clip(rng.normal(40 + 20 * ill, 8), 18, 90).astype(int),
            "dose": np.where(rng.random(n) < 0.6, 0.0, rng.gamma(2, 10, n)).round(1),
            "ward": np.where(rng.random(n) < 0.9, np.where(ill, "A", "B"), "C"),
            "day": (pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")).strftime(
                "%d.%m.%Y"
            ),
            "id": np.arange(n) + 7,
            "ill": np.where(ill, "yes", "no"),
        }
    )
    return frame.mask(rng.random(frame.shape) < np.array([0, 0, 0.2, 0.1, 0, 0]))


SCHEMA = Schema(
    "ill",
    (
        Column("age", "integer", "int64", low=18, high=90, decimals=0),
        Column("dose", "numeric", "float64", low=0, high=120, decimals=1, spikes=(0.0,)),
        Column("ward", "categorical", "str", levels=("B", "A", "C", "D"), missing={"no": 0.5}),
        Column(
            "day", "datetime", "str", "2024-01-01", "2024-12-31", format="%d.%m.%Y", unit="day", missing={"no": 0.5}
        ),
        Column("id", "id", "int64", high=9999),
    ),
)


def data(seed: int = 0) -> LabeledData:
    return from_frame(people(seed=seed), "ill", SCHEMA)


@pytest.fixture(scope="module")
def fitted() -> PrivateTree:
    return PrivateTree(50.0, schema=SCHEMA).fit(data())


def test_with_little_noise_rows_are_like_the_real_ones(fitted: PrivateTree) -> None:
    real, new = people(), {name: fitted.sample(name, 1000, 0).x.frame for name in ("no", "yes")}
    assert new["yes"].dtypes.to_dict() == real.drop(columns="ill").dtypes.to_dict()
    for name, rows in real.groupby("ill"):
        assert new[name]["age"].mean() == pytest.approx(rows["age"].mean(), abs=2)
        assert (new[name]["dose"] == 0).mean() == pytest.approx((rows["dose"] == 0).mean(), abs=0.07)
        assert new[name]["dose"].mean() == pytest.approx(rows["dose"].mean(), abs=2.5)
        assert new[name]["day"].isna().mean() == pytest.approx(0.1, abs=0.06)
        shares = [frame["ward"].value_counts(normalize=True, dropna=False) for frame in (rows, new[name])]
        assert (shares[0] - shares[1]).abs().max() < 0.07
    assert pd.to_datetime(new["yes"]["day"].dropna(), format="%d.%m.%Y").dt.month.le(10).mean() > 0.97
    assert new["yes"]["id"].is_unique and new["yes"]["id"].min() > 9999
    assert fitted.class_counts["yes"] == pytest.approx(500, abs=15)


def test_rows_are_a_function_of_file_seed_label_and_number(fitted: PrivateTree, tmp_path: Path) -> None:
    fitted.save(tmp_path / "a.sampler")
    loaded = load_sampler(tmp_path / "a.sampler")
    whole = loaded.sample("no", 300, 3)
    pd.testing.assert_frame_equal(whole.x.frame, fitted.sample("no", 300, 3).x.frame)
    pd.testing.assert_frame_equal(whole.subset(np.arange(290, 300)).x.frame, loaded.sample("no", 10, 3, 290).x.frame)
    assert loaded.bound == fitted.bound and "epsilon = 50, delta = 1e-06, for ONE row" in loaded.bound


def test_nothing_but_noisy_answers_tells_of_the_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the noisy answers held fast, other rows change nothing of what is learned, saved and drawn."""

    def fixed(counts: np.ndarray, tables: int, rho: float) -> np.ndarray:
        return 50.0 + np.arange(len(counts)) % 7

    monkeypatch.setattr("gensynth.kinds.table.samplers.mst.noisy", fixed)
    monkeypatch.setattr("gensynth.kinds.table.samplers.mst.about_highest", lambda scores, rho: 0)
    files = []
    for rows in (data(), data(seed=1).subset(np.arange(40, 1400))):
        PrivateTree(1.0, schema=SCHEMA).fit(rows).save(tmp_path / "a.sampler")
        files.append((tmp_path / "a.sampler").read_bytes())
    assert files[0] == files[1]


def test_what_is_asked_of_the_rows_costs_the_whole_budget_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = []

    def noisy(counts: np.ndarray, tables: int, rho: float) -> np.ndarray:
        assert counts.sum() == tables * 1500, "a row counts once in each table"
        spent.append(tables / (2 * private.deviation(tables, rho) ** 2))
        return counts.astype(float)

    def about_highest(scores: np.ndarray, rho: float) -> int:
        spent.append(rho)
        return int(scores.argmax())

    monkeypatch.setattr("gensynth.kinds.table.samplers.mst.noisy", noisy)
    monkeypatch.setattr("gensynth.kinds.table.samplers.mst.about_highest", about_highest)
    PrivateTree(2.0, 1e-5, schema=SCHEMA).fit(data())
    rho = private.budget_of(2.0, 1e-5)
    assert len(spent) == 1 + 3 + 1 and rho * (1 - 1e-6) < sum(spent) <= rho * (1 + 1e-10)


@pytest.mark.parametrize("epsilon", [0.5, 3.0, 10.0])
def test_the_budget_is_within_known_bounds(epsilon: float) -> None:
    """Tighter than Bun and Steinke's proposition 1.3, rho + 2 sqrt(rho ln 1/delta), and no Gaussian could do better."""
    from scipy.stats import norm

    rho, delta = private.budget_of(epsilon, 1e-6), 1e-6
    assert rho + 2 * sqrt(rho * np.log(1 / delta)) > epsilon
    m = sqrt(2 * rho)  # the exact delta of one Gaussian (Balle & Wang 2018)
    exact = brentq(lambda e: norm.cdf(m / 2 - e / m) - np.exp(e) * norm.cdf(-m / 2 - e / m) - delta, 1e-3, 50)
    assert exact < epsilon


def test_noise_is_as_large_as_it_is_said_to_be() -> None:
    found = private.noisy(np.full(4000, 100), tables=9, rho=0.5)
    assert (found == np.round(found)).all() and found.mean() == pytest.approx(100, abs=0.25)
    assert found.std() == pytest.approx(private.deviation(9, 0.5), rel=0.06) == pytest.approx(3, rel=0.06)
    scores = np.array([0.0, 10.0, 9.0])
    assert private.about_highest(scores, rho=50.0) == 1
    assert len({private.about_highest(scores, rho=1e-3) for _ in range(60)}) == 3


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (Column("age", "integer", "int64", low=18), "'age' has no low or no high in the schema"),
        (Column("age", "numeric", "float64", low=float("-inf"), high=9), "no low or no high"),
        (Column("age", "categorical", "str"), "'age' has no levels in the schema"),
        (Column("age", "categorical", "int64", levels=("a",)), "is no int64, as the schema says"),
    ],
)
def test_a_schema_that_does_not_say_enough_is_refused(column: Column, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        allowed_rows(Schema("ill", (column,)))


def test_what_no_bound_covers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from gensynth.kinds.table.rules import Rule

    with pytest.raises(ValueError, match="mst needs a schema"):
        PrivateTree().fit(data())
    with pytest.raises(ValueError, match="delta must be below 1 / .number of rows. = 0.00067, got 0.001"):
        PrivateTree(delta=1e-3, schema=SCHEMA).fit(data())
    with pytest.raises(ValueError, match="takes combinations from real rows, which no bound covers"):
        allowed_rows(replace(SCHEMA, rules=(Rule("fixed_combinations", ("ward", "day")),)))
    assert "mst" not in table_sampler_names() and CATALOG.get("mst") is PrivateTree
    with pytest.raises(ValueError, match="sampler 'mst' gives a privacy bound; 'gensynth synthesize --epsilon'"):
        CATALOG.made("mst", None, ())
    monkeypatch.setitem(sys.modules, "opendp", None)
    with pytest.raises(ModuleNotFoundError, match="needs OpenDP.*gensynth.dp."):
        PrivateTree(schema=SCHEMA).fit(data())


def test_counts_are_mended() -> None:
    assert nearest(np.array([5.0, -3.0, 1.0]), 4.0) == pytest.approx([4, 0, 0])
    assert nearest(np.array([1.0, 1.0]), 4.0) == pytest.approx([2, 2])
    table = raked(np.array([[4.0, 0.0], [1.0, 1.0]]), np.array([6.0, 4.0]), np.array([7.0, 3.0]))
    assert table.sum(axis=1) == pytest.approx([6, 4]) and table.sum(axis=0) == pytest.approx([7, 3])
    assert (table > 0).all() and table[0, 1] < 0.1
    level = joined(np.array([2.0, 9.0, 1.0, 1.0, 20.0, 3.0, 1.0, 30.0]), bins=5, least=5)
    assert level.tolist() == [0, 0, 1, 1, 1, 3, 3, 2]
