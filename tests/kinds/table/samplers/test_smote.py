"""TableSmote: what raw SMOTE gets wrong on tables is right; every variant keeps the contract."""

import numpy as np
import pandas as pd
import pytest
from imblearn.combine import SMOTEENN

from gensynth.kinds.table.samplers.smote import VARIANTS, TableSmote
from gensynth.kinds.table.tables import from_frame

N, RARE = 1500, 200


def table(seed=0):
    """Mixed types; the class 'rare' differs a little in everything."""
    rng = np.random.default_rng(seed)
    rare = np.arange(N) < RARE
    z = rng.normal(size=N) + rare
    frame = pd.DataFrame(
        {
            "amount": np.where(rng.random(N) < 0.6, 0.0, np.exp(z)).round(2),
            "age": np.clip(40 + 10 * z + 5 * rng.normal(size=N), 18, 90).astype(int),
            "kids": rng.poisson(1.3, N),
            "flag": rng.random(N) < 0.5,
            "job": rng.choice(["clerk", "cook", "nurse"], N),
            "income": np.where(rng.random(N) < 0.1 + 0.2 * rare, np.nan, 50 + 20 * z + rng.normal(size=N)),
            "visits": pd.array(rng.integers(0, 60, N), dtype="Int64"),
            "seen": pd.Timestamp("2020-01-01", tz="Europe/Vienna") + pd.to_timedelta(rng.integers(0, 10**6, N), "min"),
            "y": np.where(rare, "rare", "common"),
        }
    )
    frame.loc[rng.choice(RARE, 4, replace=False), "job"] = "pilot"  # 2 % of the class
    frame.loc[rng.random(N) < 0.15, "visits"] = pd.NA
    return frame


@pytest.fixture(scope="module")
def real():
    frame = table()
    return frame[frame["y"] == "rare"].drop(columns="y")


@pytest.fixture(scope="module")
def drawn():
    return TableSmote().fit(from_frame(table(), "y")).sample("rare", 4096, seed=1).x.frame


def test_whole_numbers_are_rounded_to_the_nearest(real, drawn):
    assert (real[["age", "kids"]].mean() - drawn[["age", "kids"]].mean()).abs().max() < 0.15
    assert drawn["age"].dtype == real["age"].dtype and drawn["visits"].dtype == real["visits"].dtype


def test_truth_values_keep_their_rate(real, drawn):
    assert abs(drawn["flag"].mean() - real["flag"].mean()) < 0.03
    assert drawn["flag"].dtype == bool


def test_text_is_levels_and_a_rare_level_keeps_its_share(real, drawn):
    shares = drawn["job"].value_counts(normalize=True)
    assert set(shares.index) == set(real["job"])
    assert (shares - real["job"].value_counts(normalize=True)).abs().max() < 0.03
    assert 0.013 < shares["pilot"] < 0.027


def test_missing_values_are_accepted_and_keep_the_rate_of_the_class(real, drawn):
    frame = table()
    for column in ("income", "visits"):
        assert abs(drawn[column].isna().mean() - real[column].isna().mean()) < 0.03
    assert drawn["income"].isna().mean() > frame["income"].isna().mean() + 0.1


def test_times_are_interpolated_in_their_zone(real, drawn):
    assert drawn["seen"].dtype == real["seen"].dtype
    assert drawn["seen"].between(real["seen"].min(), real["seen"].max()).all()
    assert not drawn["seen"].isin(real["seen"]).all()


def test_spikes_stay_exact(real, drawn):
    assert abs((drawn["amount"] == 0).mean() - (real["amount"] == 0).mean()) < 0.02
    ordinary = real["amount"][real["amount"] > 0]
    assert drawn["amount"][drawn["amount"] > 0].between(ordinary.min(), ordinary.max()).all()


def test_a_number_that_would_round_to_a_spike_does_not_become_one():
    hours = np.r_[np.full(60, 40), np.tile([36, 38, 42, 44, 30, 50, 20, 60], 5), np.arange(15, 65)]
    frame = pd.DataFrame({"hours": hours, "x": np.linspace(0, 1, 150), "y": ["a", "b"] * 75})
    sampler = TableSmote().fit(from_frame(frame, "y"))
    drawn = sampler.sample("a", 4096, seed=0).x.frame["hours"]
    assert sampler.data_.x.schema.column("hours").spikes == (40.0,)
    assert abs((drawn == 40).mean() - (frame["hours"][::2] == 40).mean()) < 0.03


def test_neighbours_are_searched_on_comparable_scales():
    rng = np.random.default_rng(0)
    side = np.repeat([0.0, 1.0], 60)
    frame = pd.DataFrame({"side": side + rng.normal(0, 0.01, 120), "euro": rng.normal(0, 1e6, 120)})
    frame["y"] = np.tile(["a", "b"], 60)
    drawn = TableSmote().fit(from_frame(frame, "y")).sample("a", 440, seed=0).x.frame
    assert drawn["side"].between(0.2, 0.8).mean() < 0.02  # 0.2 and more where euros count as they are


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_few_rows_are_enough(rows):
    frame = table().iloc[RARE - rows :]
    more, y = TableSmote().fit_resample(frame.drop(columns="y"), frame["y"])
    assert (y == "rare").sum() == (y == "common").sum() == N - RARE


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_gives_valid_rows_between_their_parents(variant, real):
    data = from_frame(table(), "y")
    sampler = TableSmote(variant).fit(data)
    made = sampler.sample("rare", 300, seed=3)
    assert (made.x.frame.dtypes == data.x.frame.dtypes).all()
    row = {name: at for at, name in enumerate(data.ids)}
    a, b = (data.x.frame.iloc[[row[pair[side]] for pair in made.parents]].reset_index(drop=True) for side in (0, 1))
    assert all(data.y[row[name]] == made.y[0] for pair in made.parents for name in pair)
    for column in ("job", "flag"):
        assert ((made.x.frame[column] == a[column]) | (made.x.frame[column] == b[column])).all()
    age = made.x.frame["age"].to_numpy()
    low, high = np.minimum(a["age"], b["age"]), np.maximum(a["age"], b["age"])
    out = 0.5 * (high - low) + 0.5 if variant == "svm" else 0  # it goes beyond safe rows
    assert (age >= low - out).all() and (age <= high + out).all()


@pytest.mark.parametrize("variant", ["auto", "smoteenn", "svm"])
def test_a_row_depends_on_its_number_not_on_what_else_is_drawn(variant):
    data = from_frame(table(), "y")
    whole = TableSmote(variant).fit(data).sample("rare", 300, seed=5)
    other = TableSmote(variant).fit(data)
    other.sample("rare", 10, seed=6)
    part = other.sample("rare", 50, seed=5, start=240)
    pd.testing.assert_frame_equal(part.x.frame, whole.x.frame[240:290].reset_index(drop=True))
    assert part.parents == whole.parents[240:290]


def test_auto_takes_what_the_columns_are():
    numbers = table()[["age", "kids", "seen", "y"]]
    levels = table()[["job", "flag", "y"]].assign(more=list("abc") * (N // 3))
    for frame, variant in ((numbers, "smote"), (table(), "smotenc"), (levels, "smoten")):
        data = from_frame(frame, "y")
        auto, named = (TableSmote(v).fit(data).sample("rare", 50, seed=0).x.frame for v in ("auto", variant))
        pd.testing.assert_frame_equal(auto, named)


def test_levels_only_keep_their_shares():
    frame = table()[["job", "flag", "y"]].assign(more=list("abc") * (N // 3))
    real, drawn = frame[:RARE], TableSmote().fit(from_frame(frame, "y")).sample("rare", 4096, seed=0).x.frame
    for column in drawn:
        shares = drawn[column].value_counts(normalize=True) - real[column].value_counts(normalize=True)
        assert shares.abs().max() < 0.03


def test_borderline_and_adasyn_start_near_the_other_class():
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(0, 1, 300), rng.normal(3, 1, 60)]
    frame = pd.DataFrame({"x": x, "z": rng.normal(size=360), "y": ["common"] * 300 + ["rare"] * 60})
    data = from_frame(frame, "y")
    variants = ("smote", "borderline", "adasyn", "smoteenn")
    means = {v: TableSmote(v).fit(data).sample("rare", 512, seed=0).x.frame["x"].mean() for v in variants}
    assert means["borderline"] < means["smote"] - 0.5 and means["adasyn"] < means["smote"] - 0.5
    assert means["smoteenn"] > means["smote"] + 0.1  # what other rows contradict is gone


def test_cleaning_leaves_real_rows_alone():
    frame = table()
    x, y = frame[["age", "kids", "amount"]], frame["y"]
    assert len(SMOTEENN(random_state=0).fit_resample(x, y)[0]) < 2 * (N - RARE)
    more, labels = TableSmote("smoteenn").fit_resample(x, y)
    pd.testing.assert_frame_equal(more[:N], x)
    assert (labels == "rare").sum() == N - RARE


def test_a_variant_that_finds_no_place_says_so():
    frame = pd.DataFrame({"x": np.r_[np.linspace(0, 1, 50), np.linspace(100, 101, 50)], "y": ["a"] * 50 + ["b"] * 50})
    for variant in ("borderline", "adasyn"):
        with pytest.raises(ValueError, match=f"'{variant}'.*'a'.*auto"):
            TableSmote(variant).fit(from_frame(frame, "y")).sample("a", 5, seed=0)


@pytest.mark.parametrize(
    "settings, message",
    [({"variant": "smot"}, "smotenc"), ({"k_neighbors": 0}, "at least 1"), ({"variant": "smoten"}, "levels")],
)
def test_settings_are_checked_before_work_starts(settings, message):
    with pytest.raises(ValueError, match=message):
        TableSmote(**settings).fit(from_frame(table()[["age", "kids", "y"]], "y"))


def test_a_large_class_is_searched_in_part(monkeypatch):
    monkeypatch.setattr("gensynth.kinds.table.samplers.smote.LARGEST", 100)
    data = from_frame(table(), "y")
    made = TableSmote().fit(data).sample("rare", 1000, seed=0)
    assert len({name for pair in made.parents for name in pair}) <= 100
