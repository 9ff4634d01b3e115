"""A folder of images becomes LabeledData, whatever is in it."""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gensynth.data.images import ImageFiles, read_folder
from gensynth.data.pixels import to_pixels


def image(seed: int, h: int = 12, w: int = 12, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def save(path: Path, picture: Image.Image, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pets"
    for i in range(11):
        save(root / "cat" / f"img{i}.png", image(i))
        save(root / "dog" / "deep" / f"{i}.PNG", image(100 + i))
    return root


def test_a_folder_is_read_in_natural_order(folder: Path) -> None:
    data = read_folder(folder)
    assert data.classes == ("cat", "dog")
    assert data.class_counts == {"cat": 11, "dog": 11}
    assert data.ids[1:3] == ("cat/img1.png", "cat/img2.png")
    assert data.ids[-1] == "dog/deep/10.PNG"
    assert data.root == folder and data.notes == () and data.shape == (3, 12, 12)
    assert np.array_equal(data.x[2].numpy().transpose(1, 2, 0), np.asarray(image(2)))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_on_demand_equals_in_memory(tmp_path: Path, mode: str) -> None:
    for i in range(6):
        # Grey pictures stored as colour too: both ways must find that one channel is enough.
        save(tmp_path / f"{i % 2}" / f"{i}.png", image(i, 20, 9 + i, "L").convert(mode))
    memory, disk = read_folder(tmp_path), read_folder(tmp_path, memory_gb=1e-9)
    assert isinstance(memory.x, torch.Tensor) and isinstance(disk.x, ImageFiles)
    assert memory.shape == disk.shape == (1, 20, 9)
    assert memory.fingerprint == disk.fingerprint
    assert memory.content_hashes() == disk.content_hashes()
    assert memory.subset([4, 1]).fingerprint == disk.subset([4, 1]).fingerprint
    assert memory.fingerprint != memory.subset(range(5)).fingerprint
    for index in (torch.tensor([3, 0]), np.array([], np.int64), slice(1, 4), 2, np.arange(6) > 3):
        assert torch.equal(disk.x[index], memory.x[index])
    assert torch.equal(pickle.loads(pickle.dumps(disk.x))[:], memory.x)


def test_mixed_sizes_are_resized_and_noted(folder: Path) -> None:
    save(folder / "dog" / "wide.png", image(1, 12, 24))
    data = read_folder(folder)
    assert data.shape == (3, 12, 12)
    assert "1 of 23 images were resized to 12 x 12" in data.notes[0]
    assert "1 of them with their proportions" in data.notes[0]
    assert data.sizes is not None and tuple(data.sizes[data.ids.index("dog/wide.png")]) == (12, 24)
    assert read_folder(folder, size=(16, 10)).shape == (3, 16, 10)


def test_large_images_shrink_to_64(tmp_path: Path) -> None:
    for i in range(4):
        save(tmp_path / f"{i % 2}" / f"{i}.jpg", image(i, 600, 300))
    assert read_folder(tmp_path).shape == (3, 64, 32)


def test_jpeg_stands_upright_by_its_exif(tmp_path: Path) -> None:
    picture = Image.new("L", (32, 16))
    picture.paste(255, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(4):
        save(tmp_path / f"{i % 2}" / f"{i}.jpg", picture, exif=exif)
    data = read_folder(tmp_path)
    assert data.shape == (1, 32, 16)
    assert data.x[0][0, :12].min() > 240 and data.x[0][0, -12:].max() < 15


def test_other_files_are_counted_and_hidden_ones_skipped(folder: Path) -> None:
    (folder / "cat" / "notes.txt").write_text("x")
    (folder / "list.csv").write_text("x")
    (folder / "cat" / ".hidden.png").write_text("x")
    (folder / ".git").mkdir()
    (folder / "dog" / ".thumbs").mkdir()
    save(folder / "dog" / ".thumbs" / "0.png", image(0))
    data = read_folder(folder)
    assert len(data) == 22
    assert data.notes == ("2 files that are not images in a class folder were ignored.",)


@pytest.mark.parametrize("name", ["two words", "Größe 猫", "-v", "a.b", "a:b?"])
def test_class_names_may_be_unusual(folder: Path, name: str) -> None:
    (folder / "cat").rename(folder / name)
    assert name in read_folder(folder).classes


def test_names_that_cannot_be_folders_everywhere_are_refused(folder: Path) -> None:
    save(folder / "Cat" / "0.png", image(0))
    with pytest.raises(ValueError, match="differ only by case"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda root: root / "missing", "does not exist"),
        (lambda root: root / "empty", "holds no images"),
        (lambda root: root / "cat", "11 images directly inside but no class folders"),
        (lambda root: root, "class folder 'empty' .* holds no images"),
    ],
)
def test_folders_without_classes_are_refused(folder: Path, make, error: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises((ValueError, FileNotFoundError), match=error):
        read_folder(make(folder))


def test_parts_are_not_classes(tmp_path: Path) -> None:
    save(tmp_path / "train" / "cat" / "0.png", image(0))
    save(tmp_path / "Test" / "cat" / "0.png", image(1))
    with pytest.raises(ValueError, match="--test_data"):
        read_folder(tmp_path)


def test_what_gensynth_wrote_is_no_class(folder: Path) -> None:
    for name in ("run/dataset/train/cat/a.png", "made/cat/a.png", "listed/a.png"):
        save(folder / name, image(9))
    (folder / "run" / "run.json").write_text("{}")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "vae.ckpt").touch()
    for name in ("made", "listed"):
        (folder / name / "metadata.csv").write_text("file_name,label,synthetic,sampler,checkpoint_sha256,seed\n")
    data = read_folder(folder)
    assert data.classes == ("cat", "dog", "listed"), "a class may hold a list of its images, too"
    assert any("'checkpoints', 'made', 'run': left out, written by gensynth" in note for note in data.notes)


def test_broken_images_are_named_together(folder: Path) -> None:
    for i in range(6):
        (folder / "cat" / f"text{i}.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"^6 of 28 images in .*text0.*text4.png' \(not an image.*, \.\.\.; ") as e:
        read_folder(folder)
    assert "text5" not in str(e.value)


@pytest.mark.parametrize("memory_gb", [4.0, 1e-9])
def test_truncated_jpeg_is_found_when_reading(folder: Path, memory_gb: float) -> None:
    save(folder / "dog" / "cut.jpg", image(0, 64, 64), quality=95)
    whole = (folder / "dog" / "cut.jpg").read_bytes()
    (folder / "dog" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"1 of 23 images .*dog/cut.jpg.*truncated"):
        read_folder(folder, memory_gb=memory_gb)


@pytest.mark.parametrize("side", [60_000, 10_000, 7_500])
def test_decompression_bomb_is_refused_by_its_header(folder: Path, side: int) -> None:
    save(folder / "cat" / "bomb.png", Image.new("1", (16, 16)))
    png = bytearray((folder / "cat" / "bomb.png").read_bytes())
    png[16:24] = side.to_bytes(4, "big") * 2
    # The checksum of the header has to fit, or Pillow stops there.
    png[29:33] = zlib.crc32(bytes(png[12:29])).to_bytes(4, "big")
    (folder / "cat" / "bomb.png").write_bytes(png)
    with pytest.raises(ValueError, match=r"bomb.png' \(more than 50 megapixels\)"):
        read_folder(folder)


def test_links_that_leave_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "cat" / "again.png").symlink_to(folder / "cat" / "img0.png")
    assert len(read_folder(folder)) == 23
    save(tmp_path / "secret.png", image(0))
    (folder / "cat" / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ValueError, match="symbolic link .*link.png"):
        read_folder(folder)
    (folder / "cat" / "link.png").unlink()
    (folder / "cat" / "loop").symlink_to(folder)
    with pytest.raises(ValueError, match="symbolic link .*loop"):
        read_folder(folder)


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "I", "F"]


@settings(max_examples=60, deadline=None)
@given(
    mode=st.sampled_from(MODES),
    h=st.integers(1, 200),
    w=st.integers(1, 200),
    size=st.tuples(st.integers(8, 128), st.integers(8, 128)),
    channels=st.sampled_from([1, 3]),
)
def test_any_mode_and_size_becomes_uint8(mode: str, h: int, w: int, size: tuple[int, int], channels: int) -> None:
    picture = Image.new("L", (w, h), 255)
    if mode in ("F", "I", "I;16"):
        picture = Image.fromarray(np.full((h, w), {"F": 1.0, "I": 65535, "I;16": 65535}[mode], np.float32))
        picture = picture if mode == "F" else picture.convert("I")
        picture = picture.convert("I;16") if mode == "I;16" else picture
    elif mode != "L":
        picture = picture.convert("RGB").convert(mode)
    pixels = to_pixels(picture, size, channels)
    assert pixels.shape == (channels, *size) and pixels.dtype == np.uint8
    assert pixels.min() >= 254  # white stays white


def test_values_are_kept_where_no_size_changes() -> None:
    deep = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    assert np.array_equal(to_pixels(Image.fromarray(deep), (16, 16), 1)[0], (deep // 257).astype(np.uint8))
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert to_pixels(clear, (8, 8), 3).min() == 255
    with pytest.raises(ValueError, match="allowed 0 to 1"):
        to_pixels(Image.fromarray(np.full((8, 8), 1.5, np.float32)), (8, 8), 1)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_and_noted(tmp_path: Path, suffix: str) -> None:
    for i in range(4):
        save(tmp_path / f"{i % 2}" / f"{i}.{suffix}", Image.fromarray(np.full((8, 8), 257 * 60, np.uint16)))
    data = read_folder(tmp_path)
    assert data.shape == (1, 8, 8) and (data.x[:] == 60).all()
    assert "more than 8 bits" in data.notes[0]


def test_every_format_is_read(tmp_path: Path) -> None:
    for i, suffix in enumerate(["png", "jpg", "JPEG", "bmp", "tif", "tiff", "webp"]):
        save(tmp_path / f"{i % 2}" / f"x.{suffix}", image(i).quantize(16) if suffix == "png" else image(i))
    # Phones write several pictures into one JPEG file.
    save(tmp_path / "1" / "phone.jpg", image(9), format="MPO", save_all=True, append_images=[image(8)])
    assert read_folder(tmp_path).class_counts == {"0": 4, "1": 4}
