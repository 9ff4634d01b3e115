"""The inputs of `fuzz.py`: sound files of every kind, and how each kind is broken."""

from __future__ import annotations

import csv
import io
import json
import random
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from fuzz_judge import Case, answered
from fuzz_mutations import VALUES, WORDS, as_json, changed_array, changed_state, mutated_bytes, mutated_value, rezipped
from PIL import Image

from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.images import Pixels
from gensynth.mix.mix import write_synthetic
from gensynth.sampler.synthetic import Synthetic

COMMANDS = (
    "explore {folder}/data --size 8 --channels 1 --domain scanner --keep fine=3",
    "explore {folder}/t.csv --target claim --schema {folder}/schema.json",
    "sample {folder}/vae.ckpt --label 8 --n 2 --seed 1 --draw prior --out o",
    "sample {folder}/copula.sampler --label yes --n 2 --seed 1 --out o.csv",
    "check {folder}/rows.csv --against {folder}/t.csv --target claim --json o.json",
    "train vae --data no --steps 9 --model.z_dim 4 --lr 1 --out o",
    "train copula --data no.csv --target claim --settings \"{{'a': 1}}\" --out o",
    "rebalance no --to 5x --sampler auto --choose.budget 9s --evaluate.seeds 3 --out o",
    "rebalance no.csv --target claim --choose.classifiers forest --choose.targets 0.5 --out o.csv",
    "mix {folder}/drawn --real no --to rare --out o",
    "report {folder}/data",
)
"""Sound commands, of which one setting is broken; `folder` is that of the sound files."""
SAID = "the a cat dog house \u0441\u0430\u0434 \u5bb6 \U0001f600 today, tomorrow. runs sleeps never 12 well-known"
"""Words of sound documents."""


class Sound:
    """Sound files of every kind, made once, and the ways to break them.

    Args:
        folder: Where they are made.
        runs: Whether also to make a run of images, which takes some seconds.
    """

    def __init__(self, folder: Path, runs: bool = True) -> None:
        self.folder = folder
        rng = np.random.default_rng(0)
        self._write_images(rng)
        self.x = rng.integers(0, 255, (12, 8, 8)).astype(np.uint8)
        self._write_table(rng)
        texts, labels = (
            [" ".join(rng.choice(SAID.split(), 9)) for _ in range(40)],
            np.repeat(["often", "rare"], [28, 12]),
        )
        self.documents = pd.DataFrame({"body": texts, "label": labels, "stars": range(40)})
        shipped = Path(__file__).parent.parent / "checkpoints" / "digits_vae.ckpt"
        shutil.copy(shipped, folder / "vae.ckpt")
        self.contents = torch.load(shipped, weights_only=True)
        x = torch.from_numpy(rng.integers(0, 255, (4, 3, 8, 8)).astype(np.uint8))
        made = Synthetic(
            Pixels(x),
            np.ones(4, dtype=np.int64),
            ("fine", "rare"),
            np.arange(4),
            "s",
            0,
            ("x",) * 4,
            (("rare/0.png",),) * 4,
            ("",) * 4,
        )
        write_synthetic(made, None, folder / "drawn", FolderFiles())
        self.tables = ["full.run"]
        if runs:
            few = ["--sampler", "recipes", "--to", "30", "--evaluate.seeds", "2", "--evaluate.steps", "10", "--quiet"]
            self.run("rebalance", "builtin:digits", "--keep", "8=20", "--size", "8", *few, "--out", "images.run")
            self.tables.append("images.run")

    def _write_images(self, rng: np.random.Generator) -> None:
        folder = self.folder
        for name, n in (("fine", 8), ("rare", 4)):
            for at in range(n):
                pixels = rng.integers(0, 80, (8, 8, 3)) + 20 * at
                (folder / "data" / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / "data" / name / f"{at}.png")
        files = sorted(p.relative_to(folder / "data").as_posix() for p in (folder / "data").rglob("*.png"))
        lines = [f"{name},s{at % 2},p{at % 3}" for at, name in enumerate(files)]
        (folder / "data" / "metadata.csv").write_text("\n".join(["file_name,scanner,patient", *lines]) + "\n")

    def _write_table(self, rng: np.random.Generator) -> None:
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
        self.table.to_csv(self.folder / "t.csv", index=False)
        self.run("explore", "t.csv", "--target", "claim", "--out", "schema.json")
        for name in ("copula", "cart", "bootstrap"):
            self.run("train", name, "--data", "t.csv", "--target", "claim", "--out", ".")
        self.run("sample", "bootstrap.sampler", "--label", "yes", "--n", "9", "--out", "rows.csv")
        quick = "--evaluate.classifiers logistic --evaluate.folds 2 --quiet"
        self.run(*f"rebalance t.csv --target claim --sampler copula --to balance --out full.csv {quick}".split())

    def run(self, *argv: str) -> None:
        """Make a sound file with the command line."""
        answer = answered(Case(list(argv), self.folder), seconds=600)
        if answer.status not in (0, 1):
            raise RuntimeError(f"{argv}: {answer.said}")

    def option(self, folder: Path, rng: random.Random) -> Case:
        """Break a setting on the command line."""
        sound = [word.format(folder=self.folder) for word in shlex.split(rng.choice(COMMANDS))]
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
        return Case(["explore", _broken_table(self.table, folder, rng), "--target", "claim"], folder)

    def text(self, folder: Path, rng: random.Random) -> Case:
        """Break a table of documents, likewise."""
        return _of_documents(_broken_table(self.documents, folder, rng), folder, rng)

    def jsonl(self, folder: Path, rng: random.Random) -> Case:
        """Break documents in lines of JSON: their values, or their bytes."""
        rows: list[Any] = self.documents.to_dict("records")
        lines = [json.dumps(row).encode() for row in rows]
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(rows))
            lines[at] = as_json(mutated_value(rows[at], rng), rng)
        data = b"\n".join(lines)
        (folder / "d.jsonl").write_bytes(mutated_bytes(data, rng) if rng.random() < 0.3 else data)
        return _of_documents("d.jsonl", folder, rng)

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


def _broken_table(table: pd.DataFrame, folder: Path, rng: random.Random) -> str:
    """Write a table with some cells and bytes changed, in any format; return the name of the file."""
    name = rng.choice(["t.csv", "t.csv", "t.csv", "t.tsv", "t.csv.gz", "t.parquet", "t.feather"])
    frame = table.astype(object)
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(frame)), rng.randrange(frame.shape[1])
        frame.iloc[at] = rng.choice([w for w in WORDS if w not in ("\ud800",)])
    if name in ("t.parquet", "t.feather"):
        (frame.astype(str).to_parquet if name == "t.parquet" else frame.astype(str).to_feather)(folder / name)
    else:
        sep = "\t" if name == "t.tsv" else ","
        frame.to_csv(folder / name, index=False, sep=sep, mode="wb" if name == "t.csv" else "w")
    if rng.random() < 0.7:
        (folder / name).write_bytes(mutated_bytes((folder / name).read_bytes(), rng))
    return name


def _of_documents(name: str, folder: Path, rng: random.Random) -> Case:
    """Return a command that reads documents."""
    verb = rng.choice([["explore", name], ["train", "edits", "--out", "o", "--data", name]])
    return Case([*verb, "--text", "body", "--target", "label"], folder)


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
    "text": Sound.text,
    "jsonl": Sound.jsonl,
    "image": Sound.image,
}
"""The kinds of inputs by name."""
