"""mix: what is written, what is refused, and what other loaders read."""

from __future__ import annotations

import csv
import gc
import json
import os
import re
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.datasets import ImageFolder

from gensynth.data.labeled import LabeledData
from gensynth.data.names import folder_name, renamed_notes
from gensynth.data.split import Parts
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.image import files
from gensynth.kinds.image.files import FolderFiles, write_png
from gensynth.kinds.image.folder import ImageFiles
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.read import read_folder
from gensynth.mix.manifest import COLUMNS, Row
from gensynth.mix.mix import Mixed, mix
from gensynth.mix.mix import write_synthetic as write_any
from gensynth.sampler.synthetic import Synthetic

CLASSES = ("cat", "Größe 2")
WILD = ("../../evil", "/etc/x", "a b", "", "=1+1", "ü\n,\"'|", "C:\\x", "x" * 300)


def images(n: int, c: int = 1, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (n, c, 9, 12), dtype=np.uint8))


def arrays(n: int, seed: int = 0, prefix: str = "", c: int = 1) -> LabeledData:
    ids = tuple(prefix + i for i in WILD[:n]) + tuple(f"{prefix}{i}" for i in range(n - len(WILD)))
    return LabeledData(Pixels(images(n, c, seed)), np.arange(n, dtype=np.int64) % 2, CLASSES, ids)


def drawn(n: int, c: int = 1) -> Synthetic:
    return Synthetic(
        x=Pixels(images(n, c, seed=9)),
        y=np.ones(n, dtype=np.int64),
        classes=CLASSES,
        index=np.arange(n)[::-1].copy() * 7,
        sampler="../my sampler",
        seed=3,
        how=("prior",) * n,
        parents=tuple((f"{WILD[i % 8]}", "b") if i else () for i in range(n)),
        checkpoint_sha256=("ab" * 32,) * n,
    )


def judged(n: int) -> SampleVerdicts:
    rng = np.random.default_rng(1)
    accepted = np.arange(n) % 3 != 0
    return SampleVerdicts(
        accepted,
        tuple("" if a else "dup_near" for a in accepted),
        {name: rng.random(n) for name in ("near_duplicate", "label", "typicality")},
        tuple(WILD[i % 8] for i in range(n)),
    )


def parts(c: int = 1) -> Parts:
    return Parts(arrays(10, 0, c=c), arrays(0, 1, "v", c=c), arrays(4, 2, "t", c=c))


def write_synthetic(fake: Synthetic, samples: SampleVerdicts | None, out: Path) -> None:
    write_any(fake, samples, out, FolderFiles())


def read_synthetic(
    folder: Path, classes: tuple[str, ...] = CLASSES, shape: tuple[int, ...] = (1, 9, 12)
) -> tuple[Synthetic, SampleVerdicts | None]:
    one = Pixels(torch.zeros(1, *shape, dtype=torch.uint8))
    return FolderFiles().read(folder, LabeledData(one, np.zeros(1, dtype=np.int64), classes, ("0",)))


def mixed(real: Parts, fake: Synthetic, samples: SampleVerdicts, out: Path, link: str = "copy") -> Mixed:
    return mix(real, fake, samples, out, FolderFiles(link))


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metadata.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("c", [1, 3])
def test_mix_loads_with_torchvision_and_says_what_is_synthetic(tmp_path: Path, c: int) -> None:
    real, samples = parts(c), judged(6)
    done = mixed(real, drawn(6, c), samples, tmp_path / "sub" / "out")
    out = tmp_path / "sub" / "out"
    assert done.before == {"cat": 5, "Größe 2": 5} and done.after == {"cat": 5, "Größe 2": 9}
    assert (done.n_real, done.n_synthetic, done.path) == (10, 4, out)
    # Nothing outside, no folder for the empty part, nothing left over.
    assert [p.name for p in tmp_path.iterdir()] == ["sub"] and os.listdir(tmp_path / "sub") == ["out"]
    assert sorted(os.listdir(out)) == ["test", "train"]
    assert len(ImageFolder(out / "train")) == 14 and len(ImageFolder(out / "test")) == 4
    table = rows(out / "train")
    assert [r["synthetic"] for r in table] == ["0"] * 10 + ["1"] * 4
    assert {r["verdict"] for r in table[10:]} == {"accepted"} and {r["utility"] for r in table} == {"-"}
    assert [r["part"] for r in table] == ["train"] * 10 + ["synthetic"] * 4
    assert {r["part"] for r in rows(out / "test")} == {"test"} and {r["row"] for r in table} == {""}
    assert [json.loads(r["parents"]) for r in table[:10]] == [[i] for i in real.train.ids]
    accepted = drawn(6, c).subset(samples.accepted)
    assert [tuple(json.loads(r["parents"])) for r in table[10:]] == list(accepted.parents)
    for r, x in zip(table, torch.cat([real.train.x[torch.arange(10)], accepted.x[:]]), strict=True):
        with Image.open(out / "train" / r["file_name"]) as image:
            assert np.array_equal(np.asarray(image).reshape(9, 12, c), x.permute(1, 2, 0).numpy())


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # datasets leaves metadata.csv open
def test_mix_loads_with_hugging_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    real = parts()
    mixed(real, drawn(6), judged(6), tmp_path / "out")
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in loaded.items()} == {"train": 14, "test": 4}
    first = loaded["train"][0]
    assert np.array_equal(np.asarray(first["image"]), real.train.x[0, 0].numpy())
    assert first["label"] == "cat" and sum(loaded["train"]["synthetic"]) == 4
    gc.collect()  # here, where the warning is ignored


@pytest.mark.parametrize("link", ["copy", "hard", "symbolic"])
def test_real_files_are_kept_whatever_their_size_and_form(tmp_path: Path, link: str) -> None:
    source = tmp_path / "real"
    for name in CLASSES:
        (source / name).mkdir(parents=True)
    x = images(4)[:, 0].numpy()
    Image.fromarray(x[0]).save(source / "cat" / "same.png", compress_level=0)
    Image.fromarray(x[1]).resize((24, 18)).save(source / "cat" / "larger.png")
    Image.fromarray(x[2]).save(source / "Größe 2" / "grey.JPG", quality=50)
    Image.fromarray(x[3]).convert("RGB").save(source / "Größe 2" / "colour.png")
    data = read_folder(source, (9, 12), 1)
    none = data.subset([])
    mixed(Parts(data, none, none), replace(drawn(3), classes=data.classes), judged(3), tmp_path / "out", link)
    kept = {
        json.loads(r["parents"])[0]: tmp_path / "out" / "train" / r["file_name"]
        for r in rows(tmp_path / "out/train")[:4]
    }
    for name, path in kept.items():
        assert path.read_bytes() == (source / name).read_bytes() and path.stem.startswith(Path(name).stem)
        assert path.is_symlink() == (link == "symbolic") and path.samefile(source / name) == (link != "copy")
    assert kept["Größe 2/grey.JPG"].suffix == ".jpg"
    larger = next(r for r in rows(tmp_path / "out" / "train") if r["parents"] == '["cat/larger.png"]')
    assert (larger["width"], larger["height"], larger["own_size"]) == ("24", "18", "1")


def test_refusals_come_before_any_file(tmp_path: Path) -> None:
    real, fake, samples = parts(), drawn(6), judged(6)
    leak = replace(real, test=replace(real.test, ids=("b", "t1", "t2", "t3")))
    for message, args in {
        "must agree": (real, drawn(6, 3), samples),
        "classes": (real, replace(fake, classes=("cat", "dog")), samples),
        "one verdict per": (real, fake, judged(5)),
        "training part only": (leak, fake, samples),
    }.items():
        with pytest.raises(ValueError, match=message):
            mixed(*args, tmp_path / "out")
    with pytest.raises(ValueError, match="'copy', 'hard' or 'symbolic'"):
        mixed(real, fake, samples, tmp_path / "out", "move")
    with pytest.raises(ValueError, match="index 7"):
        mixed(real, replace(fake, index=np.full(6, 7)), samples, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["..", "a/b", "", ".hidden", "a\\b"])
def test_class_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a folder"):
        write_synthetic(replace(drawn(2), classes=("cat", name)), None, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("with_samples", [True, False])
@pytest.mark.parametrize("older", [True, False])
def test_synthetic_folder_round_trip(tmp_path: Path, c: int, with_samples: bool, older: bool) -> None:
    fake, samples = drawn(9, c), judged(9) if with_samples else None
    write_synthetic(fake, samples, tmp_path / "out")
    if older:
        path = tmp_path / "out" / "metadata.csv"
        pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns=["row", "part"]).to_csv(path, index=False)
    again, verdicts = read_synthetic(tmp_path / "out", CLASSES, (c, 9, 12))
    assert torch.equal(again.x[:], fake.x[:])
    for name in ("y", "index"):
        assert np.array_equal(getattr(again, name), getattr(fake, name)) and getattr(again, name).dtype == np.int64
    for name in ("classes", "sampler", "seed", "how", "parents", "checkpoint_sha256"):
        assert getattr(again, name) == getattr(fake, name)
    if samples is None:
        assert verdicts is None
    else:
        assert verdicts is not None and np.array_equal(verdicts.accepted, samples.accepted)
        assert (verdicts.reason, verdicts.nearest) == (samples.reason, samples.nearest)
        assert verdicts.scores.keys() == samples.scores.keys()
        assert all(np.array_equal(verdicts.scores[k], samples.scores[k]) for k in samples.scores)


def test_samples_of_one_class_each_are_read_as_classes(tmp_path: Path) -> None:
    fake = replace(drawn(6), y=np.arange(6) % len(CLASSES))
    for at, name in enumerate(CLASSES):
        write_synthetic(fake.subset(fake.y == at), None, tmp_path / "all" / name)
    again, _ = read_synthetic(tmp_path / "all")
    assert np.bincount(again.y).tolist() == np.bincount(fake.y).tolist()


def test_read_synthetic_of_another_tool(tmp_path: Path) -> None:
    (tmp_path / CLASSES[1]).mkdir()
    for i, x in enumerate(images(3)):
        Image.fromarray(x[0].numpy()).save(tmp_path / CLASSES[1] / f"img{i}.png")
    fake, verdicts = read_synthetic(tmp_path)
    assert verdicts is None and (fake.sampler, fake.seed) == ("unknown", 0)
    assert torch.equal(fake.x[:], images(3)) and fake.y.tolist() == [1, 1, 1] and fake.index.tolist() == [0, 1, 2]
    assert read_synthetic(tmp_path, CLASSES, (3, 18, 24))[0].x.shape == (3, 3, 18, 24)
    with pytest.raises(ValueError, match="which the real data lack"):
        read_synthetic(tmp_path, ("cat", "dog"), (1, 9, 12))


def test_read_synthetic_refuses_a_changed_folder(tmp_path: Path) -> None:
    write_synthetic(drawn(3), None, tmp_path / "out")
    extra = tmp_path / "out" / CLASSES[1] / "extra.png"
    Image.fromarray(images(1)[0, 0].numpy()).save(extra)
    with pytest.raises(ValueError, match="extra.png"):
        read_synthetic(tmp_path / "out")
    extra.unlink()
    path = tmp_path / "out" / "metadata.csv"
    path.write_text(path.read_text().replace(",3,14,", ",4,14,"))
    with pytest.raises(ValueError, match="mixes the samplers and seeds"):
        read_synthetic(tmp_path / "out")


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\\0"), min_size=1))
def test_folder_names_lead_back_to_the_class(name: str) -> None:
    assert unquote(folder_name(name)) == name


@pytest.mark.parametrize("name", ["a:b", "what?", "CON", "con.txt", "Lpt1", "end.", "end ", "<b>", "a|b", "a*", '"'])
def test_windows_takes_every_folder_name(name: str) -> None:
    assert PureWindowsPath(folder_name(name)).name == folder_name(name)
    assert not PureWindowsPath(folder_name(name)).is_reserved() and folder_name(name).rstrip(". ") == folder_name(name)
    assert not set(folder_name(name)) & set('<>:"|?*')


@pytest.mark.parametrize("name", ["cat", "50 %", "100%", "a b", "äé", "console", "com10", ".5", "a.b"])
def test_other_folder_names_stay(name: str) -> None:
    assert folder_name(name) == name


def test_escaped_classes_are_read_back_and_told(tmp_path: Path) -> None:
    classes = ("CON", "a:b%3A")
    fake = replace(drawn(6), classes=classes, y=np.arange(6) % 2)
    write_synthetic(fake, None, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["%43ON", "a%3Ab%253A", "metadata.csv"]
    again, _ = read_synthetic(tmp_path / "out", classes, (1, 9, 12))
    assert again.classes == classes and np.array_equal(again.y, fake.y) and torch.equal(again.x[:], fake.x[:])
    (told,) = renamed_notes(tmp_path / "out")
    assert "'CON' lies in '%43ON'" in told


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("index", "", "line 3: column 'index' holds '', and a whole number"),
        ("index", "-1", "column 'index' holds '-1'"),
        ("index", "9" * 30, "a whole number belongs there"),
        ("seed", "x", "line 3: column 'seed' holds 'x'"),
        ("parents", "nonsense", "column 'parents' holds 'nonsense', and a list of names"),
        ("parents", "[1]", "and a list of names"),
        ("nearest", "7", "and a name in quotes"),
        ("label_score", "high", "column 'label_score' holds 'high', and a number"),
        ("verdict", "maybe", "accepted or rejected belongs there"),
        ("synthetic", "0", "lists real examples, too"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, column: str, cell: str, says: str) -> None:
    write_synthetic(drawn(3), judged(3), tmp_path / "out")
    path = tmp_path / "out" / "metadata.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows.loc[1, column] = cell
    rows.to_csv(path, index=False)
    with pytest.raises(ValueError, match=re.escape(says)):
        read_synthetic(tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"file_name\na.png\n", "has no column 'label'"),
        (b"", "has no column 'file_name'"),
        (",".join(COLUMNS).encode() + b"\na,b\n", "line 2 has more or fewer cells"),
        (",".join(COLUMNS).encode() + b"\n\xff\n", "is no CSV file in UTF-8"),
        (",".join(COLUMNS).encode() + b'\n"a', "is no CSV file"),
    ],
)
def test_another_file_in_place_of_the_metadata_is_told(tmp_path: Path, content: bytes, says: str) -> None:
    write_synthetic(drawn(3), None, tmp_path / "out")
    (tmp_path / "out" / "metadata.csv").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        read_synthetic(tmp_path / "out")


def test_a_file_that_vanishes_while_it_is_written_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = FolderFiles.put

    def losing(*given: Any) -> list[Row]:
        rows = put(*given)
        next(given[-1].rglob("*.png")).unlink()
        return rows

    monkeypatch.setattr(FolderFiles, "put", losing)
    with pytest.raises(OSError, match="3 files were written and 2 are there"):
        write_synthetic(drawn(3), None, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_cannot_be_written_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, pixels: np.ndarray) -> None:
        if next(left) == 3:
            raise OSError(28, "No space left on device")
        write_png(path, pixels)

    left = iter(range(9))

    monkeypatch.setattr(files, "write_png", write)
    with pytest.raises(OSError, match="the disk is full"):
        write_synthetic(drawn(9), None, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_files_that_are_kept_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, image in enumerate(images(12)):
        (tmp_path / "in" / CLASSES[at % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0].numpy()).save(tmp_path / "in" / CLASSES[at % 2] / f"{at}.png")
    data = read_folder(tmp_path / "in", memory_gb=1e-9)
    asked = []
    get = ImageFiles.__getitem__
    monkeypatch.setattr(ImageFiles, "__getitem__", lambda self, index: asked.append(index) or get(self, index))
    none = replace(drawn(0), classes=data.classes)
    mixed(Parts(data, arrays(0), arrays(0)), none, judged(0), tmp_path / "out")
    assert not asked
    listed = rows(tmp_path / "out" / "train")
    assert [row["parents"] for row in listed] == [json.dumps([name]) for name in data.ids]
    for row, name in zip(listed, data.ids, strict=True):
        assert (tmp_path / "out" / "train" / row["file_name"]).read_bytes() == (tmp_path / "in" / name).read_bytes()
