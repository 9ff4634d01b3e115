"""Rows around given cells: these stand as they were, the rest goes with them, and what cannot be is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.catalog import get_table_sampler, load_sampler, table_sampler_names
from gensynth.kinds.table.schema import Schema
from gensynth.kinds.table.tables import from_frame

ABLE = [name for name in table_sampler_names() if get_table_sampler(name).conditions]


def staff(n: int = 900, seed: int = 0) -> pd.DataFrame:
    """Pay and shift go with the job, pension with the age, and missing pay with unpaid work."""
    rng = np.random.default_rng(seed)
    job = rng.choice(["cook", "nurse", "clerk"], n)
    age = rng.integers(18, 80, n)
    return pd.DataFrame(
        {
            "staff_id": np.arange(n) + 100,
            "pay": np.where(job == "cook", np.nan, np.where(job == "nurse", 0.0, rng.lognormal(3, 0.3, n)).round(2)),
            "since": (pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 90, n), "D")).strftime("%d.%m.%Y"),
            "pension": np.where(age > 60, "yes", "no"),
            "age": age,
            "floor": pd.array(rng.integers(0, 9, n), dtype="Int64"),
            "job": job,
            "town": [f"t{k}" for k in rng.integers(0, 70, n)],
            "country": "AT",
            "left": np.where(rng.random(n) < np.where(job == "clerk", 0.8, 0.1), "yes", "no"),
        }
    )


FRAME, FRESH = staff(), staff(700, seed=1)


@pytest.fixture(scope="module", params=ABLE)
def whole(request: pytest.FixtureRequest) -> TableSampler:
    return get_table_sampler(request.param)().fit(from_frame(FRAME, None))


@pytest.fixture(scope="module", params=ABLE)
def by_class(request: pytest.FixtureRequest) -> TableSampler:
    return get_table_sampler(request.param)().fit(from_frame(FRAME, "left"))


def test_given_cells_stand_as_they_are(whole: TableSampler) -> None:
    cells = FRESH[["job", "age", "staff_id", "town"]]
    drawn = whole.given(cells, seed=3)
    pd.testing.assert_frame_equal(drawn.x.frame[[*cells]], cells)
    pd.testing.assert_series_equal(drawn.x.frame.dtypes, FRAME.dtypes)
    assert set(drawn.how) == {"given"} and list(drawn.index) == list(range(700))


def test_the_rest_is_that_of_plain_rows_with_such_cells(whole: TableSampler) -> None:
    plain = whole.sample("all", 20_000, seed=0).x.frame
    young, old, paid = plain["age"].between(24, 26), plain["age"].between(69, 71), plain["pay"].between(20, 23)
    for cells, like in (
        ({"job": "cook"}, plain["job"] == "cook"),
        ({"job": "clerk", "age": 25}, (plain["job"] == "clerk") & young),
        ({"job": "nurse", "age": 70}, (plain["job"] == "nurse") & old),
        ({"pay": np.nan}, plain["pay"].isna()),
        ({"pay": 0.0, "pension": "yes"}, (plain["pay"] == 0) & (plain["pension"] == "yes")),
        ({"pay": 21.5, "left": "no"}, paid & (plain["left"] == "no")),
    ):
        new, like_these = whole.given(pd.DataFrame([cells] * 2000), seed=0).x.frame, plain[like]
        assert len(like_these) > 100
        for told in ("pay > 0", "pay.isna()", "pension == 'yes'", "age > 50", "job == 'clerk'", "left == 'yes'"):
            assert new.eval(told).mean() == pytest.approx(like_these.eval(told).mean(), abs=0.09), (cells, told)


def test_a_row_depends_on_its_number_and_its_cells_alone(whole: TableSampler, tmp_path: Any) -> None:
    cells = FRESH[["age", "job"]]
    new = whole.given(cells, seed=0).x.frame
    pd.testing.assert_frame_equal(whole.given(cells[:300], seed=0).x.frame, new[:300])
    after = whole.given(cells[290:].reset_index(drop=True), seed=0, start=290).x.frame
    pd.testing.assert_frame_equal(after, new[290:].reset_index(drop=True))
    first = np.arange(700) < 20
    others = cells.assign(age=np.where(first, cells["age"], 30), job=np.where(first, cells["job"], "cook"))
    pd.testing.assert_frame_equal(whole.given(others, seed=0).x.frame[:20], new[:20])
    assert not whole.given(cells, seed=1).x.frame.equals(new)
    whole.save(tmp_path / "a.sampler")
    pd.testing.assert_frame_equal(load_sampler(tmp_path / "a.sampler").given(cells, seed=0).x.frame, new)


def test_a_given_label_decides_the_class(by_class: TableSampler) -> None:
    cells = FRESH[["left", "age"]]
    drawn = by_class.given(cells, seed=0)
    assert [drawn.classes[label] for label in drawn.y] == list(cells["left"])
    clerk = (drawn.x.frame["job"] == "clerk").groupby(cells["left"]).mean()
    real = (FRAME["job"] == "clerk").groupby(FRAME["left"]).mean()
    assert np.allclose(clerk, real, atol=0.08)
    some = by_class.given(cells[200:450], seed=0, start=200).x.frame
    pd.testing.assert_frame_equal(some, drawn.x.frame[200:450].reset_index(drop=True))


def test_rules_hold_around_given_cells_or_it_is_said(whole: TableSampler) -> None:
    rules = Rule("predicate", expression="age >= 30 or floor < 5"), Rule("fixed_combinations", ("job", "pension"))
    frame = FRAME[rules[0].obeyed(FRAME, FRAME)]
    schema = Schema("left", detect_schema(frame, "left").columns, rules)
    fitted = get_table_sampler(whole.name)(schema=schema).fit(from_frame(frame, "left"))
    cells = pd.DataFrame({"left": ["yes", "no"] * 50, "age": 25})
    assert (fitted.given(cells, seed=0).x.frame["floor"] < 5).all()
    with pytest.raises(ValueError, match="columns 'pension', 'job' go together, and 'job' is given; give all or none"):
        fitted.given(cells.assign(job="cook"), seed=0)
    both = cells.assign(job="cook", pension="no")
    pd.testing.assert_frame_equal(fitted.given(both, seed=0).x.frame[["job", "pension"]], both[["job", "pension"]])
    with pytest.raises(ValueError, match="broke a rule in each of 100 draws: .* loosen the rules, or give other cells"):
        fitted.given(cells.assign(floor=7), seed=0)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"age": []}, "has no rows; give one for each"),
        ({"agee": [3]}, "given column 'agee' is not one of the columns .* Did you mean 'age'"),
        ({"job": ["cook", "spy"]}, "given column 'job' holds 'spy' in row 1, counted from 0, which no real row does"),
        ({"job": [None]}, "given column 'job' holds nothing in row 0, counted from 0, which no real row does"),
        ({"age": [30, None]}, "given column 'age' holds nothing in row 1, .* no real row misses it"),
        ({"age": ["old"]}, "given column 'age' holds 'old' in row 0, .* which is no number"),
        ({"since": ["12.03.2024", "soon"]}, "given column 'since' holds 'soon' in row 1, .* which is no time"),
        ({"age": [30.5]}, "column 'age' holds 30.5, and the schema says int64"),
        ({"country": ["AT", "DE"]}, "given column 'country' holds 'DE' in row 1, .* real rows hold 'AT' only"),
        ({name: FRAME[name][:5] for name in FRAME}, "nothing to draw; leave out some"),
    ],
)
def test_what_cannot_be_is_refused(cells: dict[str, Any], says: str) -> None:
    sampler = get_table_sampler("mixture")().fit(from_frame(FRAME, None))
    with pytest.raises(ValueError, match=says):
        sampler.given(pd.DataFrame(cells), seed=0)


def test_without_the_label_or_a_sampler_that_can_it_is_refused() -> None:
    data = from_frame(FRAME, "left")
    with pytest.raises(
        ValueError, match="no column 'left', and rows of a class are drawn; add it, or name no --target"
    ):
        get_table_sampler("mixture")().fit(data).given(FRESH[["age"]], seed=0)
    with pytest.raises(ValueError, match="label 'maybe' is not one of the classes"):
        get_table_sampler("mixture")().fit(data).given(pd.DataFrame({"left": ["maybe"]}), seed=0)
    with pytest.raises(ValueError, match="sampler 'copula' draws whole examples only"):
        get_table_sampler("copula")().fit(data).given(FRESH[["left"]], seed=0)
