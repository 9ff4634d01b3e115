"""A table to arrays and back is the same table, whatever its columns are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gensynth.kinds.table.codec import Encoded, TableCodec
from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.schema import Schema

Values = st.SearchStrategy[Any]


def whole(dtype: str) -> Values:
    limits = np.iinfo(dtype.lower())
    return st.integers(int(limits.min), int(limits.max))


# A float64 counts the microseconds of 285 years.
TIMES = st.datetimes(pd.Timestamp("1900-01-01").to_pydatetime(), pd.Timestamp("2180-01-01").to_pydatetime())
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
FINITE32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
HUNDREDTHS = st.integers(-9999, 9999)


def of(dtype: Any) -> Callable[[list[Any]], pd.Series]:
    return lambda values: pd.Series(values, dtype=dtype)


AS_OBJECT = of(object)


def times(values: list[Any]) -> pd.Series:
    return pd.Series(values, dtype="datetime64[us]")


COLUMNS: dict[str, tuple[Values, Callable[[list[Any]], pd.Series]]] = {
    **{dtype: (whole(dtype), of(dtype)) for dtype in ("int8", "int64", "uint8", "uint64")},
    **{dtype: (st.none() | whole(dtype), of(dtype)) for dtype in ("Int8", "Int64", "UInt8")},
    "float64": (st.none() | NUMBERS, of("float64")),
    "float32": (st.none() | FINITE32, of("float32")),
    "Float64": (st.none() | NUMBERS, of("Float64")),
    "rounded": (st.none() | HUNDREDTHS, lambda values: pd.Series(values, dtype="float64") / 100),
    "rounded32": (HUNDREDTHS, lambda values: (pd.Series(values) / 10).astype("float32")),
    "spiky": (st.none() | st.sampled_from([0.0, 1.5]) | NUMBERS, of("float64")),
    "object numbers": (st.none() | st.floats(-1e9, 1e9), AS_OBJECT),
    "object wholes": (st.none() | st.integers(-(10**9), 10**9), AS_OBJECT),
    "sparse": (st.sampled_from([0.0, 0.0, 1.0, 2.5, 7.25]), of(pd.SparseDtype(float, 0.0))),
    "bool": (st.booleans(), of(bool)),
    "boolean": (st.none() | st.booleans(), of("boolean")),
    "object bool": (st.none() | st.booleans(), AS_OBJECT),
    "text": (st.none() | st.text(max_size=3), AS_OBJECT),
    "string": (st.none() | st.text(max_size=2), of("string")),
    "few words": (st.none() | st.sampled_from(["a", "b", "", " "]), of(None)),
    "mixed": (st.none() | st.text(max_size=1) | st.integers(2, 99), AS_OBJECT),
    "category": (st.none() | st.sampled_from("abc"), of(pd.CategoricalDtype([*"cabd"]))),
    "ordered": (st.none() | st.sampled_from([3, 1]), of(pd.CategoricalDtype([1, 2, 3], ordered=True))),
    "interval": (st.floats(0, 9), lambda values: pd.cut(pd.Series(values), [-1, 2, 5, 10])),
    "time": (st.none() | TIMES, times),
    "zone": (st.none() | TIMES, lambda v: times(v).dt.tz_localize("UTC").dt.tz_convert("Europe/Vienna")),
    "nanoseconds": (st.none() | st.integers(0, 10**15), lambda v: of("Int64")(v).astype("datetime64[ns]")),
    "object times": (st.none() | TIMES.map(pd.Timestamp), AS_OBJECT),
    "day as text": (st.none() | TIMES, lambda values: times(values).dt.strftime("%d.%m.%Y")),
    "time as text": (st.none() | TIMES, lambda values: times(values).dt.strftime("%Y-%m-%dT%H:%M:%S.%f")),
    "nothing": (st.none(), AS_OBJECT),
    "always": (st.just("x"), of(None)),
}


def fitted(x: pd.DataFrame, *rules: Rule) -> TableCodec:
    labels = np.where(np.arange(len(x)) % 2, "a", "b")
    schema = detect_schema(x.assign(label=labels), "label")
    return TableCodec(x, Schema("label", schema.columns, rules))


def there_and_back(x: pd.DataFrame) -> tuple[TableCodec, pd.DataFrame]:
    codec = fitted(x)
    rows = codec.encode(x)
    assert rows.numbers.dtype == np.float64 and rows.codes.dtype == np.int64
    assert (rows.codes >= 0).all() and (rows.codes < codec.cards).all()
    return codec, codec.decode(rows, np.arange(len(x)), codec.rest)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data(), n=st.integers(2, 30), names=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=3))
def test_every_real_row_comes_back(data: st.DataObject, n: int, names: list[str]) -> None:
    columns: dict[Any, Any] = {}
    for at, name in enumerate(names):
        each, make = COLUMNS[name]
        values = data.draw(st.lists(each, min_size=n, max_size=n))
        if make is AS_OBJECT:
            missing = data.draw(st.sampled_from([None, np.nan, pd.NA]))
            values = [missing if value is None else value for value in values]
        columns[at if at % 2 else f"{name} {at}"] = make(values)
    x = pd.DataFrame(columns)
    codec, back = there_and_back(x)
    ids = list(codec.new_ids)
    pd.testing.assert_frame_equal(back.drop(columns=ids), x.drop(columns=ids), check_exact=True)
    assert (back.dtypes == x.dtypes).all()
    for name in ids:
        assert back[name].is_unique and not set(back[name]) & set(x[name])


@pytest.mark.parametrize("known", [[True, False], [1.5, 2.5, 3.25], ["a", "b"], []])
def test_all_that_is_missing_comes_back_as_the_first_of_its_kind(known: list[Any]) -> None:
    x = pd.DataFrame({"x": pd.Series([pd.NA, None, *known, np.nan], dtype=object)})
    _, back = there_and_back(x)
    assert [value is pd.NA for value in back["x"]] == x["x"].isna().tolist() and back["x"].tolist()[2:-1] == known


@pytest.mark.parametrize("zone", ["", ", tz=UTC"])
def test_times_of_arrow_come_back(zone: str) -> None:
    pytest.importorskip("pyarrow")
    times = pd.Series(pd.date_range("2024-01-01", periods=9, freq="h", tz="UTC" if zone else None)).mask(
        [True] + [False] * 8
    )
    x = pd.DataFrame({"t": times.astype(f"timestamp[us{zone}][pyarrow]")})
    codec, back = there_and_back(x)
    assert codec.number_columns[0].kind == "datetime"
    pd.testing.assert_frame_equal(back, x)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_one_row_of_each_kind(name: str) -> None:
    never_missing = ("int8", "int64", "uint8", "uint64", "interval", "sparse", "bool", "rounded32", "always")
    x = pd.DataFrame({"x": COLUMNS[name][1]([1 if name in never_missing else None] * 2)})
    codec, back = there_and_back(x)
    pd.testing.assert_frame_equal(back, x)
    one = codec.encode(x.iloc[:1])
    pd.testing.assert_frame_equal(codec.decode(one, np.arange(1), codec.rest[:1]), x.iloc[:1])


def drawn(codec: TableCodec, *numbers: float) -> pd.Series:
    rows = Encoded(np.array(numbers)[:, None], np.empty((len(numbers), 0), dtype=np.int64))
    return codec.decode(rows, np.arange(len(numbers)), np.empty((len(numbers), 0), np.int64)).iloc[:, 0]


def test_new_numbers_are_rounded_bounded_and_keep_their_dtype() -> None:
    ages = fitted(pd.DataFrame({"x": pd.array([18, 40, 65, None], dtype="Int64")}))
    assert drawn(ages, 39.6, 12, 99, np.nan).tolist() == [40, 18, 65, pd.NA]
    assert drawn(fitted(pd.DataFrame({"x": [18, 40, 65]})), 39.5, -3).tolist() == [40, 18]
    prices = fitted(pd.DataFrame({"x": [1.25, 3.5, 99.99]}))
    assert drawn(prices, 1.2600001, 7.777, -1).tolist() == [1.26, 7.78, 1.25]
    assert str(drawn(fitted(pd.DataFrame({"x": [-1.0, 2.5, 3.5]})), -0.04).iloc[0]) == "0.0"


def test_new_times_are_rounded_to_the_resolution() -> None:
    days = fitted(pd.DataFrame({"x": ["01.02.2024", "03.02.2024", "28.02.2024"]}))
    assert drawn(days, 0.4, 1.6, 99, np.nan).tolist()[:3] == ["01.02.2024", "03.02.2024", "28.02.2024"]
    assert drawn(days, np.nan).isna().all()


def test_ids_are_new_and_have_room() -> None:
    x = pd.DataFrame({"id": np.arange(1, 31), "name": [f"synthetic-{i}" for i in range(30)], "v": np.arange(30) % 5})
    codec = fitted(x)
    back = codec.decode(codec.encode(x), np.arange(30) * 2 + 1, codec.rest)
    assert back["id"].tolist() == list(range(32, 92, 2))
    assert back["name"].is_unique and not set(back["name"]) & set(x["name"])
    small = fitted(x.astype({"id": "uint8"}))
    with pytest.raises(ValueError, match="'id' of dtype uint8 has no room"):
        small.decode(small.encode(x), np.arange(30) + 1000, small.rest)


def test_levels_beyond_the_cap_are_one_code_and_come_back_as_they_are_spread() -> None:
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"zip": [*rng.choice([f"z{i}" for i in range(40)], 2000), *(f"rare{i % 90}" for i in range(180))]})
    codec, back = there_and_back(x)
    pd.testing.assert_frame_equal(back, x)
    assert codec.cards == [51] and codec.rest.shape == (2180, 1)
    pool = codec.pools(np.arange(2180) >= 2000)[0]
    other = Encoded(np.empty((500, 0)), np.full((500, 1), 50))
    spread = codec.decode(other, np.arange(500), rng.choice(pool, (500, 1)))["zip"]
    assert spread.str.startswith("rare").all() and spread.nunique() > 60
    unseen = codec.encode(pd.DataFrame({"zip": ["never seen", None]}))
    assert unseen.codes.ravel().tolist() == [50, 50]


def test_unseen_levels_count_as_the_most_frequent_one_if_nothing_else_does() -> None:
    codec = fitted(pd.DataFrame({"x": ["b"] * 5 + ["a"] * 3 + [None]}))
    assert codec.encode(pd.DataFrame({"x": ["new", "a", None]})).codes.ravel().tolist() == [0, 1, 2]


def test_columns_in_fixed_combinations_are_one_column() -> None:
    x = pd.DataFrame(
        {
            "city": ["Graz", "Bonn", "Wien", None] * 5,
            "price": [2.5, 1.0, 2.5, 3.0] * 5,
            "land": ["AT", "DE", "AT", None] * 5,
            "a": [True, False, False, True] * 5,
            "b": [False, True, True, False] * 5,
        }
    )
    codec = fitted(x, Rule("fixed_combinations", ("city", "land", "price")), Rule("one_hot", ("a", "b")))
    assert [c.name for c in codec.code_columns] == [("city", "price", "land"), ("a", "b")]
    assert codec.cards == [4, 2] and codec.number_columns == []
    rows = codec.encode(x)
    pd.testing.assert_frame_equal(codec.decode(rows, np.arange(20), codec.rest), x)


def test_times_of_other_resolution_are_encoded_alike() -> None:
    x = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=9, freq="h", unit="us")})
    codec = fitted(x)
    assert np.array_equal(codec.encode(x).numbers, codec.encode(x.astype("datetime64[ns]")).numbers)
    assert codec.number_columns[0].low == 0 and codec.number_columns[0].high == 8
