"""Samples at their parents' own size: near what was judged, and files like their parents'."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from photographs import FORMS, photograph
from PIL import Image, JpegImagePlugin
from samples_of_photographs import again, off, sampler_of

from gensynth.data.cells import Cells
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.folder import read_folder
from gensynth.kinds.image.like_parent import file_of
from gensynth.kinds.image.samplers.kept import CATALOG
from gensynth.kinds.image.samplers.recipe_catalog import MIXING, SINGLE
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.mix.mix import mix, write_synthetic
from gensynth.sampler.synthetic import Synthetic

PIXELWISE = ("noise", "sharpen")
"""Recipes whose effect lies in single pixels: at its own size an image shows less of it."""
POLICIES = ("autoaugment", "randaugment", "trivialaugment", "augmix")
"""Sharpness, too, is among what these draw; affine shifts by whole pixels."""


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("name", ["deformation", "hflip+affine+brightness"])
def test_what_is_written_is_near_what_was_judged(photographs: Path, tmp_path: Path, name: str, fit: str) -> None:
    data = read_folder(photographs, size=(48, 48), fit=fit)
    samples = sampler_of(name, data, tmp_path).sample("china", 12, 0)
    written = again(samples, data, tmp_path / "out")
    parents = data.x[[data.ids.index(parent) for (parent,) in samples.parents]]
    changed = float((samples.x[:].float() - parents.float()).abs().mean())
    assert changed > 10, "otherwise it would be near whatever was written"
    # A shift is rounded to pixels that networks see, and what a crop leaves out of an image comes in when it is turned.
    assert off(samples, written) < (0.6 if fit == "crop" and name != "deformation" else 0.3) * changed
    for at, (parent,) in enumerate(samples.parents):
        assert tuple(written.x.sizes[at]) == tuple(data.x.sizes[data.ids.index(parent)])


@pytest.mark.parametrize("recipe", SINGLE)
def test_every_recipe_does_the_same_at_any_size(photographs: Path, tmp_path: Path, recipe: str) -> None:
    data = read_folder(photographs, size=(64, 64))
    samples = Recipes(recipe).fit(data).sample("china", 8, 0)
    limit = 12 if recipe in PIXELWISE else 8 if recipe in (*POLICIES, "affine") else 4
    assert off(samples, again(samples, data, tmp_path / "out")) < limit


def test_mixed_images_have_no_size_of_their_own(photographs: Path, tmp_path: Path) -> None:
    data = read_folder(photographs, size=(48, 48))
    for recipe in MIXING:
        samples = Recipes(recipe).fit(data).sample("china", 3, 0)
        assert samples.x.natives is None
        write_synthetic(samples, None, tmp_path / recipe, FolderFiles())
        (note,) = FolderFiles().notes(tmp_path / recipe)
        assert note.startswith("3 of 3 synthetic images have 48 x 48 pixels")


def one_of_each_form(root: Path) -> LabeledData:
    for name, (mode, options) in FORMS.items():
        path = root / "any" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = photograph(ord(name[0]), 60, 90).convert("L" if mode == "1" else "RGB")
        picture.convert(mode).save(path, **options)
    deep = np.asarray(photograph(0, 60, 90).convert("L")).astype(np.uint16) * 16
    Image.fromarray(deep).save(root / "any" / "o.png")
    return read_folder(root, size=(32, 32))


def test_samples_have_the_form_of_their_parents(tmp_path: Path) -> None:
    data = one_of_each_form(tmp_path / "real")
    samples = Recipes("hflip").fit(data).sample("any", len(data), 0)
    write_synthetic(samples, None, tmp_path / "out", FolderFiles())
    rows = Cells.read(tmp_path / "out" / "metadata.csv", ()).rows
    assert len(rows) == len(FORMS) + 1
    for row in rows:
        (parent,) = json.loads(row["parents"])
        assert Path(row["file_name"]).name.startswith(Path(parent).stem + "_")
        with Image.open(tmp_path / "real" / parent) as one, Image.open(tmp_path / "out" / row["file_name"]) as two:
            assert (one.format, one.mode, one.size) == (two.format, two.mode, two.size), parent
            assert Path(parent).suffix == Path(row["file_name"]).suffix
            assert (row["width"], row["height"], row["own_size"]) == ("90", "60", "1")
            for key in ("compression", "progressive"):
                assert one.info.get(key) == two.info.get(key), parent
            if isinstance(one, JpegImagePlugin.JpegImageFile):
                assert one.quantization == two.quantization
                assert JpegImagePlugin.get_sampling(one) == JpegImagePlugin.get_sampling(two)
            values = [np.asarray(image.convert("F" if image.mode.startswith("I") else "RGB")) for image in (one, two)]
            assert np.abs(values[0][:, ::-1] - values[1].astype(float)).mean() < 0.02 * values[0].max(), parent
    read = FolderFiles().read(tmp_path / "out", data)[0]
    assert off(samples, read) < 4


@pytest.mark.parametrize("loss", ["removed", "replaced", "broken"])
def test_without_its_parents_file_a_sample_is_as_it_was_judged(photographs: Path, tmp_path: Path, loss: str) -> None:
    root = Path(shutil.copytree(photographs, tmp_path / "real"))
    data = read_folder(root, size=(48, 48))
    samples = Recipes("hflip").fit(data).sample("china", 4, 0)
    path = root / samples.parents[0][0]
    if loss == "removed":
        path.unlink()
    elif loss == "replaced":
        photograph(99).save(path)
    else:
        path.write_bytes(path.read_bytes()[:500])
    read = again(samples, data, tmp_path / "out")
    assert torch.equal(read.x[0], samples.x[0]) and read.x.sizes[0].tolist() == [48, 48]
    (note,) = FolderFiles().notes(tmp_path / "out")
    assert "1 of 4 synthetic images have 48 x 48 pixels" in note and "gone or changed" in note


def accepted(samples: Synthetic) -> SampleVerdicts:
    n = len(samples)
    return SampleVerdicts(np.ones(n, dtype=bool), ("",) * n, {"label": np.ones(n)}, ("",) * n)


def mixed(data: LabeledData, samples: Synthetic, out: Path, **settings: Any) -> list[dict[str, str]]:
    none = data.subset([])
    mix(Parts(data, none, none), samples, accepted(samples), out, FolderFiles(**settings))
    return Cells.read(out / "train" / "metadata.csv", ()).rows


def test_drawn_files_that_are_read_and_mixed_stay_as_they_are(photographs: Path, tmp_path: Path) -> None:
    data = read_folder(photographs, size=(48, 48))
    samples = Recipes("affine").fit(data).sample("china", 5, 0)
    read = again(samples, data, tmp_path / "drawn")
    rows = mixed(data, read, tmp_path / "mixed", link="symbolic")
    for row, drawn in zip(rows[len(data) :], Cells.read(tmp_path / "drawn" / "metadata.csv", ()).rows, strict=True):
        path = tmp_path / "mixed" / "train" / row["file_name"]
        assert not path.is_symlink() and row["file_name"] == drawn["file_name"]
        assert path.read_bytes() == (tmp_path / "drawn" / drawn["file_name"]).read_bytes()
    direct = mixed(data, samples, tmp_path / "direct")
    assert [row["file_name"] for row in direct] == [row["file_name"] for row in rows]
    forms = {(row["synthetic"], Path(row["file_name"]).suffix, len(Path(row["file_name"]).stem)) for row in rows}
    assert {suffix for _, suffix, _ in forms} == {".jpg"}, "neither ending nor length gives them away"
    assert {length for synthetic, _, length in forms if synthetic == "1"} <= {
        length for synthetic, _, length in forms if synthetic == "0"
    }


def test_samples_much_smaller_than_real_images_are_refused_beside_them(photographs: Path, tmp_path: Path) -> None:
    data = read_folder(photographs, size=(48, 48))
    small = CATALOG.made("smote", None, ()).fit(data).sample("china", 2, 0)
    with pytest.raises(ValueError, match=r"'china' have 48 pixels .* and the real ones \d+, 5\.\d times"):
        mixed(data, small, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    rows = mixed(data, small, tmp_path / "out", allow_small=True)
    assert {(row["width"], row["own_size"]) for row in rows if row["synthetic"] == "1"} == {("48", "0")}
    arrays = replace(data, x=replace(data.x, natives=None), root=None)
    assert len(mixed(arrays, small, tmp_path / "arrays")) == len(data) + 2, "arrays are written at this size, too"


def test_a_file_that_does_not_exist_or_is_no_change_is_none(photographs: Path) -> None:
    native = read_folder(photographs).x.native(0)
    assert native is not None and file_of(native) is None
    assert file_of(replace(native, path=None, change=lambda x: x)) is None
