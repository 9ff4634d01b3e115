"""A folder of Parquet files is one table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gensynth.cli.main import main
from gensynth.data.frames import read_plain
from gensynth.kind import kind_of
from gensynth.kinds.table.tables import read_frame, read_table

pytest.importorskip("pyarrow")


def rows(n: int = 90) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = {"size": rng.normal(size=n), "kids": rng.integers(0, 9, n), "job": rng.choice(["cook", "nurse"], n)}
    return pd.DataFrame(x).assign(claim=np.where(np.arange(n) % 5, "fine", "fraud"))


def in_parts(frame: pd.DataFrame, folder: Path) -> Path:
    """Write rows as Spark does: three parts, a mark, and what a running job leaves."""
    (folder / "_temporary").mkdir(parents=True)
    for at, start in enumerate(range(0, len(frame), 40)):
        frame.iloc[start : start + 40].to_parquet(folder / f"part-{at:05}.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "_temporary" / "part.parquet").write_bytes(b"half of it")
    (folder / ".part-00000.parquet.crc").write_bytes(b"crc")
    return folder


def test_rows_come_in_the_order_of_the_parts(tmp_path: Path) -> None:
    folder = in_parts(rows(), tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(read_frame(folder), rows())
    pd.testing.assert_frame_equal(read_plain(folder), rows())
    rows().to_parquet(tmp_path / "one.parquet")
    assert read_table(folder, "claim").fingerprint == read_table(tmp_path / "one.parquet", "claim").fingerprint


def test_sub_folders_are_columns(tmp_path: Path) -> None:
    frame = rows().assign(year=np.repeat([2023, 2024], 45))
    frame.to_parquet(tmp_path / "rows.parquet", partition_cols=["year", "job"])
    read = read_frame(tmp_path / "rows.parquet")
    wanted = frame.sort_values(["year", "job"], kind="stable").reset_index(drop=True)
    assert [*read.columns] == ["size", "kids", "claim", "year", "job"]
    pd.testing.assert_frame_equal(read[frame.columns].astype({"year": "int64"}), wanted)


def test_whole_numbers_stay_whole_where_a_part_has_none(tmp_path: Path) -> None:
    folder = in_parts(rows(), tmp_path / "rows.parquet")
    rows(3).assign(kids=None).to_parquet(folder / "part-9.parquet")
    assert str(read_frame(folder)["kids"].dtype) == "Int64"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: rows().drop(columns="job").to_parquet(folder / "part-1.parquet"), "'part-1.*columns job"),
        (lambda folder: (folder / "part-1.parquet").write_bytes(b"PAR1 no PAR1"), "part 'part-1.parquet' .* damaged"),
        (lambda folder: rows().assign(size="big").to_parquet(folder / "part-1.parquet"), "'part-1.*size"),
        (lambda folder: [part.unlink() for part in folder.glob("part-*")], "holds no file that ends in .parquet"),
    ],
)
def test_a_part_that_does_not_fit_is_named(tmp_path: Path, spoil: object, says: str) -> None:
    folder = in_parts(rows(), tmp_path / "rows.parquet")
    assert callable(spoil)
    spoil(folder)
    with pytest.raises(ValueError, match=f"rows.parquet' cannot be read as a table: .*{says}"):
        read_frame(folder)


def test_verbs_take_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    in_parts(rows(), tmp_path / "rows.parquet")
    assert kind_of(["rows.parquet/"]).name == "table"
    lines = (
        "train bootstrap --data rows.parquet/ --target claim --out .",
        "sample bootstrap.sampler --label fraud --n 20 --out new.parquet",
        "mix new.parquet --real rows.parquet/ --target claim --out mixed.parquet",
    )
    for line in lines:
        with pytest.raises(SystemExit) as ended:
            main(line.split())
        assert not ended.value.code
    mixed = pd.read_parquet("mixed.parquet")
    assert len(mixed) > 90
    pd.testing.assert_frame_equal(mixed[:90], rows())
