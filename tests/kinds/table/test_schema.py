"""What a column is: detected, printed, saved, edited, and refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.labels import class_names
from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.schema import MOST_LEVELS, Column, Schema

N = 60
LABELS = ["yes", "no", "no"] * 20


def column(values: Any, name: str | int = "x", **known: Any) -> Column:
    """The detected column, or what becomes of it if `known` is said about it."""
    frame = pd.DataFrame({name: values, "y": LABELS[: len(values)]})
    given = Schema("y", (Column(name, dtype="", **known),)) if known else None
    return detect_schema(frame, "y", given).column(name)


RNG = np.random.default_rng(0)
INTEGERS = RNG.integers(0, 40, N)
REALS = RNG.normal(size=N)
WORDS = np.array([f"w{i % 7}" for i in range(N)], dtype=object)
DAYS = pd.Timestamp("2024-02-28") + pd.to_timedelta(RNG.integers(0, 50, N), unit="D")


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        (INTEGERS, "integer", "int64"),
        (INTEGERS.astype(np.uint8), "integer", "uint8"),
        (pd.array([None, *INTEGERS[1:]], dtype="Int64"), "integer", "Int64"),
        (pd.array(INTEGERS, dtype="UInt8"), "integer", "UInt8"),
        (np.where(REALS > 1, np.nan, INTEGERS), "integer", "float64"),
        (pd.Series(INTEGERS, dtype=object), "integer", "object"),
        (REALS, "numeric", "float64"),
        (REALS.astype(np.float32), "numeric", "float32"),
        (pd.array([None, *REALS[1:]], dtype="Float64"), "numeric", "Float64"),
        (pd.Series([None, *REALS[1:]], dtype=object), "numeric", "object"),
        (pd.Series(pd.arrays.SparseArray(np.where(REALS > 0, REALS, 0.0))), "numeric", "float64"),
        (REALS > 0, "boolean", "bool"),
        (pd.array([None, *(REALS[1:] > 0)], dtype="boolean"), "boolean", "boolean"),
        (pd.Series([None, *(REALS[1:] > 0)], dtype=object), "boolean", "object"),
        (WORDS, "categorical", None),
        (pd.Series(WORDS, dtype="string"), "categorical", "string"),
        (pd.Categorical(WORDS, ordered=True), "categorical", "category"),
        (pd.cut(REALS, [-9, 0, 1, 9]), "categorical", "category"),
        (INTEGERS % 2, "categorical", "int64"),
        (np.where(REALS > 0, 0.5, np.nan), "categorical", "float64"),
        (INTEGERS + 2**60, "categorical", "int64"),
        (REALS * 1e60, "numeric", "float64"),
        (REALS * 1e160, "categorical", "float64"),
        (pd.Series(["a", 1] * 30, dtype=object), "categorical", "object"),
        (DAYS.astype("datetime64[us]"), "datetime", "datetime64[us]"),
        (DAYS.tz_localize("Europe/Vienna").astype("datetime64[ns, Europe/Vienna]"), "datetime", None),
        (DAYS.strftime("%d.%m.%Y"), "datetime", None),
        (DAYS.to_pydatetime(), "datetime", None),
        (np.arange(N) + 1000, "id", "int64"),
        ([f"c{i}" for i in range(N)], "id", None),
        (["same"] * N, "constant", None),
        ([None] * N, "constant", "object"),
        ([np.nan] * N, "constant", "float64"),
    ],
)
def test_kinds(values: Any, kind: str, dtype: str | None) -> None:
    found = column(values)
    assert found.kind == kind
    assert dtype is None or found.dtype == dtype


def test_one_value_that_is_sometimes_missing_is_not_constant() -> None:
    assert column(["Y", None] * 30).kind == "categorical"


def test_numbers_with_ids_name_are_ids_if_they_differ() -> None:
    sparse = RNG.permutation(10**6)[:N]
    assert column(sparse, "customer_id").kind == column(sparse, "CustomerID").kind == "id"
    assert column(sparse, "amount").kind == column(sparse, "paid").kind == "integer"
    assert column(np.repeat(sparse[:30], 2), "customer_id").kind == "integer"


def test_decimals_bounds_spikes_and_levels() -> None:
    prices = np.where(np.arange(N) % 3 == 0, 0.0, REALS.round(2))
    found = column(prices)
    assert (found.decimals, found.low, found.high, found.spikes) == (2, prices.min(), prices.max(), (0.0,))
    assert column(prices.astype(np.float32)).decimals == 2
    assert column(REALS).decimals is None and column(REALS).spikes == ()
    words = column(["b"] * 25 + ["a"] * 25 + ["c"] * 10)
    assert words.levels == ("a", "b", "c") and words.rare == ("c",)
    many = column([f"z{i // 2 if i < 20 else i}" for i in range(N)] * 1)
    assert len(many.levels) == min(MOST_LEVELS, 50) and many.levels[0] == "z0"


def test_times_have_bounds_that_people_can_read_and_the_coarsest_resolution() -> None:
    found = column(DAYS)
    assert (found.low, found.high, found.unit) == (str(DAYS.min().date()), str(DAYS.max().date()), "day")
    assert column(DAYS + pd.Timedelta("30min")).unit == "minute"
    assert column(DAYS + pd.to_timedelta(np.arange(N), unit="ns")).unit == "nanosecond"
    forever = column(np.where(np.arange(N) % 3 == 0, "9999-12-31", DAYS.strftime("%Y-%m-%d").to_numpy()))
    assert forever.format == "%Y-%m-%d" and forever.high == "9999-12-31" and forever.spikes == ("9999-12-31",)


@pytest.mark.parametrize("text", ["2024-13-01", "2024-01-05 noon", "5.1.2024"])
def test_text_that_would_not_be_written_again_as_it_was_is_no_date(text: str) -> None:
    assert column([text, "2024-01-05"] * 30).kind == "categorical"


def test_missing_rate_by_class() -> None:
    values = np.where(np.array(LABELS) == "yes", np.nan, REALS)
    values[1] = np.nan
    assert column(values).missing == {"no": 1 / 40, "yes": 1.0}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.5, np.inf] * 30, "'x' holds infinite numbers"),
        (pd.to_timedelta(np.arange(N), unit="D"), "'x' holds timedelta64? values"),
        ([pd.Timestamp("2024-01-01").date(), None] * 30, "'x' holds date values"),
        ([b"a", b"b"] * 30, "'x' holds bytes values"),
        ([(1, 2), (3, 4)] * 30, "'x' holds tuple values"),
        (pd.Series([[1], [2]] * 30), "'x' holds list values"),
        (pd.Series([{"a": 1}, None] * 30), "'x' holds dict values"),
        (
            [pd.Timestamp("2024-01-01", tz=zone) for zone in ("UTC", "Asia/Tokyo")] * 30,
            "'x' holds times of several zones",
        ),
        (REALS + 1j, "'x' holds complex values"),
    ],
)
def test_what_is_not_understood_is_refused_in_a_sentence(values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        column(values)


def test_names_of_columns(tmp_path: Path) -> None:
    assert [c.name for c in detect_schema(pd.DataFrame({0: INTEGERS, 7: REALS, "y": LABELS}), "y").columns] == [0, 7]
    twice = pd.DataFrame(np.ones((N, 2)), columns=["a", "a"]).assign(y=LABELS)
    with pytest.raises(ValueError, match="two columns are called 'a'"):
        detect_schema(twice, "y")
    for name in (("a", "b"), 1.5, True):
        with pytest.raises(ValueError, match="use text or a whole number"):
            detect_schema(pd.DataFrame({name: INTEGERS, "y": LABELS}), "y")
    with pytest.raises(ValueError, match="no column 'z'; the table has x, y"):
        detect_schema(pd.DataFrame({"x": INTEGERS, "y": LABELS}), "z")
    with pytest.raises(ValueError, match="no column but 'y'"):
        detect_schema(pd.DataFrame({"y": LABELS}), "y")
    numpy = pd.DataFrame(
        np.c_[INTEGERS, REALS, INTEGERS % 2], columns=pd.Index([*np.arange(2), np.int64(7)], dtype=object)
    )
    schema = detect_schema(numpy, np.int64(7))
    schema.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == schema and schema.target == 7


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (REALS, "looks like a quantity: only classes can be rebalanced"),
        (np.arange(N), "looks like a quantity"),
        (["a"] * N, "one class only"),
        ([None, *LABELS[1:]], "1 row has no 'y'"),
        (DAYS, "holds datetime64 values"),
        (pd.Series(["1", 1] * 30, dtype=object), "'y' holds mixed"),
        ([b"a", b"b"] * 30, "'y' holds bytes"),
        (INTEGERS + 1j, "'y' holds complex"),
        ([], "no rows"),
    ],
)
def test_targets_that_are_no_classes(labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        detect_schema(pd.DataFrame({"x": INTEGERS[: len(labels)], "y": labels}), "y")


def test_what_cut_makes_of_a_quantity_is_classes() -> None:
    assert detect_schema(pd.DataFrame({"x": INTEGERS, "y": pd.cut(REALS, [-9, 0, 9])}), "y").target == "y"


def test_class_names_are_text_in_natural_order() -> None:
    for labels, names in (
        ([10, 9, 9], ("9", "10")),
        ([1, -1, 10, -10], ("-10", "-1", "1", "10")),
        (["c10", "c9"], ("c9", "c10")),
        ([True, False, False], ("False", "True")),
    ):
        found, codes = class_names(pd.Series(labels))
        assert found == names and [found[code] for code in codes] == [str(v) for v in labels]


def test_saved_printed_and_loaded(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"x": REALS.round(1), "n": INTEGERS, "w": WORDS, "y": LABELS, "day": DAYS, "b": REALS > 0, 3: pd.cut(REALS, 3)}
    )
    schema = detect_schema(frame, "y")
    assert schema.position == 3
    schema.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == schema
    assert detect_schema(frame, "y", Schema.load(tmp_path / "schema.json")) == schema
    text = schema.as_text()
    assert all(word in text for word in ("integer", "w0", "2024-02-28", "datetime64"))


def test_every_guess_can_be_overridden() -> None:
    assert column(INTEGERS, kind="numeric").kind == "numeric"
    assert column(INTEGERS, kind="categorical").levels[0] in INTEGERS
    assert column(np.arange(N), kind="integer").high == N - 1
    assert column(INTEGERS, kind="integer", low=-5).low == -5
    assert column(REALS, kind="numeric", low=-float("inf"), decimals=1).decimals == 1
    assert column(WORDS, kind="categorical", levels=("w3",)).levels == ("w3",)
    assert column([f"c{i}" for i in range(N)], kind="categorical").kind == "categorical"
    assert column(DAYS.strftime("%Y%m%d"), kind="datetime", format="%Y%m%d").unit == "day"
    for values, kind in ((WORDS, "numeric"), (REALS, "id"), (REALS, "integer"), (WORDS, "datetime")):
        with pytest.raises(ValueError, match=f"'x' cannot be (an )?{kind}"):
            column(values, kind=kind)
    with pytest.raises(ValueError, match="cannot be constant: it holds 7"):
        column(WORDS, kind="constant")
    with pytest.raises(ValueError, match="differ in the columns other, x"):
        given = Schema("y", (Column("other", "numeric", ""),))
        detect_schema(pd.DataFrame({"x": INTEGERS, "y": LABELS}), "y", given)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"kind": "number"}, "allowed: numeric, integer"),
        ({"lowest": 3}, "the unknown entry 'lowest'; known are name, kind"),
        ({"low": 9, "high": 1}, "low 9 above high 1"),
        ({"low": "three"}, "no numbers"),
        ({"kind": "datetime", "low": "soon"}, "'soon' is no point in time"),
        ({"decimals": 99}, "allowed: 0 to 15"),
        ({"unit": "week"}, "allowed: day, hour"),
    ],
)
def test_bad_edits_are_refused(tmp_path: Path, edit: dict[str, Any], message: str) -> None:
    plain = {"target": "y", "columns": [{"name": "x", "kind": "numeric", "dtype": "float64"} | edit]}
    (tmp_path / "schema.json").write_text(json.dumps(plain))
    with pytest.raises(ValueError, match=message):
        Schema.load(tmp_path / "schema.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"target": "y"}', '{"target": "y", "columns": [3]}'])
def test_a_file_that_is_no_schema(tmp_path: Path, text: str) -> None:
    (tmp_path / "schema.json").write_text(text)
    with pytest.raises(ValueError, match="is not a schema"):
        Schema.load(tmp_path / "schema.json")


def test_rules_must_name_columns_of_the_table() -> None:
    with pytest.raises(ValueError, match="a rule names the columns b; the table has a"):
        Schema("y", (Column("a", "numeric", ""),), (Rule("inequality", ("a", "b")),))


@pytest.mark.parametrize("form", ["%Y-%[m-%d", "%", "%Y-%Y"])
def test_a_format_in_which_no_time_can_be_read_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="column 'd' has format .* write it as strftime does"):
        Column("d", "datetime", "object", format=form)
