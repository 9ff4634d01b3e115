"""The tail of a number as a rare class: where it begins, how it is read, and that rows keep their own number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.fidelity.checker import FidelityChecker
from gensynth.kinds.table.config import TableConfig, WholeTableConfig
from gensynth.kinds.table.files import RowFiles
from gensynth.kinds.table.read import read_like, read_real_table, read_table_parts, tail_of
from gensynth.kinds.table.samplers.catalog import get_table_sampler, load_sampler, table_sampler_names
from gensynth.kinds.table.schema import Schema
from gensynth.kinds.table.tail import TAIL, Tail


def homes(n: int = 240, seed: int = 0) -> pd.DataFrame:
    """Prices with a long tail, whole numbers between other columns."""
    rng = np.random.default_rng(seed)
    size, town = rng.normal(100, 25, n).round(1), rng.choice(["north", "south"], n)
    price = np.exp(rng.normal(5 + size / 100 + (town == "south"), 0.2)).round().astype(np.int64)
    return pd.DataFrame({"town": town, "price": price, "size": size, "rooms": (size // 25).astype(np.int64)})


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    homes().to_csv(tmp_path / "homes.csv", index=False)
    return tmp_path / "homes.csv"


def parts_of(csv: Path, **settings: Any) -> Parts:
    return read_table_parts(csv, TableConfig(**{"target": "price", "rare": "high", **settings}))


def prices(data: Any) -> np.ndarray:
    return data.x.frame["price"].to_numpy()


@pytest.mark.parametrize(
    ("tail", "classes", "labels", "rare"),
    [
        (Tail("p", high=2.5), ("p < 2.5", "p >= 2.5"), [0, 0, 1, 1], (1,)),
        (Tail("p", low=2), ("p <= 2", "p > 2"), [0, 0, 1, 1], (0,)),
        (Tail("p", low=0, high=3), ("p <= 0", "0 < p < 3", "p >= 3"), [1, 1, 1, 2], (2, 0)),
    ],
)
def test_ranges_are_named_and_told_apart(
    tail: Tail, classes: tuple[str, ...], labels: list[int], rare: tuple[int, ...]
) -> None:
    assert tail.classes == classes and sorted(tail.rare) == sorted(rare)
    assert tail.labels(np.array([1.0, 2.0, 2.5, 3.0])).tolist() == labels


def test_a_tail_holds_its_share_of_the_rows_and_begins_at_an_observed_value() -> None:
    x = np.random.default_rng(0).normal(size=200)
    for rare, inside in (("high", [180, 20]), ("low", [20, 180]), ("both", [20, 160, 20])):
        tail = tail_of("x", x, rare, 0.1)
        assert np.bincount(tail.labels(x)).tolist() == inside and {tail.low, tail.high} - {None} <= {*x}


def test_what_is_no_tail_is_refused() -> None:
    zeros = np.r_[np.zeros(50), np.arange(1.0, 51)]
    assert tail_of("x", zeros, "high", 0.1).high == 41
    with pytest.raises(ValueError, match="cannot be told from others: 50% of the rows reach as far"):
        tail_of("x", zeros, "both", 0.1)
    with pytest.raises(ValueError, match=r"x >= 9 holds in a single one of 10 rows; at least 2 are needed: raise tail"):
        tail_of("x", np.arange(10.0), "high", 0.05)
    for low, high in ((None, None), (3.0, 3.0)):
        with pytest.raises(ValueError, match="neither low nor high|not below high"):
            Tail("x", low, high)
    for wrong in ({"tail": 0.0}, {"tail": 0.25}):
        with pytest.raises(ValueError, match="tail must lie between 0 and 0.25"):
            TableConfig(rare="low", **wrong)
    with pytest.raises(ValueError, match="--tail would change nothing here: rare does not say"):
        TableConfig(tail=0.2)
    with pytest.raises(ValueError, match="--rare would change nothing here: a whole table"):
        WholeTableConfig(rare="low")


def test_rows_keep_their_number_and_no_label_is_added(csv: Path) -> None:
    parts = parts_of(csv)
    real = homes()
    for part in parts.by_name.values():
        at = [int(name) for name in part.ids]
        pd.testing.assert_frame_equal(part.x.frame, real.iloc[at].reset_index(drop=True))
        pd.testing.assert_frame_equal(RowFiles().frame_of(part, part), part.x.frame)
    counts, tail = parts.train.class_counts, parts.train.x.schema.tail
    assert tail == Tail("price", high=float(np.sort(real["price"])[-24])) and tail.high is not None
    assert counts == {f"price < {tail.high:.0f}": 140, f"price >= {tail.high:.0f}": 16}
    assert "24 of 240 rows. The split goes by it" in parts.train.notes[0]
    assert not any("gives the label away" in note for note in parts.train.notes)


def test_wrong_targets_are_refused(csv: Path, tmp_path: Path) -> None:
    def refused(text: str, frame: pd.DataFrame, **settings: Any) -> None:
        path = tmp_path / "wrong.csv"
        frame.to_csv(path, index=False)
        with pytest.raises(ValueError, match=text):
            parts_of(path, **settings)

    refused("'town' is categorical .* only a number has a tail; leave --rare out", homes(), target="town")
    refused("'price' is constant", homes().assign(price=1))
    refused("2 rows have no 'price'; remove such rows", homes().assign(price=[None, None, *range(0, 476, 2)]))
    refused("'price' is id .* or correct its kind in a schema", homes().assign(price=range(240)))
    refused("no column 'prize'.*Did you mean 'price'", homes(), target="prize")
    refused("which column of", homes(), target=None)
    refused("a column is called '\\(tail\\)'", homes().rename(columns={"rooms": TAIL}))
    with pytest.raises(ValueError, match="looks like a quantity.*have its tail filled"):
        parts_of(csv, rare=None)


def test_a_schema_and_further_files_have_the_same_ranges(csv: Path, tmp_path: Path) -> None:
    data = read_real_table(csv, TableConfig(target="price", rare="both", tail=0.05))
    data.x.schema.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == data.x.schema
    again = read_real_table(csv, TableConfig(schema=str(tmp_path / "schema.json")))
    assert again.classes == data.classes and again.y.tolist() == data.y.tolist()
    with pytest.raises(ValueError, match="--target, --rare would change nothing here: the schema says"):
        parts_of(csv, schema=str(tmp_path / "schema.json"))
    fresh, config = homes(80, 1), TableConfig(target="price", rare="both", tail=0.2)
    fresh[fresh["price"] < np.median(fresh["price"])].to_csv(tmp_path / "fresh.csv", index=False)
    found = read_like(tmp_path / "fresh.csv", data, config)
    assert found.classes == data.classes and found.y.tolist() == data.x.schema.tail.labels(prices(found)).tolist()
    parts = parts_of(csv, test_data=str(tmp_path / "fresh.csv"))
    assert parts.test.classes == parts.train.classes and len(parts.test) == len(found)


def test_test_rows_without_a_number_are_refused(csv: Path, tmp_path: Path) -> None:
    fresh = homes(40, 1).astype({"price": object})
    fresh.loc[0, "price"] = None
    fresh.to_csv(tmp_path / "fresh.csv", index=False)
    with pytest.raises(ValueError, match="1 row has no 'price'; remove such rows"):
        parts_of(csv, test_data=str(tmp_path / "fresh.csv"))


@pytest.mark.parametrize("name", [name for name in table_sampler_names() if name != "tabular_vae"])
def test_samplers_draw_numbers_in_the_range_of_the_class(csv: Path, tmp_path: Path, name: str) -> None:
    train = parts_of(csv, rare="both").train
    sampler = get_table_sampler(name)().fit(train)
    sampler.save(tmp_path / "a.sampler")
    for label in train.classes:
        drawn = sampler.sample(label, 40, 0)
        assert (train.x.schema.tail.labels(prices(drawn)) == drawn.y).all() and prices(drawn).dtype == np.int64
        again = load_sampler(tmp_path / "a.sampler").sample(label, 40, 0)
        pd.testing.assert_frame_equal(again.x.frame, drawn.x.frame)


def test_a_number_out_of_the_range_of_its_class_is_invalid(csv: Path) -> None:
    parts = parts_of(csv)
    rare = parts.train.classes[1]
    drawn = get_table_sampler("bootstrap")().fit(parts.train).sample(rare, 30, 0)
    frame = drawn.x.frame.copy()
    frame.loc[:4, "price"] = 300
    wrong = replace(drawn, x=replace(drawn.x, frame=frame))
    samples = FidelityChecker(parts.train).check(wrong).samples
    assert [reason == "invalid" for reason in samples.reason] == [True] * 5 + [False] * 25


def test_rows_of_a_file_are_of_the_class_that_their_number_says(csv: Path, tmp_path: Path) -> None:
    train = parts_of(csv).train
    rows = homes(20, 3).astype({"price": object})
    rows.loc[0, "price"] = None
    rows.to_csv(tmp_path / "rows.csv", index=False)
    samples, _ = RowFiles().read(tmp_path / "rows.csv", train)
    assert samples.classes == train.classes
    expected = [0, *train.x.schema.tail.labels(homes(20, 3)["price"].to_numpy()[1:]).tolist()]
    assert samples.y.tolist() == expected
    assert FidelityChecker(train).check(samples).samples.reason[0] == "invalid", "it has no number"


def test_column_that_gives_the_range_away_is_named(tmp_path: Path) -> None:
    frame = homes()
    frame.assign(tax=frame["price"] * 0.03).to_csv(tmp_path / "homes.csv", index=False)
    data: LabeledData = parts_of(tmp_path / "homes.csv").train
    assert [note.split(" alone")[0] for note in data.notes if "gives the label away" in note] == ["Column 'tax'"]
