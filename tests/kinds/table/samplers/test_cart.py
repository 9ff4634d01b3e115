"""Cart: relations between columns survive, values are those of real rows, and parents say which."""

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeRegressor

from gensynth.kinds.table.samplers import cart
from gensynth.kinds.table.samplers.cart import Cart, leaves
from gensynth.kinds.table.tables import from_frame


def fitted(rare, common=None):
    """A sampler for the class 'rare', whose rows come last; the other class has five rows of it if none are given."""
    common = rare.head(5) if common is None else common
    return Cart().fit(from_frame(pd.concat([common.assign(y="common"), rare.assign(y="rare")], ignore_index=True), "y"))


def drawn(rare, common=None, n=2048):
    return fitted(rare, common).sample("rare", n, 0).x.frame


def test_a_relation_that_no_correlation_sees_survives():
    rng = np.random.default_rng(0)
    u, v = rng.uniform(-1, 1, (2, 1000))
    quarter = np.where((u > 0) == (v > 0), "same", "unlike")
    new = drawn(pd.DataFrame({"u": u, "v": v, "quarter": quarter, "square": u**2 + rng.normal(size=1000) / 50}))
    assert abs(np.corrcoef(u, u**2)[0, 1]) < 0.1
    assert np.mean((new["quarter"] == "same") == ((new["u"] > 0) == (new["v"] > 0))) > 0.95
    assert np.median(np.abs(new["square"] - new["u"] ** 2)) < 0.04


def test_missing_values_and_exact_zeros_go_with_what_they_went_with():
    rng = np.random.default_rng(1)
    job = rng.choice(["cook", "nurse", "clerk"], 900)
    income = np.where(job == "cook", np.nan, np.where(job == "nurse", 0.0, rng.lognormal(3, 1, 900)))
    leave = np.where(np.isnan(income), "unknown", "known")
    new = drawn(pd.DataFrame({"job": job, "income": income, "leave": leave}))
    assert (new["income"].isna() == (new["job"] == "cook")).all()
    assert ((new["income"] == 0) == (new["job"] == "nurse")).all()
    assert ((new["leave"] == "unknown") == new["income"].isna()).all()


def test_every_value_is_that_of_its_parent_in_the_order_of_the_table():
    rng = np.random.default_rng(2)
    rare = pd.DataFrame(
        {
            "job": rng.choice(["cook", "nurse"], 200),
            "income": rng.lognormal(3, 1, 200),
            "member": rng.random(200) < 0.3,
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**5, 200), "min"),
            "age": pd.array(rng.integers(18, 90, 200), dtype="Int64"),
        }
    )
    rare.loc[::7, ["job", "income", "age"]] = None
    model = fitted(rare, common=rare.iloc[::-1].head(150))
    new, train = model.sample("rare", 500, 0), model.data_
    parents = np.array([[train.ids.index(name) for name in names] for names in new.parents])
    for j, name in enumerate(rare.columns):
        of_parents = train.x.frame[name].iloc[parents[:, j]].reset_index(drop=True)
        pd.testing.assert_series_equal(new.x.frame[name], of_parents, check_exact=True)
    assert (train.y[parents] == train.classes.index("rare")).all()
    assert np.mean([len(set(row)) > 1 for row in parents.tolist()]) > 0.9, "rows are mixed, not copied"


def test_a_rare_class_keeps_its_own_relations_whatever_the_common_one_does():
    rng = np.random.default_rng(3)
    u, w = rng.normal(size=(2, 4100))
    rare = np.arange(4100) >= 4000
    frame = pd.DataFrame(
        {"u": u, "v": np.where(rare, -u, u) + w / 5, "side": np.where((u > 0) ^ rare, "left", "right")}
    )
    new = drawn(frame[rare], common=frame[~rare])
    assert new["u"].corr(new["v"], "spearman") < -0.85
    assert np.mean((new["side"] == "left") == (new["u"] <= 0)) > 0.9
    assert set(new["v"]) <= set(frame["v"][rare])


def test_values_come_from_evenly_spaced_rows_of_a_class_with_very_many(monkeypatch):
    monkeypatch.setattr(cart, "ROWS_PER_CLASS", 50)
    rare = pd.DataFrame({"u": np.arange(500) / 8, "v": np.arange(500) % 10 / 4})
    model = fitted(rare, common=rare)
    new = model.sample("rare", 2000, 0)
    parents = {int(name) for row in new.parents for name in row}
    assert len(parents) == 50 and (min(parents), max(parents)) == (500, 999)
    assert set(new.x.frame["u"]) == {(parent - 500) / 8 for parent in parents}


@pytest.mark.parametrize("n", [2, 9])
def test_columns_of_a_tiny_class_are_independent(n):
    new = drawn(pd.DataFrame({"u": np.arange(n) * 1.5, "job": [f"job {i}" for i in range(n)]}))
    assert len(new.groupby(["u", "job"])) == n * n


def test_rows_end_in_the_leaf_that_scikit_learn_says():
    rng = np.random.default_rng(4)
    x, z = rng.integers(0, 9, (2, 500, 4)).astype(np.float32)
    model = DecisionTreeRegressor(min_samples_leaf=5, random_state=0).fit(x, rng.normal(size=500))
    nodes = model.tree_
    tree = {"feature": nodes.feature, "threshold": nodes.threshold}
    tree |= {"left": nodes.children_left, "right": nodes.children_right}
    assert np.array_equal(leaves(tree, z), model.apply(z))
