"""What is told from values and names: keys, row numbers, times and numbers in other writings, marks, cues."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensynth.data.frames import write_frame
from gensynth.fidelity.checker import FidelityChecker
from gensynth.kinds.table.codec import TableCodec
from gensynth.kinds.table.column_names import is_code, is_key, is_personal, is_row_number, words_of
from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.files import RowFiles
from gensynth.kinds.table.numbers import FORMATS as NUMBER_FORMATS
from gensynth.kinds.table.numbers import as_numbers, number_format, written
from gensynth.kinds.table.read import TableConfig, read_table_parts
from gensynth.kinds.table.samplers.bootstrap import SmoothedBootstrap
from gensynth.kinds.table.samplers.smote import TableSmote
from gensynth.kinds.table.schema import Column, Schema
from gensynth.kinds.table.tables import from_frame, read_table
from gensynth.kinds.table.times import FORMATS, as_times, date_formats, write
from gensynth.mix.mix import mix

N = 60
RNG = np.random.default_rng(0)
LABELS = np.where(RNG.random(N) < 0.4, "yes", "no")
TIMES = pd.Series(pd.Timestamp("2023-11-20") + pd.to_timedelta(RNG.integers(0, 200 * 86400, N), "s"))
KEYS = RNG.choice(np.arange(10**6, 2 * 10**6), N, replace=False)
AMOUNTS = RNG.lognormal(7, 1, N).round(2)


def column(values: Any, name: str = "x", **known: Any) -> Column:
    frame = pd.DataFrame({name: values, "y": LABELS[: len(values)]})
    return detect_schema(frame, "y", Schema("y", (Column(name, dtype="", **known),)) if known else None).column(name)


def drawn(values: Any, name: str = "x", sampler: Any = None, **known: Any) -> pd.Series:
    """What a sampler makes of a column beside another one."""
    frame = pd.DataFrame({name: values, "other": AMOUNTS[: len(values)], "y": LABELS[: len(values)]})
    given = Schema("y", (Column(name, dtype="", **known), Column("other", "numeric", ""))) if known else None
    made = (sampler or TableSmote()).fit(from_frame(frame, "y", given)).sample("yes", 50, 0)
    assert isinstance(made.x.frame, pd.DataFrame)
    return made.x.frame[name]


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "Unnamed: 0.1", "...1", "index", "row_number"])
def test_row_numbers_are_never_learned_from(name: str) -> None:
    cut = np.sort(RNG.permutation(10**3)[:N])
    for values in (cut, RNG.permutation(cut)):
        assert is_row_number(name) and column(values, name).kind == "id"


def test_row_numbers_of_joined_tables_repeat() -> None:
    assert column(np.tile(np.arange(30), 2), "Unnamed: 0").kind == "id"
    assert column(np.tile(np.arange(30), 2), "index").kind == "integer"


@pytest.mark.parametrize("name", "customerid ID_code account_no ssn user_id InvoiceNumber CustomerId policy-nr".split())
def test_keys_under_usual_names_are_ids_and_new_ones_are_nobodys(name: str) -> None:
    assert column(KEYS, name).kind == "id"
    new = drawn(KEYS, name)
    assert new.is_unique and not new.isin(KEYS).any()


def test_new_ids_lie_above_those_of_all_rows_not_of_the_training_rows_alone() -> None:
    frame = pd.DataFrame({"user_id": np.sort(KEYS), "a": AMOUNTS, "y": LABELS})
    data = from_frame(frame, "y")
    new = TableSmote().fit(data.subset(np.arange(40))).sample("yes", 50, 0).x.frame
    assert not new["user_id"].isin(KEYS).any()


def test_what_only_sounds_like_a_key_is_none() -> None:
    for name in "paid humidity solid num_phone age account_balance number_of_children email_opens".split():
        assert not is_key(name) and not is_personal(name), name
        assert column(KEYS, name).kind == "integer"
    assert words_of("customerID") == words_of("Customer-Id") == ["customer", "id"]


def test_counts_under_the_name_of_something_personal_are_numbers() -> None:
    assert column(RNG.integers(0, 40, N), "phone").kind == column(np.arange(N) // 2, "spend_mobile").kind == "integer"
    assert column(RNG.integers(10**8, 10**9, N), "phone").kind == "id"


def test_codes_that_begin_with_a_zero_stay_text_beside_a_mark() -> None:
    codes = RNG.choice(["02139", "10001", "94103", "60601", "30301"], N)
    codes[:4] = "?"
    assert column(codes, "zip").kind == "categorical"
    assert column(RNG.choice(["007", "010", "123", "?"], N), "agent").kind == "categorical"


def test_unpadded_clocks_and_days_are_times() -> None:
    clock = [f"{t.hour}:{t.minute:02}" for t in TIMES]
    words = [f"{t.day} {t.strftime('%B %Y')}" for t in TIMES]
    assert column(clock).format == "%-H:%M" and column(words).format == "%-d %B %Y"


def test_numbers_too_long_for_numbers_and_what_is_personal_are_never_copied() -> None:
    assert column(RNG.integers(2**55, 2**60, N), "tweet").kind == "id"
    mails = [f"p{i % 30}@example.org" for i in range(N)]
    assert column(mails, "contact").kind == column(mails, "email").kind == "id"
    assert not drawn(mails, "email").isin(mails).any()
    assert column([f"{i % 30:09}" for i in range(N)], "phone").kind == "id"


@pytest.mark.parametrize("form", FORMATS)
def test_times_are_told_and_written_as_they_were(form: str) -> None:
    text = pd.Series(write(TIMES, form))
    assert form in date_formats(text)
    assert list(write(as_times(text, form), form)) == list(text)


@pytest.mark.parametrize(
    "form", ["%Y%m%d", "%Y%m", "%H:%M", "%H:%M:%S", "%d-%b-%Y", "%B %d, %Y", "%-m/%-d/%y", "%m/%d/%Y %I:%M %p"]
)
def test_drawn_times_are_possible(form: str) -> None:
    values = pd.Series(write(TIMES, form))
    whole = form in ("%Y%m%d", "%Y%m")
    for sampler in (TableSmote(), SmoothedBootstrap()):
        new = drawn(values.astype(int) if whole else values, "period", sampler)
        assert not whole or new.dtype == np.int64
        assert as_times(new, form).notna().all()


def test_offsets_are_kept_where_they_are_all_the_same() -> None:
    text = TIMES.dt.strftime("%Y-%m-%dT%H:%M:%S+02:00")
    assert column(text).format == "%Y-%m-%dT%H:%M:%S+02:00"
    assert drawn(text).str.endswith("+02:00").all()


def test_few_whole_numbers_that_could_be_months_are_asked_about() -> None:
    frame = pd.DataFrame({"x": np.tile([202311, 202312, 202401], N // 3), "y": LABELS})
    (note,) = from_frame(frame, "y").notes
    assert 'if they are times, put "kind": "datetime", "format": "%Y%m"' in note
    assert column(frame["x"], kind="datetime", format="%Y%m").unit == "day"
    assert column(RNG.integers(10**7, 9 * 10**7, N)).kind == "integer"


CLOCKS = pd.Series(write(TIMES, "%H%M"), dtype=object)
"""Times of day such as 0005 and 2351."""


@pytest.mark.parametrize("form", ["%H%M", "%H%M%S"])
def test_times_of_day_without_a_colon_are_told_by_values_and_name_and_drawn_ones_are_possible(form: str) -> None:
    text = pd.Series(write(TIMES, form), dtype=object)
    gone = np.arange(N) % 9 == 0
    for values in (text, text.astype(int), text.astype(float).mask(gone), text.astype("Int64").mask(gone)):
        for sampler in (TableSmote(), SmoothedBootstrap()):
            new = drawn(values, "dep_time", sampler)
            assert new.dtype == values.dtype or values is text
            assert as_times(new, form).notna().sum() == new.notna().sum() > 25
            assert values is not text or new.isin(write(as_times(new, form), form)).all()


def test_numbers_that_chance_makes_times_of_day_are_none() -> None:
    years, halves, huge = 2000 + np.arange(N) % 24, 50 * np.arange(N) % 2400, pd.Series(2.0 ** np.arange(N) * 2**70)
    for values in (years, halves, huge, np.arange(N), np.arange(N) * 7, huge.map(int).astype(object), [2, 159] * 30):
        assert column(values, "time").kind != "datetime"
    assert column([f"{i % 30 + 2000}" for i in range(N)], "time").kind == "categorical"


@pytest.mark.parametrize("values", [CLOCKS, CLOCKS.astype(int), CLOCKS.astype(float).mask(CLOCKS == CLOCKS[0])])
def test_times_of_day_under_any_name_are_asked_about_and_the_answer_is_taken(values: pd.Series, tmp_path: Path) -> None:
    values = pd.concat([values, values], ignore_index=True)
    frame = pd.DataFrame({"x": values, "other": np.arange(2 * N) % 7, "y": np.append(LABELS, LABELS[::-1])})
    found = from_frame(frame, "y")
    assert any('if they are times, put "kind": "datetime", "format": "%H%M"' in note for note in found.notes)
    found.x.schema.save(tmp_path / "s.json")
    plain = json.loads((tmp_path / "s.json").read_text())
    plain["columns"][0] |= {"kind": "datetime", "format": "%H%M"}  # what it said of numbers or levels stays there
    (tmp_path / "s.json").write_text(json.dumps(plain))
    told = from_frame(frame, "y", Schema.load(tmp_path / "s.json"))
    new = TableSmote().fit(told).sample("yes", 50, 0).x.frame["x"]
    assert new.notna().any() and as_times(new, "%H%M").notna().sum() == new.notna().sum() and not told.notes
    late = frame.assign(x=values.where(values != values[1], "2400" if values.dtype == object else 2400))
    assert any("write 0 instead of 2400" in note for note in from_frame(late, "y").notes)
    with pytest.raises(ValueError, match="column 'x' holds '?2400.*, which is no time in the format '%H%M'"):
        from_frame(late, "y", told.x.schema)


@pytest.mark.parametrize("mark", ["?", "-", "unknown", "n/a ", "N.A."])
def test_marks_of_missing_numbers_and_times_are_missing_values_and_written_again(mark: str) -> None:
    gone = np.arange(N) % 4 == 0
    numbers = np.where(gone, mark, [f"{v:.2f}" for v in AMOUNTS])
    found = column(numbers)
    assert (found.kind, found.marks, found.decimals) == ("numeric", (mark,), 2)
    assert found.missing is not None and sum(found.missing.values()) > 0
    new = drawn(numbers)
    assert (new == mark).any() and new[new != mark].str.fullmatch("[0-9]+[.][0-9]{2}").all()
    times = np.where(gone, mark, TIMES.dt.strftime("%d.%m.%Y"))
    assert column(times).kind == "datetime" and (drawn(times) == mark).any()


def test_codes_of_missing_numbers_are_asked_about_and_taken_for_missing_once_said() -> None:
    values = np.where(np.arange(N) % 5 == 0, -999, AMOUNTS)
    notes = from_frame(pd.DataFrame({"x": values, "y": LABELS}), "y").notes
    assert any('-999 means missing, put "marks": [-999]' in note for note in notes)
    found = column(values, kind="numeric", marks=(-999,))
    assert found.low is not None and float(found.low) > 0
    new = drawn(values, kind="numeric", marks=(-999,))
    assert new.dtype == np.float64 and (new == -999).any() and (new[new != -999] > 0).all()
    with pytest.raises(ValueError, match="holds 'old'; name it in its marks"):
        column(["old", *map(str, AMOUNTS[1:])], kind="numeric", format="1234.5")


def test_numbers_in_other_writings() -> None:
    for form, texts in {
        "1,234.50": [f"{v:,.2f}" for v in AMOUNTS],
        "1.234,50": [f"{v:,.2f}".translate(str.maketrans(",.", ".,")) for v in AMOUNTS],
        "1234,5": [f"{v:.9g}".replace(".", ",") for v in AMOUNTS],
    }.items():
        found = column(texts)
        assert (found.kind, found.format, found.decimals) == ("numeric", form, 2)
        np.testing.assert_allclose(as_numbers(pd.Series(texts, dtype=object), found), AMOUNTS)
        assert np.isfinite(as_numbers(drawn(texts), found)).all()
    assert column([f"{v:,.0f}" for v in AMOUNTS]).kind == "categorical"  # 1,234 could be 1.234
    assert column([f"0{i}" for i in range(10)] * 6).kind == "categorical"


@given(
    st.lists(st.floats(-1e9, 1e9).map(lambda v: round(v, 3)), min_size=5, max_size=30, unique=True),
    st.sampled_from(list(NUMBER_FORMATS)),
)
@settings(max_examples=30)
def test_numbers_are_read_as_they_are_written(values: list[float], form: str) -> None:
    x = np.array(values) + 0.0
    text = pd.Series(written(x, form, 3), dtype=object)
    found = as_numbers(text, Column("x", "numeric", "object", format=form, decimals=3))
    np.testing.assert_allclose(found, x)
    told = number_format(text)
    if told is not None and told[0].removesuffix("0") == form:
        assert list(written(found, told[0], 3)) == list(text)


def test_a_table_with_all_of_it_comes_back_from_its_codec_and_from_a_file(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "pay": np.where(np.arange(N) % 7 == 0, "?", [f"{v:,.2f}" for v in AMOUNTS]),
            "day": TIMES.dt.strftime("%Y%m%d").astype(int),
            "at": TIMES.dt.strftime("%H:%M"),
            "y": LABELS,
        }
    )
    write_frame(frame, tmp_path / "t.csv")
    data = read_table(tmp_path / "t.csv", "y")
    assert data.x.schema is not None and [c.kind for c in data.x.schema.columns] == ["numeric", "datetime", "datetime"]
    assert read_table(tmp_path / "t.csv", "y", data.x.schema).fingerprint == data.fingerprint
    codec = TableCodec(data.x.frame, data.x.schema)
    back = codec.decode(codec.encode(data.x.frame), np.arange(N), codec.rest)
    pd.testing.assert_frame_equal(back, data.x.frame)


def test_ignored_columns_and_weights_are_left_alone() -> None:
    frame = pd.DataFrame({"w": RNG.gamma(2, 1, N), "left": np.arange(N) % 9, "a": AMOUNTS, "y": LABELS})
    given_columns = (Column("w", "weight", ""), Column("left", "ignore", ""), Column("a", "numeric", ""))
    data = from_frame(frame, "y", Schema("y", given_columns))
    other = from_frame(frame.assign(w=1.0, left=0), "y", Schema("y", given_columns))
    assert data.x.hashes() == other.x.hashes()
    new = TableSmote().fit(data).sample("yes", 20, 0).x.frame
    assert new["left"].isna().all() and str(new["left"].dtype) == "Int64"
    assert new["w"].nunique() == 1 and new["w"][0] in set(frame["w"])
    with pytest.raises(ValueError, match="cannot be a weight: it holds 'much'"):
        column(["much", "little"] * 30, kind="weight")


def test_what_gives_the_label_away_is_named() -> None:
    y, n = np.sort(np.tile(LABELS, 5)), 5 * N
    frame = pd.DataFrame({"index": np.arange(n) * 3, "a": RNG.normal(size=n), "cue": np.where(y == "yes", "k1", "k2")})
    notes = from_frame(frame.assign(y=y), "y").notes
    index, cue = (note for note in notes if "gives the label away" in note)
    assert "'index'" in index and "nothing is learned" in index and "'cue'" in cue


def test_codes_and_repeating_keys_are_asked_about() -> None:
    frame = pd.DataFrame({"industry": np.arange(N) % 29, "patient_id": 1000 + np.arange(N) % 30, "y": LABELS})
    industry, patient = from_frame(frame, "y").notes
    assert is_code("detailed industry recode") and '"kind": "categorical"' in industry
    assert "a key that repeats (30 values in 60 rows)" in patient and '"kind": "id"' in patient


def test_codes_under_any_name_are_asked_about_and_quantities_are_not() -> None:
    n, pick = 600, np.random.default_rng(1)
    industries = pick.choice([111, 112, 211, 221, 236, 311, 332, 423, 441, 481, 522, 541, 611, 721, 812, 921], n)
    counts = {
        "age": pick.integers(18, 90, n),
        "hours": pick.integers(1, 99, n),
        "bp": pick.normal(120, 9, n).astype(int),
    }
    amounts = {"cut": pick.choice([0, 114, 401, 2174, 7688, 15024], n), "fee": pick.choice(range(1000, 9000, 250), n)}
    years = pick.integers(1950, 2024, n)
    frame = pd.DataFrame({"v3": industries, **counts, **amounts, "since": years, "y": pick.choice(["no", "yes"], n)})
    (note,) = from_frame(frame, "y").notes
    assert "'v3' holds whole numbers and is taken for a quantity" in note and '"kind": "categorical"' in note


def test_formulas_are_named_and_left_as_they_are() -> None:
    frame = pd.DataFrame({"x": ["=1+1", "@SUM(A1)", "-5"] * 20, "n": ["-5", "+4.5", "b"] * 20, "y": LABELS})
    (note,) = (note for note in from_frame(frame, "y").notes if "formulas" in note)
    assert "'x'" in note and "'n'" not in note


def test_a_table_with_an_ignored_column_is_checked_and_joined(tmp_path: Path) -> None:
    frame = pd.DataFrame({"left": np.arange(N) % 9, "a": AMOUNTS, "b": KEYS % 100 + 0.5, "y": LABELS})
    write_frame(frame, tmp_path / "t.csv")
    columns = (Column("left", "ignore", "int64"), Column("a", "numeric", "float64"), Column("b", "numeric", "float64"))
    Schema("y", columns).save(tmp_path / "s.json")
    parts = read_table_parts(tmp_path / "t.csv", TableConfig(target="y", schema=str(tmp_path / "s.json")))
    samples = TableSmote().fit(parts.train).sample("yes", 20, 0)
    verdict = FidelityChecker(parts.train).gate(samples)
    mix(parts, samples, verdict, tmp_path / "out.csv", RowFiles())
    out = pd.read_csv(tmp_path / "out.csv")
    assert out["left"][:N].tolist() == frame["left"].tolist() and out["left"][N:].isna().all()


def test_a_label_that_no_class_has_is_named_with_its_row(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": AMOUNTS, "y": LABELS})
    write_frame(frame.assign(y=np.where(np.arange(N) == 7, "Yes", LABELS)), tmp_path / "s.csv")
    with pytest.raises(ValueError, match="row 7 of .*: label 'Yes' is not one of .* Did you mean 'yes'"):
        RowFiles().read(tmp_path / "s.csv", from_frame(frame, "y"))
