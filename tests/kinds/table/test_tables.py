"""Tables in and out of files and other libraries, and through the split."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth.data.frames import SUFFIXES, write_frame
from gensynth.data.labeled import LabeledData
from gensynth.data.split import keep_only, split
from gensynth.kinds.table.schema import Column, Schema
from gensynth.kinds.table.tables import from_frame, read_table, to_frame

TEXT = "\n".join(
    [
        "id,age,price,paid,member,zip,since,note,class",
        '1,31,1.5,486,True,0123,2024-01-05,"a, b",no',
        "2,,0.1,,False,9999,2024-02-29,,yes",
        '3,77,1e-07,12,,0123,2024-01-05,"say ""hi""",no\n',
    ]
)


def table(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "amount": rng.gamma(2, 30, n).round(2),
            "claim": np.where(rng.random(n) < 0.1, "fraud", "fine"),
            "kids": pd.array(rng.integers(0, 5, n), dtype="Int64"),
            "job": pd.Categorical(rng.choice(["cook", "nurse"], n), ["nurse", "cook", "pilot"], ordered=True),
            "seen": pd.Series(pd.date_range("2024-01-01", periods=n, freq="h", unit="us", tz="Europe/Vienna")),
            "on": rng.random(n) < 0.5,
        }
    )
    frame.loc[::7, "kids"] = pd.NA
    return frame


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_comes_back_as_it_was(tmp_path: Path, suffix: str) -> None:
    frame = table()
    write_frame(frame, tmp_path / f"a{suffix}")
    data = read_table(tmp_path / f"a{suffix}", "claim")
    back = to_frame(data, data)
    if suffix in (".parquet", ".feather"):
        pd.testing.assert_frame_equal(back, frame)
    write_frame(back, tmp_path / f"b{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_text_keeps_whole_numbers_truth_values_and_digits(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    guessed = read_table(tmp_path / "a.csv", "class").x.schema
    assert guessed is not None
    columns = tuple(Column("zip", "categorical", "str") if c.name == "zip" else c for c in guessed.columns)
    schema = Schema("class", columns)
    data = read_table(tmp_path / "a.csv", "class", schema)
    dtypes = {name: str(dtype) for name, dtype in data.x.frame.dtypes.items()}
    assert dtypes["age"] == dtypes["paid"] == "Int64" and dtypes["id"] == "int64" and dtypes["price"] == "float64"
    assert dtypes["member"] == "boolean" and data.x.frame["zip"].tolist() == ["0123", "9999", "0123"]
    write_frame(to_frame(data, data), tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text() == TEXT


def test_tabs_and_byte_order_marks(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"\xef\xbb\xbfx\ty\n1,5\ta\n2,5\tb\n")
    data = read_table(tmp_path / "a.tsv", "y")
    assert list(data.x.frame.columns) == ["x"] and data.x.frame["x"].tolist() == ["1,5", "2,5"]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_numbers_survive_to_the_last_digit(tmp_path: Path, suffix: str) -> None:
    bits = np.random.default_rng(0).integers(0, 2**64, 2000, dtype=np.uint64).view(np.float64)
    frame = pd.DataFrame({"x": np.where(np.abs(bits) < 1e140, bits, 1 / 3), "whole": 2**53 + np.arange(2000)})
    frame["some"] = frame["whole"].astype("Int64").mask(np.arange(2000) % 9 == 0)
    frame["y"] = np.arange(2000) % 2
    write_frame(frame, tmp_path / f"a{suffix}")
    data = read_table(tmp_path / f"a{suffix}", "y")
    pd.testing.assert_frame_equal(to_frame(data, data), frame, check_exact=True)
    again = read_table(tmp_path / f"a{suffix}", "y", data.x.schema)
    pd.testing.assert_frame_equal(to_frame(again, again), frame, check_exact=True)


def test_odd_text_files(tmp_path: Path) -> None:
    text = '\n\n,code,note,x,y\n\n1,007,"a\nb",,p\n2,100,c,,q\n\n3,,c,,q\n'
    (tmp_path / "a.csv").write_text(text)
    data = read_table(tmp_path / "a.csv", "y")
    assert list(data.x.frame.columns) == ["", "code", "note", "x"] and data.x.frame["x"].isna().all()
    assert data.x.frame["code"].tolist()[:2] == ["007", "100"] and data.x.frame["note"].tolist() == ["a\nb", "c", "c"]
    assert data.x.frame["code"].isna().tolist() == [False, False, True]
    write_frame(to_frame(data, data), tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text() == text.replace("\n\n", "\n").removeprefix("\n")


@pytest.mark.parametrize(
    ("dtype", "text", "expected"),
    [
        ("uint8", "300", "'x' holds 300, and the schema says uint8"),
        ("int64", "some", "'x' is no int64, as the schema says"),
        ("nonsense", "1", "'x' is no nonsense, as the schema says"),
        ("uint8", "", "UInt8|Int64"),
        ("float32", "7", "float32"),
        ("object", "7", "int64"),
    ],
)
def test_a_schema_says_what_text_is(tmp_path: Path, dtype: str, text: str, expected: str) -> None:
    (tmp_path / "a.csv").write_text(f"x,y\n1,a\n5,b\n{text},b\n")
    schema = Schema("y", (Column("x", "integer", dtype),))
    if " " in expected:
        with pytest.raises(ValueError, match=expected):
            read_table(tmp_path / "a.csv", "y", schema)
    else:
        assert str(read_table(tmp_path / "a.csv", "y", schema).x.frame["x"].dtype) in expected.split("|")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a table"),
        (b"a,b\n1,2\n1,2,3\n", "cannot be read as a table"),
        (b"a,y\n\xff\xfe,b\n", "cannot be read as a table: it is not in UTF-8"),
        ("a,y\nZürich,b\n".encode("latin-1"), "save it as UTF-8"),
        (b"75,18.09,0\n3,4.5,1\n", "its first line looks like a row .75, 18.09, 0."),
        (b"39,State-gov,0\n40,State-gov,1\n", "its first line looks like a row"),
        (b"Tom,39,1.5,0\nAda,40,2.5,1\n", "its first line looks like a row .Tom, 39, 1.5, 0."),
        (b"Tom,39,41,no\nAda,40,42,yes\nEve,30,43,no\n", "its first line looks like a row"),
        (b",39,1.5,no\n4,40,2.5,yes\n5,30,43,no\n", "its first line looks like a row"),
        (b"75,0,0\n3,4,1\n", "two columns are called '0'; rename one of them, or put a line of names first"),
        (b'a,y\n"1,b\n2,c\n', "EOF inside string"),
        (b'"a,y\n' + b"1,b\n" * 40_000, "larger than field limit"),
        (b"a,y\n1,2,b\n3,4,c\n", "the header has 2 names, and the first row 3 entries"),
        (b"a,a,y\n1,2,3\n", "two columns are called 'a'"),
        (b"a;y\n1;5;b\n", "the header has 2 names, and the first row 3 entries"),
        (b"a\n1\n", "there is no column 'y'; the table has a"),
        (b"a,y\n", "no rows"),
    ],
)
def test_broken_files_get_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "a.csv", "y")


@pytest.mark.parametrize(
    ("name", "sign", "usual"), [("a.csv", ";", ","), ("a.csv.gz", "\t", ","), ("a.csv", "|", ","), ("a.tsv", ",", "\t")]
)
def test_other_separators_are_told_by_the_header_and_said(tmp_path: Path, name: str, sign: str, usual: str) -> None:
    frame = table()[["amount", "claim", "kids"]]
    decimal = "." if sign == "," else ","
    frame.to_csv(tmp_path / name, sep=sign, decimal=decimal, index=False)
    data = read_table(tmp_path / name, "claim")
    assert data.notes[0].startswith(f"The table is separated by {sign!r}; ") and repr(usual) in data.notes[0]
    assert [c.kind for c in data.x.schema.columns] == ["numeric", "integer"]
    assert data.class_counts == from_frame(frame, "claim").class_counts
    assert data.fingerprint == read_table(tmp_path / name, "claim", data.x.schema).fingerprint


@pytest.mark.parametrize("header", ["Land,2018,2020", ",2018,2020", "name,0.5,1.5", "a,b1,c"])
def test_names_that_are_numbers_are_names(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header},y\nDE,1,2,a\nAT,3,4,b\nCH,5,6,b\n")
    assert len(read_table(tmp_path / "a.csv", "y")) == 3
    (tmp_path / "b.csv").write_text("y,500.5,400,300.5,200,100\na,1,2,3,4,5\nb,5,4,3,2,1\nb,1,4,3,2,2\n")
    assert len(read_table(tmp_path / "b.csv", "y")) == 3


def test_files_that_are_not_there_or_no_tables(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_table(tmp_path / "a.csv", "y")
    (tmp_path / "a.xlsx").touch()
    with pytest.raises(ValueError, match="must end in .csv, .tsv"):
        read_table(tmp_path / "a.xlsx", "y")
    with pytest.raises(ValueError, match="must end in .csv, .tsv"):
        write_frame(table(), tmp_path / "a.xlsx")
    with pytest.raises(ValueError, match="need text as column names"):
        write_frame(pd.DataFrame({0: [1]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="cannot hold this table"):
        write_frame(pd.DataFrame({"a": [1, "b"]}), tmp_path / "a.parquet")
    write_frame(table(), tmp_path / "a.csv.gz")
    (tmp_path / "a.csv.gz").write_bytes((tmp_path / "a.csv.gz").read_bytes()[:-50])
    with pytest.raises(ValueError, match="cannot be read as a table"):
        read_table(tmp_path / "a.csv.gz", "claim")
    for suffix in (".parquet", ".feather", ".csv.gz"):
        (tmp_path / f"b{suffix}").write_text("no such thing")
        with pytest.raises(ValueError, match="cannot be read as a table"):
            read_table(tmp_path / f"b{suffix}", "y")


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_without_pyarrow_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    write_frame(table(), tmp_path / f"a{suffix}")
    real = builtins.__import__

    def no_pyarrow(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pyarrow)
    for call in (
        lambda: read_table(tmp_path / f"a{suffix}", "claim"),
        lambda: write_frame(table(), tmp_path / f"b{suffix}"),
    ):
        with pytest.raises(ModuleNotFoundError, match="files need pyarrow; run 'pip install pyarrow'"):
            call()
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


def test_arrow_and_what_has_to_pandas() -> None:
    arrow = pytest.importorskip("pyarrow")
    frame = table().drop(columns="job")
    data = from_frame(arrow.Table.from_pandas(frame), "claim")
    pd.testing.assert_frame_equal(to_frame(data, data), frame)
    with pytest.raises(TypeError, match="of pandas, Arrow or polars, got dict"):
        from_frame({"a": [1]}, "a")


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_whole_numbers_of_arrow_stay_whole_where_some_are_missing(tmp_path: Path, suffix: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    columns = {"n": arrow.array([2**60 + 1, None, 3, 4]), "b": arrow.array([1, 2, None, 3], arrow.uint8())}
    table = arrow.table(columns | {"x": [1.0, None, 2.0, 3.0], "y": ["p", "q", "p", "q"]})
    if suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "a.parquet")
    else:
        pytest.importorskip("pyarrow.feather").write_feather(table, str(tmp_path / "a.feather"))
    for data in (from_frame(table, "y"), read_table(tmp_path / f"a{suffix}", "y")):
        assert [str(dtype) for dtype in data.x.frame.dtypes] == ["Int64", "UInt8", "float64"]
        assert data.x.frame["n"].tolist() == [2**60 + 1, pd.NA, 3, 4]


def test_a_named_index_in_a_file_is_a_column(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"n": [4, 5, 6], "y": ["a", "b", "b"]})
    frame.set_index("n").to_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet", "y").x.frame["n"].tolist() == [4, 5, 6]


def test_polars() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"x": [1.5, None, 2.5], "w": ["a", "b", None], "y": ["p", "q", "p"]})
    data = from_frame(frame, "y")
    assert data.class_counts == {"p": 2, "q": 1} and data.x.frame["w"].isna().tolist() == [False, False, True]


def test_labeled_data() -> None:
    frame = table()
    data = from_frame(frame.set_index("amount", drop=False), "claim")
    assert data.kind == "table" and data.classes == ("fine", "fraud") and data.ids[:2] == ("0", "1")
    assert list(data.x.frame.columns) == [c for c in frame.columns if c != "claim"]
    rare = data.subset(data.y == data.label_of("fraud"))
    assert list(rare.x.frame.index) == list(range(len(rare))) and set(rare.class_counts) == {"fine", "fraud"}
    pd.testing.assert_frame_equal(to_frame(rare, data), frame[frame["claim"] == "fraud"].reset_index(drop=True))
    assert data.fingerprint == from_frame(frame, "claim").fingerprint != rare.fingerprint
    assert data.fingerprint != from_frame(frame.assign(amount=frame["amount"] + 1), "claim").fingerprint
    with pytest.raises(TypeError, match="made by 'from_arrays' or 'from_frame'"):
        LabeledData(frame, data.y, data.classes, data.ids)


@pytest.mark.parametrize(
    "labels",
    [
        [1, 0, 0],
        [1.0, 0.0, 0.0],
        [True, False, False],
        pd.Categorical(["lo", "hi", "hi"], ["lo", "mid", "hi"], ordered=True),
        pd.array([1, 0, 0], dtype="UInt8"),
        pd.array([True, False, False], dtype="boolean"),
    ],
)
def test_the_label_column_keeps_its_place_dtype_and_values(labels: Any) -> None:
    frame = pd.DataFrame({0: [1, 2, 3], 1: labels, 2: ["a", "b", "c"]})
    data = from_frame(frame, 1)
    pd.testing.assert_frame_equal(to_frame(data, data), frame)
    assert from_frame(frame, "1").x.schema == data.x.schema  # as a command line would say it
    assert to_frame(data.subset([2, 0]), data)[1].tolist() == [frame[1][2], frame[1][0]]


def contents(data: LabeledData) -> set[bytes]:
    return set(data.x.hashes())


def test_the_split_keeps_exact_copies_together_whatever_their_ids() -> None:
    frame = pd.concat([table(), table().iloc[:40]], ignore_index=True)
    frame.insert(0, "id", np.arange(len(frame)))
    parts = split(from_frame(frame, "claim"), 0.25, 0.1, 0)
    three = (parts.train, parts.validation, parts.test)
    assert sum(len(contents(part)) for part in three) == 300
    assert sorted(int(i) for part in three for i in part.ids) == list(range(340))
    assert parts.train.notes[-1] == "40 rows are exact copies of others; copies were kept in the same part."
    assert keep_only(parts.train, {"fraud": 3}, 0).notes[-1].endswith("to 3 rows on request.")


def test_rows_that_are_equal_because_there_are_few_values_are_no_copies() -> None:
    frame = pd.DataFrame({"a": [0, 1] * 50, "b": ["x", "y"] * 50, "y": ["p", "p", "q", "q"] * 25})
    parts = split(from_frame(frame, "y"), 0.25, 0.1, 0)
    assert len(parts.test) == 24 and parts.train.notes == ()


def test_own_test_table_loses_no_label() -> None:
    frame = table()
    test = frame[frame["claim"] == "fraud"].iloc[:5]
    other = pd.concat([test, frame.iloc[:3].assign(amount=-1.0, claim="fine")], ignore_index=True)
    parts = split(from_frame(frame, "claim"), 0.2, 0.1, 0, from_frame(other, "claim"))
    assert not contents(parts.test) & (contents(parts.train) | contents(parts.validation))
    assert to_frame(parts.test, parts.train)["claim"].tolist() == other["claim"].tolist()
    assert "5 rows were left out because they are exact copies of test rows." in parts.train.notes


def test_copies_are_equal_in_value_not_in_dtype() -> None:
    frame = table().drop(columns=["job"])
    same = frame.assign(kids=frame["kids"].astype("float64"), amount=frame["amount"].astype(object))
    assert from_frame(frame, "claim").x.hashes() == from_frame(same, "claim").x.hashes()


def test_columns_called_alike_as_text_and_number_are_two() -> None:
    frame = pd.DataFrame({1: [1, 2, 3, 4], "1": [0.5] * 4, "y": ["a", "b"] * 2})
    assert len(contents(from_frame(frame, "y"))) == 4


def test_a_damaged_packed_table_is_refused_before_it_is_used(tmp_path: Path) -> None:
    pa, feather = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.feather")
    table = pa.table({"text": pa.array(["aaaa", "bbbb", "cccc"], pa.string()), "y": [0, 1, 0]})
    feather.write_feather(table, tmp_path / "t.feather", compression="uncompressed")
    data = (tmp_path / "t.feather").read_bytes()
    offsets = np.array([0, 4, 8, 12], np.int32).tobytes()
    assert data.count(offsets) == 1
    (tmp_path / "t.feather").write_bytes(data.replace(offsets, np.array([0, 2**31 - 1, 8, 12], np.int32).tobytes()))
    with pytest.raises(ValueError, match="t.feather' cannot be read as a table"):
        read_table(tmp_path / "t.feather", "y")
