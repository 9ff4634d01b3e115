"""Hostile and broken documents on the command line: each is carried through unharmed, or refused in a sentence."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import refused, run
from made_reviews import review

COLUMNS = ("--text", "body", "--target", "label")
QUICK = ("--evaluate.classifiers", "logistic", "--evaluate.folds", 2, "--evaluate.arms", "real,real + synthetic")
EDITS = ("--sampler", "edits", "--to", "2x", *QUICK, "--quiet")
Texts = list[str]


def texts_and_labels(hard: Texts) -> tuple[Texts, Texts]:
    """Documents of two classes, of which some are hard; these come first, and are of the rare class."""
    rng, labels = np.random.default_rng(0), ["offer"] * 16 + ["plain"] * 32
    texts = [review(label, rng) for label in labels]
    return [*hard, *texts[len(hard) :]], labels


def written(path: Path, hard: Texts) -> Path:
    texts, labels = texts_and_labels(hard)
    frame = pd.DataFrame({"body": texts, "label": labels}, dtype=object)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    else:
        frame.to_csv(path, index=False, quoting=2, lineterminator="\n")
    return path


def lines(path: Path) -> Texts:
    return path.read_bytes().decode().strip().split("\n")


CARRIED: dict[str, Texts] = {
    "NUL": ["NUL \0 in it"],
    "page": ["<script>alert(1)</script> <b>now", "</li></ul><img src=x onerror=alert(2)>"],
    "formulas": ["=1+1", "@SUM(A1)", "+1 more", "-2+3", '=cmd|"/c calc"!A0', "\t=1+1"],
    "turned": ["\u202eevil\u202c, x", "\u2066one\u2069 two", "\u05e9\u05dc\u05d5\u05dd \u200f!"],
    "lines": ["a\r\nb\nc\rd", "alone\rhere", "\n", "\r", "\u2028x\x0b\x0c\x85y"],
    "quotes": ['"', '""a""', "'", 'a "quoted", word'],
    "long": ["word " * 200_000, "x" * 1_000_000],
    "marks": ["z" + "\u0301\u0323" * 2000, "\U0001f469\u200d\U0001f680 \ufeff"],
    "missing": ["", "", "NA", "null"],
}


@pytest.mark.parametrize("name", CARRIED)
def test_what_is_hard_to_carry_comes_out_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    source, out = written(tmp_path / "hard.csv", CARRIED[name]), tmp_path / "out.csv"
    assert run(capsys, "explore", source, *COLUMNS)[0] == 0
    assert run(capsys, "rebalance", source, *COLUMNS, *EDITS, "--out", out)[0] in (0, 1)
    real, mixed = (pd.read_csv(path, dtype=str, na_filter=False) for path in (source, out))
    pd.testing.assert_frame_equal(mixed[: len(real)], real)
    page = (tmp_path / "out.run" / "report.html").read_bytes().decode()
    assert "<script>alert" not in page and "<img src=x" not in page
    assert not any(mark in page for mark in "\u202e\u2066\u2069")


def test_half_characters_are_replaced_where_they_are_texts_and_carried_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = written(tmp_path / "half.jsonl", ["half \ud800 a character"]), tmp_path / "out.jsonl"
    rows = [json.loads(line) | {"title": "\udfff", "tags": ["a", {"b": None}]} for line in lines(source)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run(capsys, "explore", source, *COLUMNS)[0] == 0
    assert run(capsys, "rebalance", source, *COLUMNS, *EDITS, "--out", out)[0] in (0, 1)
    mixed = [json.loads(line) for line in lines(out)]
    assert mixed[0]["body"] == "half \ufffd a character"
    assert mixed[1 : len(rows)] == rows[1:]


def bytes_of(text: str, coding: str) -> bytes:
    return f"body,label\n{text},a\n{text} two,a\n{text} three,b\n{text} four,b\n".encode(coding)


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "utf-16": ("a.csv", bytes_of("gr\u00fcn", "utf-16"), "is not text in UTF-8"),
    "latin-1": ("a.csv", bytes_of("gr\u00fcn", "latin-1"), "is not text in UTF-8"),
    "open quote": ("a.csv", b'body,label\n"open,a\nb,b\n', "cannot be read as a table"),
    "names twice": ("a.csv", b"body,label,body\na,x,b\nc,y,d\n", "two columns are called 'body'"),
    "one class": ("a.csv", bytes_of("x", "utf-8").replace(b",b", b",a"), "adds nothing"),
    "broken line": ("a.jsonl", b'{"body": "a", "label": "x"}\n{"body": \n', "line 2 is no JSON"),
    "nested": ("a.jsonl", b'{"body": ["a"], "label": "x"}\n' * 4, "column 'body' holds ['a'], which is no text"),
    "deep": ("a.jsonl", b'{"body": ' + b"[" * 100_000 + b"\n", "line 1 is no JSON"),
    "nothing": ("a.csv", b"", "cannot be read as a table"),
    "packed badly": ("a.csv.gz", gzip.compress(bytes_of("x", "utf-8"))[:20] + b"\xff" * 9, "cannot be read as a table"),
    "all equal": ("a.csv", b"body,label\n" + b"same,a\n" * 9 + b"same,b\n" * 9, ""),
    "all empty": ("a.csv", b"body,label\n" + b",a\n" * 9 + b",b\n" * 9, ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    file, content, said = REFUSED[name]
    (tmp_path / file).write_bytes(content)
    sentence = refused(capsys, "rebalance", tmp_path / file, *COLUMNS, *EDITS, "--out", tmp_path / "out.csv")
    assert said in sentence and "codec can't" not in sentence.replace(f"({sentence.partition('(')[2]}", "")


def test_what_is_no_text_is_written_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts, labels = texts_and_labels([])
    rows: list[dict[str, Any]] = [{"body": t, "label": c} for t, c in zip(texts, labels, strict=True)]
    rows[0]["body"], rows[1]["body"] = 12, None
    del rows[2]["body"]
    rows[3]["more"] = 1
    path, out = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    path.write_text("\ufeff" + "".join(json.dumps(row) + "\n\n" for row in rows))
    assert run(capsys, "explore", path, *COLUMNS)[0] == 0
    assert run(capsys, "rebalance", path, *COLUMNS, *EDITS, "--out", out)[0] in (0, 1)
    mixed = [json.loads(line) for line in lines(out)]
    assert [{k: v for k, v in row.items() if v is not None} for row in mixed[:4]] == [
        {k: v for k, v in row.items() if v is not None} for row in rows[:4]
    ]


def folder(path: Path) -> Path:
    for at, (text, label) in enumerate(zip(*texts_and_labels([]), strict=True)):
        (path / label).mkdir(parents=True, exist_ok=True)
        (path / label / f"{at}.txt").write_text(text)
    return path


STRANGE: dict[str, Callable[[Path], object]] = {
    "bytes": lambda at: (at / "x.txt").write_bytes(b"\xff\xfe\x00"),
    "out": lambda at: (at / "x.txt").symlink_to(at.parent.parent / "secret.txt"),
    "nowhere": lambda at: (at / "x.txt").symlink_to("nowhere"),
    "loop": lambda at: (at / "x.txt").symlink_to("x.txt"),
    "folder": lambda at: (at / "x.txt").mkdir(),
    "pipe": lambda at: os.mkfifo(at / "x.txt"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_file_of_a_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    data = folder(tmp_path / "data")
    (tmp_path / "secret.txt").write_text("secret")
    STRANGE[name](data / "plain")
    assert "x.txt is no" in refused(capsys, "explore", data)


def test_thousands_of_classes_are_explored_and_no_classifier_is_fitted_to_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("body,label\n" + "".join(f"word{i} no{j},../{i}\n" for i in range(2000) for j in range(2)))
    code, out, said = run(capsys, "explore", path, *COLUMNS, "--templates", "false")
    assert code == 0 and "../1999" in out, said
    sentence = refused(capsys, "rebalance", path, *COLUMNS, *EDITS, "--templates", "false", "--out", tmp_path / "b.csv")
    assert "the documents have 2,000 classes" in sentence
