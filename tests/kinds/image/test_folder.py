"""A folder of images becomes LabeledData, whatever is in it."""

from __future__ import annotations

import os
import pickle
import socket
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gensynth.kinds.image.arrays import read_npz
from gensynth.kinds.image.folder import ImageFiles, read_files, read_folder
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.pixels import to_pixels


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
    assert data.root == folder and data.notes == () and data.x.layout == (3, 12, 12)
    assert np.array_equal(data.x[2].numpy().transpose(1, 2, 0), np.asarray(image(2)))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_on_demand_equals_in_memory(tmp_path: Path, mode: str) -> None:
    for i in range(6):
        # Grey pictures stored as colour too: both ways must find that one channel is enough.
        save(tmp_path / f"{i % 2}" / f"{i}.png", image(i, 20, 9 + i, "L").convert(mode))
    memory, disk = read_folder(tmp_path), read_folder(tmp_path, memory_gb=1e-9)
    assert isinstance(memory.x, Pixels) and isinstance(disk.x, ImageFiles)
    assert memory.x.layout == disk.x.layout == (1, 20, 11)
    assert memory.fingerprint == disk.fingerprint
    assert memory.x.hashes() == disk.x.hashes()
    assert memory.subset([4, 1]).fingerprint == disk.subset([4, 1]).fingerprint
    assert memory.fingerprint != memory.subset(range(5)).fingerprint
    for index in (torch.tensor([3, 0]), np.array([], np.int64), slice(1, 4), 2, np.arange(6) > 3):
        assert torch.equal(disk.x[index], memory.x[index])
    assert torch.equal(pickle.loads(pickle.dumps(disk.x[:]))[:], memory.x[:])


def test_mixed_sizes_are_resized_and_noted(folder: Path) -> None:
    save(folder / "dog" / "wide.png", image(1, 12, 24))
    data = read_folder(folder)
    assert data.x.layout == (3, 12, 12)
    assert "see all images at 12 x 12 pixels" in data.notes[0]
    assert "of 23 images 1 scaled down, 1 padded with their mirror image; sizes: 12 x 12 (22)" in data.notes[0]
    assert tuple(data.x.sizes[data.ids.index("dog/wide.png")]) == (12, 24)
    assert read_folder(folder, size=(16, 10)).x.layout == (3, 16, 10)


def test_other_files_are_counted_and_hidden_ones_skipped(folder: Path) -> None:
    (folder / "cat" / "notes.txt").write_text("x")
    (folder / "list.csv").write_text("x")
    (folder / "cat" / ".hidden.png").write_text("x")
    (folder / ".git").mkdir()
    (folder / "dog" / ".thumbs").mkdir()
    save(folder / "dog" / ".thumbs" / "0.png", image(0))
    (folder / "metadata.csv").write_text("x")
    data = read_folder(folder)
    assert len(data) == 22
    assert len(data.notes) == 1
    assert "Not read: 1 of 12 files of 'cat' (1 .txt), 1 outside of classes (1 .csv)." in data.notes[0]


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
    assert any(note.endswith("was left out: 'checkpoints', 'made', 'run'.") for note in data.notes)


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


def test_kinds_that_cannot_be_read_are_told_by_class(folder: Path) -> None:
    for name, suffix, n in (("cat", "heic", 8), ("cat", "avif", 2), ("dog", "dcm", 3)):
        for i in range(n):
            (folder / name / f"{i}.{suffix}").write_bytes(b"x")
    note = read_folder(folder).notes[0]
    assert "Not read: 10 of 21 files of 'cat' (8 .heic, 2 .avif), 3 of 14 files of 'dog' (3 .dcm)." in note
    assert ".png, .jpg" in note and "convert" in note
    (folder / "bird").mkdir()
    (folder / "bird" / "0.heic").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"class folder 'bird' .* holds no images .* but 1 .heic; "):
        read_folder(folder)


def test_many_classes_with_unread_files_fit_in_a_sentence(tmp_path: Path) -> None:
    for i in range(30):
        save(tmp_path / f"c{i}" / "0.png", image(i, 8, 8))
        (tmp_path / f"c{i}" / "a.heic").write_bytes(b"x")
    note = read_folder(tmp_path).notes[0]
    assert "1 of 2 files of 'c9' (1 .heic) and 20 of 20 more classes." in note and "'c10'" not in note


def test_pipes_and_sockets_are_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "cat" / "pipe.png")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.path.relpath(folder / "cat" / "s.jpg"))
        data = read_folder(folder)
    assert len(data) == 22 and "2 of 13 files of 'cat' (2 pipe, device or broken link)" in data.notes[0]
    assert len(read_files(folder, (8, 8), 1)) == 22
    os.mkfifo(folder.parent / "x.npz")
    with pytest.raises(FileNotFoundError, match="pipe"):
        read_npz(folder.parent / "x.npz")


def test_links_may_be_followed_but_not_in_circles(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    (folder / "cat").rename(store)
    (folder / "cat").symlink_to(store)
    (folder / "dog" / "deep" / "99.png").symlink_to(store / "img3.png")
    data = read_folder(folder, follow_links=True)
    assert data.class_counts == {"cat": 11, "dog": 12} and data.ids[0] == "cat/img0.png"
    assert torch.equal(data.x[data.ids.index("dog/deep/99.png")], data.x[3])
    (folder / "dog" / "loop").symlink_to(folder)
    with pytest.raises(ValueError, match="loop"):
        read_folder(folder, follow_links=True)
    (folder / "dog" / "loop").unlink()
    (folder / "twin").symlink_to(store)  # two links to one folder, each of which may hold two more, and so on
    with pytest.raises(ValueError, match="another link leads to"):
        read_folder(folder, follow_links=True)
    (folder / "twin").unlink()
    (store / "img0.png").unlink()
    (store / "img0.png").symlink_to(tmp_path / "not fetched.png")
    with pytest.raises(ValueError, match="leads nowhere; fetch"):
        read_folder(folder, follow_links=True)


def test_links_that_leave_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "cat" / "again.png").symlink_to(folder / "cat" / "img0.png")
    assert len(read_folder(folder)) == 23
    save(tmp_path / "secret.png", image(0))
    (folder / "cat" / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ValueError, match="symbolic link .*link.png.*--follow_links"):
        read_folder(folder)
    (folder / "cat" / "link.png").unlink()
    (folder / "cat" / "loop").symlink_to(folder)
    with pytest.raises(ValueError, match="symbolic link .*loop"):
        read_folder(folder)


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "I", "F"]


@settings(max_examples=60)
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


def test_every_format_is_read(tmp_path: Path) -> None:
    for i, suffix in enumerate(["png", "jpg", "JPEG", "bmp", "tif", "tiff", "webp"]):
        save(tmp_path / f"{i % 2}" / f"x.{suffix}", image(i).quantize(16) if suffix == "png" else image(i))
    save(tmp_path / "0" / "x.gif", image(7), save_all=True, append_images=[image(8)])
    for i, (suffix, kind) in enumerate([("jpe", "JPEG"), ("jfif", "JPEG"), ("pgm", "PPM"), ("ppm", "PPM")]):
        save(tmp_path / f"{i % 2}" / f"x.{suffix}", image(i, mode="L" if suffix == "pgm" else "RGB"), format=kind)
    # Phones write several pictures into one JPEG file.
    save(tmp_path / "1" / "phone.jpg", image(9), format="MPO", save_all=True, append_images=[image(8)])
    assert read_folder(tmp_path).class_counts == {"0": 7, "1": 6}
