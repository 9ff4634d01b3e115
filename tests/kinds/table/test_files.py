"""Tables on disk: real rows first and untouched, synthetic ones after them, and a line of metadata for each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.fidelity.checker import FidelityChecker
from gensynth.kinds.table.files import RowFiles
from gensynth.kinds.table.read import TableConfig, read_table_parts
from gensynth.kinds.table.samplers.bootstrap import SmoothedBootstrap
from gensynth.mix.manifest import COLUMNS
from gensynth.mix.mix import mix, write_synthetic
from gensynth.sampler.synthetic import Synthetic

FILES = RowFiles()


def frame(n: int = 160) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    y = np.arange(n) % 8 == 0
    return pd.DataFrame(
        {
            "key": rng.permutation(n) + 5000,
            "amount": rng.normal(100 + 30 * y, 20).round(2),
            "fraud": y.astype(int),
            "zip": [f"0{i}" for i in rng.integers(100, 120, n)],
            "visits": pd.array(np.where(rng.random(n) < 0.1, None, rng.integers(0, 9, n)), dtype="Int64"),
        }
    )


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    frame().to_parquet(tmp_path / "claims.parquet")
    return read_table_parts(tmp_path / "claims.parquet", TableConfig(target="fraud"))


@pytest.fixture
def drawn(parts: Parts) -> Synthetic:
    return SmoothedBootstrap().fit(parts.train).sample("1", 30, 3)


@pytest.mark.parametrize("name", ["balanced.parquet", "balanced.csv", "balanced.tsv.gz"])
def test_real_rows_come_first_and_as_they_were(parts: Parts, drawn: Synthetic, tmp_path: Path, name: str) -> None:
    verdict = FidelityChecker(parts.train, (parts.validation, parts.test)).check(drawn)
    n = int(verdict.samples.accepted.sum())
    mixed = mix(parts, drawn, verdict.samples, tmp_path / name, FILES, "HELPS")
    assert (mixed.n_real, mixed.n_synthetic) == (len(parts.train), n) and mixed.after["1"] == mixed.before["1"] + n
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv, "gz": lambda p: pd.read_csv(p, sep="\t")}
    back = read[name.rpartition(".")[2]](tmp_path / name)
    real = frame()
    assert list(back.columns) == list(real.columns) and len(back) == 160 + n > 160
    first = back.iloc[:160]
    if name.endswith("parquet"):
        pd.testing.assert_frame_equal(first, real)
        assert back["key"].is_unique, "new rows have ids of their own, also apart from those of test rows"
    assert (first["amount"] == real["amount"]).all() and (back["fraud"].iloc[160:] == 1).all()
    lines = pd.read_csv(FILES.manifest_of(tmp_path / name))
    assert tuple(lines.columns) == COLUMNS and len(lines) == len(back) and (lines["row"] == np.arange(len(back))).all()
    for part, data in parts.by_name.items():
        mine = lines[lines["part"] == part].sort_values("index")
        assert mine["index"].tolist() == list(range(len(data)))
        assert mine["parents"].map(json.loads).tolist() == [[row] for row in data.ids]
        assert mine["row"].astype(str).tolist() == list(data.ids) and set(mine["utility"]) == {"-"}
    assert set(lines["file_name"]) == {name}
    new = lines[lines["synthetic"] == 1]
    assert set(new["utility"]) == {"HELPS"} and (new["part"] == "synthetic").all()
    assert (new["verdict"] == "accepted").all() and set(new["sampler"]) == {"bootstrap"}
    parents = {parent for text in new["parents"] for parent in json.loads(text)}
    assert parents <= set(parts.train.ids)


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
@pytest.mark.parametrize("older", [False, True])
def test_rows_are_read_as_they_were_written(
    parts: Parts, drawn: Synthetic, tmp_path: Path, name: str, older: bool
) -> None:
    samples = FidelityChecker(parts.train).gate(drawn)
    write_synthetic(drawn, samples, tmp_path / name, FILES)
    if older:
        manifest = FILES.manifest_of(tmp_path / name)
        lines = pd.read_csv(manifest, dtype=str, keep_default_na=False)
        lines.drop(columns=["file_name", "parent_distance", "hash_bits", "review", "utility"]).to_csv(manifest)
    back, verdicts = FILES.read(tmp_path / name, parts.train)
    assert verdicts is not None and np.array_equal(verdicts.accepted, samples.accepted)
    assert (verdicts.reason, verdicts.nearest) == (samples.reason, samples.nearest)
    for score in ("near_duplicate", "label", "typicality"):
        assert np.array_equal(verdicts.scores[score], samples.scores[score], equal_nan=True)
    pd.testing.assert_frame_equal(back.x.frame, drawn.x.frame)
    assert (back.sampler, back.seed, back.parents, back.classes) == ("bootstrap", 3, drawn.parents, ("0", "1"))
    assert np.array_equal(back.index, drawn.index) and np.array_equal(back.y, drawn.y)


def test_a_table_by_any_tool_is_read(parts: Parts, tmp_path: Path) -> None:
    frame().head(20).sample(frac=1, axis=1, random_state=1).to_csv(tmp_path / "any.csv", index=False)
    back, _ = FILES.read(tmp_path / "any.csv", parts.train)
    assert back.sampler == "unknown" and back.parents == ((),) * 20
    assert back.x.frame["zip"].tolist() == frame()["zip"].head(20).tolist(), "text that looks like numbers stays text"
    assert np.bincount(back.y).tolist() == [17, 3] and back.index[back.y == 1].tolist() == [0, 1, 2]


def test_what_a_column_cannot_hold_is_left_to_the_gate(parts: Parts, tmp_path: Path) -> None:
    bad = frame().head(9).astype({"visits": object})
    bad.loc[3, "visits"] = "many"
    bad.to_csv(tmp_path / "bad.csv", index=False)
    samples = FidelityChecker(parts.train).gate(FILES.read(tmp_path / "bad.csv", parts.train)[0])
    assert samples.reason[3] == "invalid"


def test_rows_in_other_dtypes_leave_the_real_ones_as_they_are(parts: Parts, tmp_path: Path) -> None:
    rows = frame().assign(visits=frame()["visits"].astype(float)).iloc[:40]
    rows.loc[rows.index[1], "visits"] = 3.5
    rows.to_csv(tmp_path / "rows.csv", index=False)
    samples, _ = FILES.read(tmp_path / "rows.csv", parts.train)
    verdict = FidelityChecker(parts.train).gate(samples)
    verdict = replace(verdict, accepted=np.arange(40) == 2)
    mix(parts, samples, verdict, tmp_path / "mixed.parquet", FILES)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "mixed.parquet").iloc[:160], frame())


def test_large_seeds_are_whole_numbers(parts: Parts, tmp_path: Path) -> None:
    seed = 12345678901234567
    drawn = SmoothedBootstrap().fit(parts.train).sample("1", 4, seed)
    verdict = replace(FidelityChecker(parts.train).gate(drawn), accepted=np.ones(4, dtype=bool))
    mix(parts, drawn, verdict, tmp_path / "b.csv", FILES)
    assert pd.read_csv(FILES.manifest_of(tmp_path / "b.csv"), dtype=str)["seed"].dropna().tolist() == [str(seed)] * 4


def at(row: int, column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """What puts a value into one cell."""
    return lambda frame: frame.assign(**{column: frame[column].where(np.arange(len(frame)) != row, value)})


@pytest.mark.parametrize(
    ("of_rows", "change", "message"),
    [
        (True, lambda rows: rows.drop(columns="amount"), "differ in the columns amount"),
        (True, lambda rows: rows.assign(fraud=7), "'7' is not one of the classes"),
        (True, lambda rows: rows.assign(fraud="maybe"), "'maybe' is not one of the classes"),
        (True, lambda rows: rows.iloc[:0], "holds no rows"),
        (True, lambda rows: rows.assign(fraud=None), "30 rows have no 'fraud'"),
        (False, lambda lines: lines.iloc[:-1], "is not the metadata of the 30 rows"),
        (False, at(0, "seed", "99"), "mixes the samplers and seeds"),
        (False, at(2, "index", "third"), "rows.metadata.csv, line 4: column 'index' holds 'third', and a whole number"),
        (False, at(0, "parents", "7"), "line 2: column 'parents' holds '7', and a list of names"),
        (False, lambda lines: lines.rename(columns={"how": "why"}), "has no column 'how'"),
    ],
)
def test_one_sentence(
    parts: Parts, drawn: Synthetic, tmp_path: Path, of_rows: bool, change: Callable[..., pd.DataFrame], message: str
) -> None:
    write_synthetic(drawn, None, path := tmp_path / "rows.csv", FILES)
    path = path if of_rows else FILES.manifest_of(path)
    as_text = {} if of_rows else {"dtype": str, "keep_default_na": False}
    change(pd.read_csv(path, **as_text)).to_csv(path, index=False)
    with pytest.raises(ValueError, match=message):
        FILES.read(tmp_path / "rows.csv", parts.train)


def test_metadata_paths() -> None:
    assert [FILES.manifest_of(Path("a") / n).name for n in ("x.csv", "x.csv.gz", "x.y.parquet")] == [
        *("x.metadata.csv", "x.metadata.csv", "x.y.metadata.csv")
    ]
    with pytest.raises(ValueError, match="is not a table; its name must end in"):
        FILES.manifest_of(Path("x.txt"))


def test_a_test_part_of_another_file_is_left_out(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "a.csv", index=False)
    frame(200).iloc[160:].to_csv(tmp_path / "b.csv", index=False)
    parts = read_table_parts(tmp_path / "a.csv", TableConfig(target="fraud", test_data=str(tmp_path / "b.csv")))
    assert isinstance(parts.train, LabeledData)
    FILES.write_mixed(parts, None, (), tmp_path / "c.csv")
    assert (tmp_path / "c.csv").read_bytes() == (tmp_path / "a.csv").read_bytes(), "nothing was added"


def test_real_rows_alone_are_written_as_they_were(parts: Parts, tmp_path: Path) -> None:
    FILES.write_mixed(parts, None, (), tmp_path / "same.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "same.parquet"), frame())
