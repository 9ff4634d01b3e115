"""Samplers that keep real images: saved, loaded, refused where damaged, and used from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import refused, run

from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.arrays import from_arrays
from gensynth.kinds.image.samplers.kept import CATALOG
from gensynth.sampler.kept import KeptSampler
from gensynth.sampler.saved import kind_of_saved

SETTINGS: dict[str, dict[str, Any]] = {"smote": {"k_neighbors": 3}, "recipes": {"recipe": "hflip+noise"}}


@pytest.fixture(scope="module")
def data() -> LabeledData:
    rng = np.random.default_rng(0)
    return from_arrays(rng.integers(0, 256, (30, 1, 8, 8), dtype=np.uint8), np.repeat(["a", "b"], [20, 10]))


@pytest.mark.parametrize("name", CATALOG.names())
def test_a_saved_one_draws_the_same(name: str, data: LabeledData, tmp_path: Path) -> None:
    fitted = CATALOG.made(name, SETTINGS.get(name), ()).fit(data)
    fitted.save(path := tmp_path / f"{name}.sampler")
    loaded = KeptSampler.load(path, CATALOG.get)
    one, two = (sampler.sample("b", 5, seed=1) for sampler in (fitted, loaded))
    assert torch.equal(one.x[:], two.x[:]) and one.parents == two.parents and one.how == two.how
    assert loaded.labels == ("a", "b") and set(two.checkpoint_sha256) == {loaded.sha256_} != {""}
    assert kind_of_saved(str(path)) == "image"


def test_what_recipes_measured_is_saved(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    bright = np.repeat([40, 200], 30)[:, None, None, None] + rng.integers(0, 30, (60, 1, 8, 8))
    images = from_arrays(bright.astype(np.uint8), np.repeat(["a", "b"], 30))
    fitted = CATALOG.made("recipes", {"recipe": "auto"}, ()).fit(images)
    fitted.save(tmp_path / "recipes.sampler")
    assert KeptSampler.load(tmp_path / "recipes.sampler", CATALOG.get).safety_ == fitted.safety_


def damaged(path: Path, change: Any) -> Path:
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(out := path.with_name("damaged.npz"), **arrays)
    return out.rename(path.with_name("damaged.sampler"))


def with_json(**values: Any) -> Any:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays["json"] = np.array(json.dumps(json.loads(str(arrays["json"])) | values))

    return change


@pytest.mark.parametrize(
    "change",
    [
        with_json(sampler="unknown"),
        with_json(settings={"k_neighbors": 0}),
        with_json(settings={"k": 3}),
        with_json(settings={"k_neighbors": "x"}),
        with_json(ids=["0"]),
        with_json(classes=["a"]),
        with_json(learned={"more": None}),
        lambda arrays: arrays.update(json=np.array("[")),
        lambda arrays: arrays.update(x=arrays["x"].astype(float)),
        lambda arrays: arrays.update(x=arrays["x"][:, 0]),
        lambda arrays: arrays.update(y=arrays["y"].astype(np.int32)),
        lambda arrays: arrays.pop("x"),
    ],
)
def test_a_damaged_file_is_refused(change: Any, data: LabeledData, tmp_path: Path) -> None:
    CATALOG.made("smote", None, ()).fit(data).save(path := tmp_path / "smote.sampler")
    with pytest.raises(ValueError, match=r"does not fit this version of gensynth|is not a saved sampler"):
        KeptSampler.load(damaged(path, change), CATALOG.get)


def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in (
        "train smote --data builtin:digits --keep 8=20 --settings.k_neighbors 3 --out ck",
        "sample ck/smote.sampler --label 8 --n 12 --others 2 --seed 7 --out more",
    ):
        assert run(capsys, *line.split())[0] == 0
    assert len(list(Path("more/8").iterdir())) == 12 and len(list(Path("more/3").iterdir())) == 2
    for line, said in {
        "train smote --data builtin:digits --out ck": "ck/smote.sampler exists",
        "train smote --data builtin:digits --out new --steps 9 --label 8": "--label, --steps would change nothing here",
        "train smote --data builtin:digits --out new --settings.k 3": "sampler 'smote' has no setting 'k'",
        "train vae --data builtin:digits --out new --settings.k 3": "those of 'vae' begin with --model",
        "train smot --data builtin:digits --out new": "Did you mean 'smote'?",
        "sample ck/smote.sampler --label 8 --draw prior --out new": "draws in one way only",
        "sample ck/smote.sampler --label x --out new": "label 'x' is not one of the classes",
    }.items():
        assert said in refused(capsys, *line.split())
    assert not Path("new").exists()
