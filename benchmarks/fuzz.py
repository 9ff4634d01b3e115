"""Hostile and broken inputs: every one is answered by an exit status and a sentence of ours, soon and in little memory.

    python benchmarks/fuzz.py --inputs 5000 [--seed 0] [--kinds recipe,npz] [--seconds 10] [--megabytes 1500]

Each input is a sound file or command line of one of the kinds below, changed at random, and given to the command line
in this process. It prints how many inputs of each kind were answered how, and every one that was not answered well:
with an error that no sentence was written for, a traceback, another exit status than 0, 1 and 2, after too long, with
too much memory, or with something written outside its folder. The exit status is 1 if there is any. Inputs are the same
for the same seed; `--only KIND:NUMBER` repeats one of them and prints its traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from gensynth import cli
from gensynth.cli import UNFORESEEN
from gensynth.manifest import write_synthetic
from gensynth.samplers.synthetic import Synthetic

WORDS = [
    *(
        "",
        " ",
        "0",
        "-1",
        "1e309",
        "nan",
        "inf",
        "null",
        "true",
        "x" * 3000,
        "\0",
        "\x1b[2J",
        "\u202egnp",
        "\ud800",
        "é",
        "a,b",
    ),
    *(
        "../../outside",
        "/",
        ".",
        "~",
        "%s",
        "{x}",
        "[",
        "{",
        "]",
        "'",
        '"',
        "*a",
        "&a",
        "!!python/object:os.system",
        "- a",
    ),
    *(
        "8=20",
        "=",
        "auto",
        "none",
        "builtin:digits",
        "9" * 400,
        "1" + "0" * 4400,
        "--",
        "-",
        "@",
        "$(id)",
        "a\nb",
        "a\tb",
    ),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**70, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *([], {}, [[]], {"": None}, [None], "x", *WORDS),
]


PYTHONS = ["invalid literal for", "could not convert string", "values to unpack", "codec can't", "has no attribute"]
PYTHONS += ["object is not", "must be str, not", "unsupported operand", "unexpected keyword argument", "NoneType"]
"""Words of Python itself, which tell nobody what to do."""


@dataclass
class Case:
    """One input: files in a folder of its own, and the command line that reads them.

    Attributes:
        argv: The command line.
        folder: Where it runs; the only place where it may write.
    """

    argv: list[str]
    folder: Path


@dataclass
class Answer:
    """How an input was answered.

    Attributes:
        status: Exit status; None for a traceback, "slow" past the limit.
        said: What it wrote to standard error.
        faults: What is wrong with the answer; empty where it is good.
        where: The traceback of an unforeseen error.
    """

    status: int | None
    said: str
    seconds: float
    megabytes: float
    faults: list[str] = field(default_factory=list)
    where: str = ""


class TooSlow(BaseException):
    """The time for one input is over."""


def mutated_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes with a few of them changed, cut, doubled or moved."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(out) + 1)
        what = rng.randrange(6)
        if what == 0 and out:
            out[at % len(out)] = rng.randrange(256)
        elif what == 1:
            del out[at : at + rng.choice([1, 4, 64, len(out)])]
        elif what == 2:
            out[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice([1, 4, 32])))
        elif what == 3:
            out[at:at] = out[at : at + 64] * rng.choice([1, 3])
        elif what == 4:
            out[at:at] = rng.choice(WORDS).encode("utf-8", "surrogatepass")
        elif out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
    return bytes(out)


def mutated_value(value: Any, rng: random.Random) -> Any:
    """Return a nested plain value with one place of it changed: another value, a missing, extra or doubled entry."""
    inside = isinstance(value, dict | list | tuple) and len(value) and rng.random() < 0.85
    if not inside:
        if isinstance(value, int | float) and rng.random() < 0.3:
            return value * rng.choice([-1, 2, 10**6, 0.5])
        return rng.choice(VALUES) if rng.random() < 0.98 else nested(rng.choice([40, 200, 3000]))
    if isinstance(value, dict):
        out, name = dict(value), rng.choice(list(value))
        what = rng.randrange(8)
        if what == 0:
            del out[name]
        elif what == 1:
            out[rng.choice(WORDS)] = rng.choice(VALUES)
        else:
            out[name] = mutated_value(value[name], rng)
        return out
    items, at = list(value), rng.randrange(len(value))
    what = rng.randrange(8)
    if what == 0:
        del items[at]
    elif what == 1:
        items[at:at] = [items[at]] * rng.choice([1, 2, 50])
    else:
        items[at] = mutated_value(items[at], rng)
    return items


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def as_json(value: Any, rng: random.Random) -> bytes:
    """Return JSON, now and then with its bytes changed too."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):  # nested too deep for Python itself, or a number too long for it
        text = "[" * 20_000
    data = text.encode("utf-8", "surrogatepass")
    return mutated_bytes(data, rng) if rng.random() < 0.25 else data


class Sound:
    """Sound files of every kind, made once, and the ways to break them.

    Args:
        folder: Where they are made.
        runs: Whether also to make a run of images, which takes some seconds.
    """

    def __init__(self, folder: Path, runs: bool = True) -> None:
        self.folder = folder
        rng = np.random.default_rng(0)
        for name, n in (("fine", 8), ("rare", 4)):
            for at in range(n):
                pixels = rng.integers(0, 80, (8, 8, 3)) + 20 * at
                (folder / "data" / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / "data" / name / f"{at}.png")
        files = sorted(p.relative_to(folder / "data").as_posix() for p in (folder / "data").rglob("*.png"))
        lines = [f"{name},s{at % 2},p{at % 3}" for at, name in enumerate(files)]
        (folder / "data" / "metadata.csv").write_text("\n".join(["file_name,scanner,patient", *lines]) + "\n")
        self.x = rng.integers(0, 255, (12, 8, 8)).astype(np.uint8)
        self.table = pd.DataFrame(
            {
                "amount": rng.normal(50, 9, 60).round(2),
                "visits": rng.integers(0, 9, 60),
                "town": rng.choice(["Ulm", "Köln", "Rom"], 60),
                "day": pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d"),
                "claim": np.repeat(["no", "yes"], [40, 20]),
            }
        )
        self.table.loc[3, "amount"] = None
        self.table.to_csv(folder / "t.csv", index=False)
        self.run("explore", "t.csv", "--target", "claim", "--out", "schema.json")
        for name in ("copula", "cart", "bootstrap"):
            self.run("train", name, "--data", "t.csv", "--target", "claim", "--out", ".")
        self.run("sample", "bootstrap.sampler", "--label", "yes", "--n", "9", "--out", "rows.csv")
        few = ["--evaluate.models", "logistic", "--evaluate.folds", "2", "--evaluate.repeats", "1", "--quiet"]
        self.run(
            "rebalance",
            "t.csv",
            "--target",
            "claim",
            "--sampler",
            "copula",
            "--to",
            "balance",
            "--out",
            "full.csv",
            *few,
        )
        shipped = Path(__file__).parent.parent / "checkpoints" / "digits_vae.ckpt"
        shutil.copy(shipped, folder / "vae.ckpt")
        self.contents = torch.load(shipped, weights_only=True)
        x = torch.from_numpy(rng.integers(0, 255, (4, 3, 8, 8)).astype(np.uint8))
        made = Synthetic(
            x,
            np.ones(4, dtype=np.int64),
            ("fine", "rare"),
            np.arange(4),
            "s",
            0,
            ("x",) * 4,
            (("rare/0.png",),) * 4,
            ("",) * 4,
        )
        write_synthetic(made, None, folder / "drawn")
        self.tables = ["full.run"]
        if runs:
            few = ["--sampler", "recipes", "--to", "30", "--evaluate.seeds", "2", "--evaluate.steps", "10", "--quiet"]
            self.run("rebalance", "builtin:digits", "--keep", "8=20", "--size", "8", *few, "--out", "images.run")
            self.tables.append("images.run")

    def run(self, *argv: str) -> None:
        """Make a sound file with the command line."""
        answer = answered(Case(list(argv), self.folder), seconds=600)
        if answer.status not in (0, 1):
            raise RuntimeError(f"{argv}: {answer.said}")

    def option(self, folder: Path, rng: random.Random) -> Case:
        """Break a setting on the command line."""
        base = self.folder
        sound = rng.choice(
            [
                [
                    "explore",
                    f"{base}/data",
                    "--size",
                    "8",
                    "--channels",
                    "1",
                    "--domain",
                    "scanner",
                    "--keep",
                    "fine=3",
                ],
                ["explore", f"{base}/t.csv", "--target", "claim", "--schema", f"{base}/schema.json"],
                [
                    "sample",
                    f"{base}/vae.ckpt",
                    "--label",
                    "8",
                    "--n",
                    "2",
                    "--seed",
                    "1",
                    "--draw",
                    "prior",
                    "--out",
                    "o",
                ],
                ["sample", f"{base}/copula.sampler", "--label", "yes", "--n", "2", "--seed", "1", "--out", "o.csv"],
                ["check", f"{base}/rows.csv", "--against", f"{base}/t.csv", "--target", "claim", "--json", "o.json"],
                ["train", "vae", "--data", "no", "--steps", "9", "--model.z_dim", "4", "--lr", "1", "--out", "o"],
                ["train", "copula", "--data", "no.csv", "--target", "claim", "--settings", "{'a': 1}", "--out", "o"],
                [
                    "rebalance",
                    "no",
                    "--to",
                    "5x",
                    "--sampler",
                    "auto",
                    "--budget",
                    "9s",
                    "--evaluate.seeds",
                    "3",
                    "--out",
                    "o",
                ],
                [
                    "rebalance",
                    "no.csv",
                    "--target",
                    "claim",
                    "--choose.models",
                    "forest",
                    "--choose.ratios",
                    "0.5",
                    "--out",
                    "o.csv",
                ],
                ["mix", f"{base}/drawn", "--real", "no", "--to", "rare", "--out", "o"],
                ["report", f"{base}/data"],
            ]
        )
        argv = list(sound)
        for _ in range(rng.choice([1, 1, 2, 3])):
            places = [at for at in range(1, len(argv)) if argv[at - 1] not in ("--out", "--json")]
            at = rng.choice(places)
            word = rng.choice([*WORDS, str(rng.choice(VALUES[:15])), rng.choice(sound)])
            what = rng.randrange(5)
            if what < 2 and argv[at] not in ("--out", "--json"):
                argv[at] = word
            elif what == 2:
                argv[at:at] = [
                    rng.choice(["--x", "--test", "--validation", "--split_seed", "--memory_gb", "--help"]),
                    word,
                ]
            elif what == 3 and argv[at].startswith("--") and argv[at] not in ("--out", "--json"):
                argv[at] += "=" + word
            elif argv[at] not in ("--out", "--json"):
                argv[at] = mutated_bytes(argv[at].encode("utf-8", "surrogatepass"), rng).decode("utf-8", "replace")
        if any(word.startswith(("--out=", "--json=", "--page")) for word in argv):
            return self.option(folder, rng)  # where it writes is for the user to say
        return Case(argv, folder)

    def recipe(self, folder: Path, rng: random.Random) -> Case:
        """Break a recipe."""
        sound = rng.choice(
            [
                {
                    "size": 8,
                    "channels": 1,
                    "keep": {"fine": 3, "rare": 2},
                    "test": 0.25,
                    "split_seed": 3,
                    "domain": "scanner",
                },
                {"generator": "vae", "model": {"z_dim": 4, "width": 8}, "steps": 9, "lr": 0.1, "keep": {8: 20}},
                {"generator": "dcgan", "model": {"loss": "hinge", "augment": ["color"]}, "batch_size": 9, "dp": None},
            ]
        )
        text = as_json(mutated_value(sound, rng), rng)  # JSON is YAML
        if rng.random() < 0.5:
            lines = "".join(f"{k}: {json.dumps(v)}\n" for k, v in sound.items())
            text = mutated_bytes(lines.encode(), rng)
        (folder / "r.yaml").write_bytes(text)
        if "generator" in sound:
            return Case(["train", str(sound["generator"]), "--data", "no", "--config", "r.yaml", "--out", "o"], folder)
        return Case(["explore", f"{self.folder}/data", "--config", "r.yaml"], folder)

    def schema(self, folder: Path, rng: random.Random) -> Case:
        """Break a schema."""
        sound = json.loads((self.folder / "schema.json").read_text())
        sound["rules"] = [
            {"kind": "predicate", "expression": "amount >= 1 or town == 'Ulm'"},
            {"kind": "inequality", "columns": ["visits", "amount"]},
            {"kind": "fixed_combinations", "columns": ["town", "visits"]},
        ][: rng.randrange(4)]
        value = mutated_value(sound, rng)
        if isinstance(value, dict) and rng.random() < 0.3:
            broken = mutated_bytes(b"amount >= 1 or not (`town` == 'Ulm') and -visits % 3 < 2", rng)
            value["rules"] = [{"kind": "predicate", "expression": broken.decode("utf-8", "replace")}]
        (folder / "s.json").write_bytes(as_json(value, rng))
        return Case(["explore", f"{self.folder}/t.csv", "--schema", "s.json"], folder)

    def run_folder(self, folder: Path, rng: random.Random) -> Case:
        """Break a file of a run, and write its report again."""
        name = rng.choice(self.tables)
        shutil.copytree(self.folder / name, folder / name)
        files = [p for p in (folder / name).rglob("*.json") if p.name != "schema.json"]
        path = rng.choice(sorted(files))
        path.write_bytes(as_json(mutated_value(json.loads(path.read_text()), rng), rng))
        return Case(["report", name], folder)

    def sampler(self, folder: Path, rng: random.Random) -> Case:
        """Break a saved sampler: its bytes, its JSON or its arrays."""
        source = self.folder / f"{rng.choice(['copula', 'cart', 'bootstrap'])}.sampler"
        if rng.random() < 0.3:
            (folder / "a.sampler").write_bytes(mutated_bytes(source.read_bytes(), rng))
        else:
            with np.load(source) as file:
                arrays: dict[str, Any] = dict(file)
            if rng.random() < 0.7:
                arrays["json"] = np.array(
                    as_json(mutated_value(json.loads(str(arrays["json"])), rng), rng).decode("utf-8", "replace")
                )
            else:
                name = rng.choice([name for name in arrays if name != "json"])
                arrays[name] = changed_array(arrays[name], rng)
            with open(folder / "a.sampler", "wb") as out:
                np.savez(out, **arrays)
        return Case(["sample", "a.sampler", "--label", "yes", "--n", "5", "--out", "o.csv"], folder)

    def checkpoint(self, folder: Path, rng: random.Random) -> Case:
        """Break a checkpoint: its bytes, or what it says."""
        if rng.random() < 0.4:
            (folder / "a.ckpt").write_bytes(mutated_bytes((self.folder / "vae.ckpt").read_bytes(), rng))
        else:
            contents = dict(self.contents)
            if rng.random() < 0.3:
                contents["state"] = changed_state(contents["state"], rng)
            else:
                plain = {name: value for name, value in contents.items() if name != "state"}
                broken = mutated_value(plain, rng)
                contents = broken | {"state": contents["state"]} if isinstance(broken, dict) else broken
            try:
                torch.save(contents, folder / "a.ckpt")
            except (RecursionError, UnicodeEncodeError, OverflowError):
                (folder / "a.ckpt").write_bytes(b"")
        return Case(["sample", "a.ckpt", "--label", "8", "--n", "2", "--out", "o"], folder)

    def npz(self, folder: Path, rng: random.Random) -> Case:
        """Break an .npz file: its bytes, its headers or its arrays."""
        arrays: dict[str, Any] = {"x": self.x, "y": np.arange(12) % 2, "classes": np.array(["a", "b"])}
        if rng.random() < 0.6:
            name = rng.choice(list(arrays))
            arrays[name] = changed_array(arrays[name], rng)
        if rng.random() < 0.1:
            del arrays[rng.choice(list(arrays))]
        file = io.BytesIO()
        (np.savez_compressed if rng.random() < 0.3 else np.savez)(file, **arrays)
        data = file.getvalue()
        if rng.random() < 0.3:
            data = mutated_bytes(data, rng)
        elif rng.random() < 0.3:
            data = rezipped(data, rng)
        (folder / "d.npz").write_bytes(data)
        return Case(["explore", "d.npz", *rng.choice([[], ["--domain", "classes"], ["--memory_gb", "1"]])], folder)

    def manifest(self, folder: Path, rng: random.Random) -> Case:
        """Break a metadata.csv, of images drawn or of real ones."""
        drawn = rng.random() < 0.5
        shutil.copytree(self.folder / ("drawn" if drawn else "data"), folder / "d")
        path = folder / "d" / "metadata.csv"
        rows = list(csv.reader(path.read_text().splitlines()))
        for _ in range(rng.choice([0, 1, 1, 2])):
            row = rng.choice(rows)
            row[rng.randrange(len(row))] = rng.choice(WORDS)
            if rng.random() < 0.2:
                rows.append(rng.choice(rows)[: rng.randrange(9)])
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        data = text.getvalue().encode("utf-8", "surrogatepass")
        path.write_bytes(mutated_bytes(data, rng) if rng.random() < 0.4 else data)
        if drawn:
            return Case(["mix", "d", "--real", f"{self.folder}/data", "--to", "9", "--out", "o"], folder)
        return Case(["explore", "d", *rng.choice([[], ["--domain", "scanner"], ["--group", "patient"]])], folder)

    def rows(self, folder: Path, rng: random.Random) -> Case:
        """Break a table: its text, or its bytes as Parquet or packed."""
        name = rng.choice(["t.csv", "t.csv", "t.csv", "t.tsv", "t.csv.gz", "t.parquet", "t.feather"])
        frame = self.table.astype(object)
        for _ in range(rng.randrange(4)):
            frame.iloc[rng.randrange(60), rng.randrange(5)] = rng.choice([w for w in WORDS if w not in ("\ud800",)])
        if name in ("t.parquet", "t.feather"):
            (frame.astype(str).to_parquet if name == "t.parquet" else frame.astype(str).to_feather)(folder / name)
        else:
            sep = "\t" if name == "t.tsv" else ","
            frame.to_csv(folder / name, index=False, sep=sep, mode="wb" if name == "t.csv" else "w")
        if rng.random() < 0.7:
            (folder / name).write_bytes(mutated_bytes((folder / name).read_bytes(), rng))
        return Case(["explore", name, "--target", "claim"], folder)

    def image(self, folder: Path, rng: random.Random) -> Case:
        """Break an image file."""
        shutil.copytree(self.folder / "data", folder / "d")
        pixels = np.random.default_rng(rng.randrange(9)).integers(0, 255, (12, 9, 3)).astype(np.uint8)
        form, suffix = rng.choice(
            [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("GIF", "gif"), ("BMP", "bmp"), ("WEBP", "webp")]
        )
        mode = rng.choice(["RGB", "L", "P"]) if form != "JPEG" else rng.choice(["RGB", "L", "CMYK"])
        file = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(file, form)
        (folder / "d" / "rare" / f"x.{suffix}").write_bytes(mutated_bytes(file.getvalue(), rng))
        return Case(["explore", "d"], folder)


KINDS: dict[str, Callable[[Sound, Path, random.Random], Case]] = {
    "option": Sound.option,
    "recipe": Sound.recipe,
    "schema": Sound.schema,
    "run": Sound.run_folder,
    "sampler": Sound.sampler,
    "checkpoint": Sound.checkpoint,
    "npz": Sound.npz,
    "manifest": Sound.manifest,
    "table": Sound.rows,
    "image": Sound.image,
}
"""The kinds of inputs by name."""


def changed_array(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """Return an array of another shape, dtype or content."""
    changes: list[Callable[[], Any]] = [
        lambda: array[:0],
        lambda: array[: len(array) // 2] if array.ndim else array,
        lambda: array.reshape(1, -1),
        lambda: array.ravel(),
        lambda: array.astype(str),
        lambda: array.astype(complex),
        lambda: array.astype(object),
        lambda: np.full(array.shape, np.nan),
        lambda: np.full(array.shape, -1),
        lambda: np.full(array.shape, 2**62),
        lambda: np.full(array.shape, "nul\0\ud800"),
        lambda: np.zeros((*array.shape, 2)),
        lambda: np.zeros(array.shape, dtype="datetime64[s]"),
        lambda: np.zeros(array.shape, dtype=[("a", "i4"), ("b", "f8")]),
        lambda: np.zeros((2, 2**25), dtype=np.uint8),
    ]
    try:
        return rng.choice(changes)()
    except (TypeError, ValueError):
        return array


def changed_state(state: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return weights of which one is missing, of another shape, no tensor, or far larger than its storage."""
    name = rng.choice(list(state))
    other: list[Any] = [
        None,
        [],
        "x",
        torch.zeros(3),
        torch.zeros(1).expand(10**6, 10**6),
        torch.full((2, 2), torch.nan),
    ]
    out = dict(state) | {name: rng.choice(other)}
    if rng.random() < 0.2:
        del out[name]
    extra = out.get("_extra_state")
    if isinstance(extra, dict) and rng.random() < 0.6:
        tensors = {k: v for k, v in extra.items()}
        tensors[rng.choice(list(extra))] = rng.choice(other)
        out["_extra_state"] = tensors
    return out


def rezipped(data: bytes, rng: random.Random) -> bytes:
    """Return an archive with one member's bytes changed, and right checksums."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = rng.choice(names)
        for name in names:
            new.writestr(name, mutated_bytes(old.read(name)[:200], rng) if name == chosen else old.read(name))
    return out.getvalue()


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooSlow in the block after so many seconds."""

    def stop(*_: Any) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def answered(case: Case, seconds: float = 10.0, megabytes: float = 1500.0) -> Answer:
    """Give an input to the command line in this process, and judge the answer.

    Args:
        case: The input.
        seconds: How long it may take.
        megabytes: How much memory it may take.
    """
    out, err, home = io.StringIO(), io.StringIO(), Path.cwd()
    held, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, perf_counter()
    answer = Answer(None, "", 0.0, 0.0)
    complain = cli._complain

    def watched(sentence: str, status: int = 2) -> int:
        error = sys.exc_info()[1]
        if error is not None and (fault := unforeseen(error, sentence)):
            answer.faults.append(fault)
            answer.where = "".join(traceback.format_exception(error))
        return complain(sentence, status)

    cli._complain = watched
    os.chdir(case.folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), time_limit(seconds):
            cli.main(case.argv)
    except SystemExit as stop:
        answer.status = int(stop.code or 0)
    except TooSlow as slow:
        answer.faults.append("slow")
        answer.where = "".join(traceback.format_exception(slow)[-6:])
    except BaseException as error:  # this is what is looked for
        answer.faults.append(f"traceback: {type(error).__name__}")
        answer.where = traceback.format_exc()
    finally:
        cli._complain = complain
        os.chdir(home)
    answer.said, answer.seconds = err.getvalue(), perf_counter() - start
    answer.megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
    if answer.status not in (0, 1, 2, None):
        answer.faults.append(f"status {answer.status}")
    if answer.megabytes > megabytes:
        answer.faults.append(f"{answer.megabytes:.0f} MB")
    if "Traceback" in answer.said:
        answer.faults.append("traceback")
    return answer


def unforeseen(error: BaseException, sentence: str) -> str:
    """Return what is wrong with the answer to an error: no sentence was written for it, or a library's is passed on."""
    if UNFORESEEN in sentence:
        return "fallback"
    if isinstance(error, MemoryError):
        return "out of memory"
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    raised = Path(at.tb_frame.f_code.co_filename) if at is not None else Path()
    ours = raised.is_relative_to(Path(cli.__file__).parent.parent) and "site-packages" not in raised.parts
    about_input = type(error).__module__.partition(".")[0] in ("argparse", "jsonargparse") or isinstance(error, OSError)
    unclear = "" if error.__cause__ else next((words for words in PYTHONS if words in sentence), "")
    return unclear or ("" if ours or about_input else f"words of {raised.name}")


def outside(folder: Path) -> dict[str, float]:
    """Return all files beside the folder in which inputs run, with the times of their last change."""
    return {str(p): p.stat().st_mtime for p in folder.rglob("*") if p.is_file() and "arena" not in p.parts}


def one(sound: Sound, kind: str, number: int, seed: int, seconds: float, megabytes: float) -> tuple[Case, Answer]:
    """Make one input, give it to the command line, and remove what it left."""
    arena = sound.folder / "arena" / "a" / "b"
    shutil.rmtree(arena, ignore_errors=True)
    arena.mkdir(parents=True)
    case = KINDS[kind](sound, arena, random.Random(f"{seed}/{kind}/{number}"))
    before = outside(sound.folder)
    answer = answered(case, seconds, megabytes)
    if outside(sound.folder) != before or {p.name for p in (sound.folder / "arena").iterdir()} != {"a"}:
        answer.faults.append("wrote outside its folder")
    return case, answer


def main(argv: list[str] | None = None) -> int:
    """Run the inputs; return 1 if any was not answered well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--megabytes", type=float, default=1500.0)
    parser.add_argument("--only", help="KIND:NUMBER")
    parser.add_argument("--show", action="store_true", help="print every answer")
    given = parser.parse_args(argv)
    kinds = given.kinds.split(",")
    chosen = [(kinds[at % len(kinds)], at // len(kinds)) for at in range(given.inputs)]
    if given.only:
        chosen = [(given.only.partition(":")[0], int(given.only.partition(":")[2]))]
    counts: Counter[tuple[str, str]] = Counter()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        sound = Sound(Path(folder).resolve(), runs="run" in {kind for kind, _ in chosen})
        for kind, number in chosen:
            case, answer = one(sound, kind, number, given.seed, given.seconds, given.megabytes)
            counts[kind, "not well" if answer.faults else str(answer.status)] += 1
            if answer.faults:
                bad += 1
                said = answer.said.strip().splitlines()[-1:] or [""]
                print(
                    f"{kind}:{number} {', '.join(answer.faults)} in {answer.seconds:.1f} s: {said[0][:300]!r}",
                    flush=True,
                )
                last = [line.strip() for line in answer.where.splitlines() if "gensynth/" in line or "models/" in line]
                print(f"    {last[-1] if last else ''}")
            if given.show:
                print(
                    f"{kind}:{number} {answer.status} {answer.seconds:.1f} s {answer.said.strip()[-300:]!r}", flush=True
                )
            if given.only:
                print(case.argv, answer.status, answer.said, answer.where, sep="\n")
    answers = sorted({answer for _, answer in counts})
    print(f"{'kind':>12} " + " ".join(f"{a:>9}" for a in answers))
    for kind in dict.fromkeys(kind for kind, _ in chosen):
        print(f"{kind:>12} " + " ".join(f"{counts[kind, a]:>9}" for a in answers))
    print(f"{len(chosen)} inputs, {bad} not answered well")
    return 1 if bad else 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
