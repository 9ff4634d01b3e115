"""Tests of gensynth.kinds.text.folder: a folder of documents comes out as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checked import drawn
from command_line import run
from made_reviews import reviews

from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kind import kinds
from gensynth.kinds.text.config import TextConfig
from gensynth.kinds.text.documents import Documents, array_of
from gensynth.kinds.text.files import DocumentFiles
from gensynth.mix.mix import mix

QUICK = ("--evaluate.classifiers", "logistic", "--evaluate.folds", 2, "--evaluate.arms", "real,real + synthetic")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of which one file has a mark and line ends of another system."""
    made = reviews(0, 40, 20)
    for i, (text, label) in enumerate(zip(made.x[:], made.y, strict=True)):
        file = tmp_path / "data" / made.classes[label] / f"{i}.TXT"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    (tmp_path / "data" / "plain" / "9 a.txt").write_bytes("\ufeffa strange one\r\nof two lines\r".encode())
    return tmp_path / "data"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("*/*")}


def test_a_folder_comes_out_as_a_folder(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("rebalance", data, "--sampler", "edits", "--to", "2x", *QUICK, "--quiet", "--out", tmp_path / "run")
    assert run(capsys, *command)[0] in (0, 1)
    real, mixed = contents(data), contents(tmp_path / "run" / "dataset")
    assert mixed.items() > real.items()
    listed = pd.read_csv(tmp_path / "run" / "dataset" / "metadata.csv", dtype=str).set_index("file_name")
    assert {*listed.index} == {*mixed} and {*listed["part"]} == {"train", "validation", "test", "synthetic"}
    assert {*listed.index[listed["synthetic"] == "1"]} == mixed.keys() - real.keys()
    assert all(name.startswith("offer/") for name in mixed.keys() - real.keys())


def test_what_is_drawn_is_read_again(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "train", "edits", "--data", data, "--out", tmp_path)[0] == 0
    out = tmp_path / "drawn"
    sample = ("sample", tmp_path / "edits.sampler", "--label", "offer", "--n", 9, "--out", out)
    assert run(capsys, *sample)[0] == 0 and "is complete" in run(capsys, *sample)[2]
    train = kinds()["text"].parts(str(data), TextConfig()).train
    samples, _ = DocumentFiles().read(out, train)
    assert samples.sampler == "edits" and samples.index.tolist() == [*range(9)] and len(samples.parents[0]) == 1
    next(out.glob("*/*.txt")).unlink()
    with pytest.raises(ValueError, match="lists 9 documents and the folder holds 8"):
        DocumentFiles().read(out, train)
    (out / "metadata.csv").unlink()
    assert len(DocumentFiles().read(out, train)[0]) == 8
    (out / "offer").rename(out / "offers")
    with pytest.raises(ValueError, match="has the classes 'offers', which the real data lack"):
        DocumentFiles().read(out, train)
    with pytest.raises(FileNotFoundError):
        DocumentFiles().read(tmp_path / "nothing", train)


def test_names_in_a_table_lead_nowhere(tmp_path: Path) -> None:
    """A table with the columns of a folder may come from a stranger."""
    names = ["../../out.txt", "/out.txt", "a/../../out.txt", "a/b.txt"] * 5
    frame = pd.DataFrame({"file": names, "text": [f"document {i * i}" for i in range(20)], "label": ["a", "b"] * 10})
    frame.to_csv(tmp_path / "t.csv", index=False)
    parts = kinds()["text"].parts(str(tmp_path / "t.csv"), TextConfig(text="text", target="label", templates=False))
    new = drawn(Documents(array_of(["one"]), parts.train.x.form), [1], parts.train.classes)
    said = SampleVerdicts(np.ones(1, dtype=bool), ("",), {}, (parts.train.ids[0],), ("",))
    mix(parts, new, said, tmp_path / "in" / "mixed", DocumentFiles())
    assert {p.name for p in tmp_path.iterdir()} == {"t.csv", "in"}
    assert len(contents(tmp_path / "in" / "mixed")) == 21
