"""GaussianCopula: closed forms, and what the copula, the trees and the mixture all keep of a table."""

import numpy as np
import pandas as pd
import pytest

from gensynth.kinds.table.samplers.cart import Cart
from gensynth.kinds.table.samplers.copula import GaussianCopula, correlation, factor
from gensynth.kinds.table.samplers.mixture import MixedMixture
from gensynth.kinds.table.samplers.ranks import scores
from gensynth.kinds.table.tables import from_frame

ALL = pytest.mark.parametrize("sampler", [GaussianCopula, Cart, MixedMixture])


def drawn(sampler, frame, n=4096, label="a", seed=0):
    return sampler.fit(from_frame(frame.assign(y=frame.get("y", "a")), "y")).sample(label, n, seed).x.frame


def two_classes(**columns):
    """A table of the class 'a', and three rows of another class."""
    frame = pd.DataFrame(columns)
    return pd.concat([frame.assign(y="a"), frame.head(3).assign(y="b")], ignore_index=True)


def mixed(n=600):
    rng = np.random.default_rng(0)
    z = rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "amount": np.where(rng.random(n) < 0.7, 0.0, np.exp(z)).round(2),
            "age": np.clip(40 + 12 * z, 18, 90).astype(int),
            "income": np.where(rng.random(n) < 0.2, np.nan, 50 + 20 * z),
            "job": np.where(z > 1, "nurse", rng.choice(["clerk", "cook"], n)),
            "seen": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**6, n), "min"),
            "y": np.where(np.arange(n) < 500, "a", "b"),
        }
    )
    frame.loc[rng.choice(500, 20, replace=False), "job"] = "pilot"
    frame.loc[frame["y"] == "b", "income"] = np.where(rng.random(100) < 0.6, np.nan, 10.0 + rng.random(100))
    return frame


@ALL
@pytest.mark.parametrize("label", ["a", "b"])
def test_spikes_missing_values_levels_and_bounds_are_those_of_the_class(sampler, label):
    frame = mixed()
    real = frame[frame["y"] == label].drop(columns="y")
    new = drawn(sampler(), frame, 8192, label)  # a share is then known to within 0.02 by four standard errors
    assert new.dtypes.equals(real.dtypes) and list(new) == list(real)
    assert abs((new["amount"] == 0).mean() - (real["amount"] == 0).mean()) < 0.02
    assert abs(new["income"].isna().mean() - real["income"].isna().mean()) < 0.02
    shares = new["job"].value_counts(normalize=True) - real["job"].value_counts(normalize=True)
    assert shares.abs().max() < 0.03, "every level occurs, as often as it should"
    for name in ("amount", "age", "income", "seen"):
        assert real[name].min() <= new[name].min() and new[name].max() <= real[name].max()


@ALL
def test_ages_are_distributed_as_in_the_class(sampler):
    frame = mixed()
    real, new = frame[frame["y"] == "a"]["age"], drawn(sampler(), frame)["age"]
    at = np.arange(18, 91)
    apart = np.abs(np.searchsorted(np.sort(real), at) / len(real) - np.searchsorted(np.sort(new), at) / len(new))
    assert apart.max() < 0.04


@ALL
def test_columns_of_one_kind_only(sampler):
    rng = np.random.default_rng(0)
    numbers = two_classes(u=rng.normal(size=50), v=rng.normal(size=50))
    names = two_classes(u=rng.choice(["k", "l", "m"], 50), v=rng.choice([True, False], 50))
    for frame in (numbers, names):
        assert len(drawn(sampler(), frame, 300)) == 300


def test_independent_columns_stay_independent():
    rng = np.random.default_rng(1)
    frame = two_classes(u=rng.normal(size=2000), v=rng.exponential(size=2000), w=rng.choice(["k", "l", "m"], 2000))
    new = drawn(GaussianCopula(), frame)
    ranks = new.assign(w=new["w"].map({"k": 0, "l": 1, "m": 2})).corr("spearman").to_numpy()
    assert np.abs(ranks - np.eye(3)).max() < 0.06


def test_perfectly_correlated_columns_stay_so():
    x = np.random.default_rng(2).normal(size=500)
    new = drawn(GaussianCopula(), two_classes(u=x, v=np.exp(x), w=-x))
    assert new["u"].corr(new["v"], "spearman") > 0.99 and new["u"].corr(new["w"], "spearman") < -0.99


def test_the_correlation_of_a_normal_distribution_is_found_through_ties_and_gaps():
    rng = np.random.default_rng(3)
    z = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 20_000)
    spiked = np.where(z[:, 0] < 0.5, 0.0, z[:, 0])
    rounded = np.where(rng.random(20_000) < 0.3, np.nan, np.round(z[:, 1]))
    found = correlation(np.stack([scores(spiked), scores(rounded)], axis=1))
    assert abs(found[0, 1] - 0.6) < 0.05
    assert abs(np.corrcoef(spiked, z[:, 1])[0, 1] - 0.6) > 0.05, "which a plain correlation misses"


def test_a_relation_of_names_is_kept():
    rng = np.random.default_rng(4)
    city = rng.choice(["Graz", "Linz", "Wien", "Bonn"], 1000)
    country = np.where(city == "Bonn", "D", "A")
    new = drawn(GaussianCopula(), two_classes(city=city, country=country, u=rng.normal(size=1000)))
    agree = (new["city"] == "Bonn") == (new["country"] == "D")
    independent = 0.25 * 0.25 + 0.75 * 0.75
    assert agree.mean() > 0.9 > independent


def test_missing_values_that_depend_on_another_column_still_do():
    rng = np.random.default_rng(5)
    u = rng.normal(size=2000)
    new = drawn(GaussianCopula(), two_classes(u=u, v=np.where(u > 1, np.nan, rng.normal(size=2000))))
    gap = new["v"].isna()
    assert new["u"][gap].mean() - new["u"][~gap].mean() > 1.2


def test_factor_gives_unit_variances_to_impossible_correlations():
    impossible = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    made = factor(impossible)
    assert np.allclose(np.diag(made @ made.T), 1)
    possible = np.array([[1, 0.5], [0.5, 1]])
    assert np.allclose(factor(possible) @ factor(possible).T, possible)
