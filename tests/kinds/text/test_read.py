"""Tests of gensynth.kinds.text.read and .files: documents in, and out with all that stood beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checked import drawn

from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kind import kinds
from gensynth.kinds.text.config import TextConfig
from gensynth.kinds.text.documents import Documents, array_of
from gensynth.kinds.text.files import DocumentFiles
from gensynth.kinds.text.read import read_documents
from gensynth.mix.mix import mix, write_synthetic

HOSTILE = [
    "a\r\nb",
    '=cmd|"/c calc"!A0',
    "<script>alert(1)</script>",
    "\u202eevil\u202c, x",
    "NUL \0 in it",
    "",
    " x ",
    "NA",
]
CONFIG = TextConfig(text="body", target="label", test=0.3, validation=0.1)


def table(path: Path, suffix: str, n: int = 40) -> Path:
    """Rows with text that is hard to carry, and columns beside it."""
    texts = [HOSTILE[i % 8] if i < 8 else f"document {i} says {i * i}" for i in range(n)]
    frame = pd.DataFrame({"id": [f"{i:03d}" for i in range(n)], "body": texts, "n": range(n)})
    frame["label"] = ["rare" if i % 4 == 0 else "often" for i in range(n)]
    out = path / f"real{suffix}"
    if suffix == ".jsonl":
        out.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    elif suffix == ".parquet":
        frame.to_parquet(out)
    else:
        frame.to_csv(out, index=False, sep="\t" if suffix == ".tsv" else ",", lineterminator="\n")
    return out


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_real_rows_come_out_as_they_were_and_new_ones_below_them(tmp_path: Path, suffix: str) -> None:
    source = table(tmp_path, suffix)
    parts = kinds()["text"].parts(str(source), CONFIG)
    new = drawn(Documents(array_of(["made, \n one", "two"])), [1, 1], parts.train.classes)
    out = tmp_path / f"mixed{suffix}"
    files = DocumentFiles()
    path = tmp_path / f"drawn{suffix}"
    write_synthetic(replace(new, x=new.x.of(parts.train.x)), None, path, files)
    samples = files.read(path, parts.train)[0]
    assert samples.x[:] == ["made, \n one", "two"] and parts.train.classes[samples.y[0]] == "rare"
    said = SampleVerdicts(np.ones(2, dtype=bool), ("", ""), {}, (parts.train.ids[0],) * 2, ("", ""))
    mix(parts, samples, said, out, files)
    if suffix == ".parquet":
        mixed, real = pd.read_parquet(out), pd.read_parquet(source)
        pd.testing.assert_frame_equal(mixed[:40].astype(real.dtypes.to_dict()), real)
        assert mixed["n"][40:].isna().all() and str(mixed["n"].dtype) == "Int64"
        return
    if suffix == ".jsonl":
        before, after = ([json.loads(line) for line in path.read_text().splitlines()] for path in (source, out))
        assert after[:40] == before and after[40]["n"] is None
    else:
        assert out.read_bytes().startswith(source.read_bytes())
    again = read_documents(str(out), CONFIG)
    assert again.x[:][40:] == ["made, \n one", "two"] and len(again) == 42


def test_a_folder_of_texts_is_read_by_class(tmp_path: Path) -> None:
    for label in ("b", "a"):
        (tmp_path / label).mkdir()
        for i in range(3):
            (tmp_path / label / f"{i}.txt").write_bytes(f"\ufefftext {label} {i}".encode())
    kind = kinds()["text"]
    data = kind.read(str(tmp_path), TextConfig())
    assert data.classes == ("a", "b") and data.x[:][:2] == ["text a 0", "text a 1"]
    assert data.x.rows["file"].tolist()[0] == "a/0.txt" and kind.claims(str(tmp_path))
    (tmp_path / "a" / "9.txt").write_bytes(b"\xff\xfe bad")
    with pytest.raises(ValueError, match="9.txt is not text in UTF-8"):
        kind.read(str(tmp_path), TextConfig())
    (tmp_path / "b" / "photo.jpg").touch()
    assert not kind.claims(str(tmp_path)), "images may have texts beside them"


def test_documents_that_are_nearly_the_same_stay_in_one_part(tmp_path: Path) -> None:
    form = "Dear {}, your order number {} has been sent today and will be with you in three days, thank you."
    texts = [form.format(name, i) for i, name in enumerate(["Ann", "Bob", "Cy", "Di", "Ed"] * 4)]
    texts += [f"{word} is something else entirely {word}" for word in "abcdefghijklmnopqrst"]
    frame = pd.DataFrame({"body": texts, "label": (["x", "y"] * 20)})
    frame.to_csv(tmp_path / "a.csv", index=False)
    parts = kinds()["text"].parts(str(tmp_path / "a.csv"), CONFIG)
    of = [any(text.startswith("Dear") for text in part.x[:]) for part in parts.by_name.values()]
    assert sum(of) == 1 and "nearly the same" in " ".join(parts.train.notes)
    frame["label"] = ["form"] * 20 + ["other"] * 20
    frame.to_csv(tmp_path / "b.csv", index=False)
    alone = read_documents(str(tmp_path / "b.csv"), CONFIG)
    assert alone.groups is None and "All documents of 'form'" in alone.notes[-1]
    frame["label"] = ["x", "y"] * 20
    free = TextConfig(text="body", target="label", templates=False)
    assert read_documents(str(tmp_path / "a.csv"), free).groups is None
    by = read_documents(str(tmp_path / "a.csv"), TextConfig(text="body", target="label", group="label"))
    assert by.groups == tuple(frame["label"])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (TextConfig(target="label"), "which column of .* holds the texts. Name it: --text COLUMN"),
        (TextConfig(text="body"), "which column of .* is the label. Name it: --target COLUMN"),
        (TextConfig(text="bdy", target="label"), "--text 'bdy' is not one of the columns .* Did you mean 'body'"),
        (TextConfig(text="body", target="body"), "cannot be both"),
        (TextConfig(text="body", target="label", group="who"), "--group 'who' is not one of"),
        (TextConfig(text="body", target="id"), "have a single document"),
    ],
)
def test_wrong_columns_are_refused(tmp_path: Path, config: TextConfig, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_documents(str(table(tmp_path, ".csv")), config)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"body": "a", "label": "x"}\n[1]\n', "line 2 is no object of JSON"),
        ("a.jsonl", b'{"body": \n', "cannot be read as a table"),
        ("a.csv", b"body,label\n", "holds no documents"),
        ("a.csv", b"body,label\nx,\ny,b\n", "1 row has no 'label'"),
        ("a.csv", b"body,label\n\xff,b\n", "is not text in UTF-8"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_documents(str(tmp_path / name), CONFIG)


def test_half_characters_are_told(tmp_path: Path) -> None:
    lines = [{"body": text, "label": label} for text in ("a \ud800", "b") for label in "xy"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    data = read_documents(str(tmp_path / "a.jsonl"), CONFIG)
    assert "2 documents hold half characters" in " ".join(data.notes) and "\ufffd" in data.x.rows["body"][0]
    assert np.array_equal(data.y, [0, 1, 0, 1])
