"""The benchmark of rare classes: what trains on what, what is done twice, and what its table says."""

from __future__ import annotations

import gzip
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
COUNTS = (30, 20, 10, 8, 8, 8, 8, 8, 8, 6)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, with tiny data sets that are already there, and few steps."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module, measure = (importlib.import_module(name) for name in ("rare_classes", "rare_measure"))
    for name in ("rare_measure", "rare_jobs", "rare_report"):
        monkeypatch.setattr(importlib.import_module(name), "COUNTS", COUNTS)
    monkeypatch.setattr(module, "QUICK_STEPS", 10)
    monkeypatch.setattr(measure, "BATCH", 8)
    for seed, name in enumerate(("mnist", "fashion")):
        idx_files(tmp_path / "data" / name, seed)
    measure.load.cache_clear()
    return module


def idx_files(folder: Path, seed: int) -> None:
    """Write bright bars whose place is the class, and noise, as four IDX files."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for part, each in (("train", 32), ("t10k", 6)):
        y = rng.permutation(np.repeat(np.arange(10, dtype=np.uint8), each))
        x = rng.integers(0, 60, (len(y), 10, 10), dtype=np.uint8)
        x[np.arange(len(y)), :, y] += 150
        images = b"\0\0\x08\x03" + np.array(x.shape, ">i4").tobytes() + x.tobytes()
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            b"\0\0\x08\x01" + np.array(y.shape, ">i4").tobytes() + y.tobytes()
        )


def test_the_table_has_every_arm_and_nothing_is_done_twice(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["--draws", "0-1", "--samplers", "smote", "--data", "mnist"]
    command += ["--folder", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(bench, "STEPS", 10)
    report = importlib.import_module("rare_report")
    monkeypatch.setattr(report, "LEARNED", "smote to 2x")
    monkeypatch.setattr(report, "CLASSICAL", "augmented")
    bench.main(command)
    first = capsys.readouterr().out
    arms = ["real", "class weights", "oversampled", "augmented", "mixup", "cutmix", "augmented, wider"]
    arms += [f"smote to {target}" for target in ("twice that", "majority", "majority + affine", "majority, gated")]
    arms += [f"smote to {target}" for target in ("2x", "5x", "10x", "majority instead of real")]
    rows = {line.split(" | ")[0].strip("| "): line for line in first.splitlines() if line.startswith("| ")}
    assert list(rows)[2 : 2 + len(arms)] == arms and "*DeepSMOTE, published*" in rows
    better = max(("augmented", "augmented, wider"), key=lambda arm: float(rows[arm].split(" | ")[2].split()[0]))
    assert rows[better].split(" | ")[1] == "+0.00 (+0.00 to +0.00)" and f"ACSA - {better} |" in first
    assert all(rows[arm].endswith("| 2 |") for arm in arms)
    figures = {arm: float(rows[arm].split(" | ")[2].split()[0]) for arm in ("smote to 2x", "augmented")}
    told = first.split("`smote to 2x` minus `augmented`, paired: ")[1].split()[0]
    assert float(told) == pytest.approx(figures["smote to 2x"] - figures["augmented"], abs=0.02)

    def never(*job: object, **at: object) -> None:
        raise AssertionError(f"{job} is done again")

    monkeypatch.setattr(bench, "measure", never)
    bench.main(command)
    assert capsys.readouterr().out == first
    bench.main([*command, "--report"])
    again = capsys.readouterr().out
    assert [line for line in again.splitlines() if line.startswith("|")] == [
        line for line in first.splitlines() if line.startswith("|")
    ]
    monkeypatch.setattr(bench, "STEPS", 12)  # results of other settings are not used
    with pytest.raises(AssertionError, match="is done again"):
        bench.main(command)


def test_the_bar_can_be_run_alone_on_other_cuts(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "STEPS", 10)
    monkeypatch.setattr(bench, "BAR", ("augmented", "augmented, wider", "smote to twice that"))
    command = ["--bar", "--draws", "5-6", "--samplers", "smote", "--data", "mnist"]
    bench.main([*command, "--folder", str(tmp_path / "data"), "--out", str(tmp_path / "out")])
    rows = [line.split(" | ")[0].strip("| ") for line in capsys.readouterr().out.splitlines() if " | 2 |" in line]
    assert rows == ["augmented", "augmented, wider", "smote to twice that"]
    assert sorted(path.name for path in (tmp_path / "out" / "mnist").iterdir()) == ["5", "6"]
    (tmp_path / "page.md").write_text("no place for tables")
    with pytest.raises(ValueError, match="the bar:begin"):
        bench.main([*command, "--folder", str(tmp_path / "data"), "--write", str(tmp_path / "page.md")])


def test_the_rows_of_the_bar_are_rows_of_the_table(bench: ModuleType) -> None:
    arms = {
        job.arm for job in importlib.import_module("rare_jobs").jobs(["mnist"], [0], 10, ["deformation", "recipes"])
    }
    assert {*bench.BAR} <= arms and len(bench.BAR) == 4


def test_a_cut_has_its_counts_and_no_test_image(bench: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "mnist"
    measure = importlib.import_module("rare_measure")
    first, second, test = measure.cut(folder, 0), measure.cut(folder, 1), measure.load(folder, "t10k")
    assert tuple(first.class_counts.values()) == COUNTS == tuple(second.class_counts.values())
    assert set(first.x.hashes()).isdisjoint(test.x.hashes())
    assert set(first.ids) != set(second.ids)
    assert measure.adds("majority") == {str(c): 30 - n for c, n in enumerate(COUNTS)}
    assert measure.adds("twice that")["0"] == 30
    assert measure.adds("2x")["9"] == 6 and measure.adds("2x")["1"] == 10


def test_wrong_names_and_missing_files_are_told(bench: ModuleType, tmp_path: Path) -> None:
    idx = importlib.import_module("idx_data")
    for wrong in (["--samplers", "gan"], ["--draws", "4-2"], ["--draws", "first"]):
        with pytest.raises(SystemExit):
            bench.main(wrong)
    (tmp_path / "data" / "mnist" / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="train-labels"):
        idx.read_idx(tmp_path / "data" / "mnist", "train")


def test_every_way_to_fetch_is_tried_and_told(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    idx = importlib.import_module("idx_data")

    def fails(name: str, folder: Path) -> None:
        raise OSError("no network")

    monkeypatch.setattr(idx, "WAYS", {"mnist": fails})
    monkeypatch.setattr(idx, "_from_torchvision", fails)
    with pytest.raises(RuntimeError, match="no network.*no network.*put its four IDX files"):
        idx.fetch("mnist", tmp_path / "none")
    assert idx.fetch("mnist", tmp_path / "data" / "mnist") == tmp_path / "data" / "mnist"
