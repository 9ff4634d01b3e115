"""Every image stands upright and uses all grey levels, whatever its file says of it and where."""

from __future__ import annotations

import io
import logging
import struct
import sys
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gensynth.cli.main import main
from gensynth.kinds.image.arrays import from_arrays
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.folder import ImageFiles, read_files, read_folder
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.pixels import MASK, WHITE, WHITES, find_white
from gensynth.kinds.image.read import DataConfig, read_parts
from gensynth.kinds.image.style.stylize import _find
from gensynth.mix.mix import write_synthetic

UPRIGHT = np.zeros((24, 16), np.uint8)
UPRIGHT[:12, :8] = 255  # white at the top left: every turn and every mirror image differs
TURNS = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}
"""What lies in a file of each EXIF orientation (tag 0x0112) so that it stands upright."""


def written(form: str, **options: object) -> Callable[[Image.Image, Image.Exif], bytes]:
    def write(picture: Image.Image, exif: Image.Exif) -> bytes:
        file = io.BytesIO()
        picture.save(file, form, exif=exif, **options)
        return file.getvalue()

    return write


def png_with_exif_behind(picture: Image.Image, exif: Image.Exif) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    data, end = exif.tobytes().removeprefix(b"Exif\0\0"), file.getvalue().rindex(b"IEND") - 4
    chunk = struct.pack(">I", len(data)) + b"eXIf" + data + struct.pack(">I", zlib.crc32(b"eXIf" + data))
    return file.getvalue()[:end] + chunk + file.getvalue()[end:]


WRITERS = {
    "jpg": written("JPEG", quality=95),
    "png": written("PNG"),
    "behind.png": png_with_exif_behind,
    "webp": written("WEBP", lossless=True),
    "tif": written("TIFF"),
    "lzw.tif": written("TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("form", WRITERS)
def test_images_stand_upright_wherever_their_orientation_is_said(tmp_path: Path, form: str) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        for turn, lying in TURNS.items():
            exif = Image.Exif()
            exif[0x0112] = turn
            picture = Image.fromarray(np.ascontiguousarray(lying))
            (tmp_path / name / f"{turn}.{form}").write_bytes(WRITERS[form](picture, exif))
    data = read_folder(tmp_path)
    assert data.x.layout == (1, 24, 16) and data.notes == ()
    assert np.array_equal(data.x.sizes, np.tile([24, 16], (16, 1)))
    assert np.abs(data.x[:].numpy().astype(int) - UPRIGHT).max() < 30  # JPEG is a little off at edges
    on_demand = read_folder(tmp_path, memory_gb=1e-9)
    assert isinstance(on_demand.x, ImageFiles) and np.array_equal(on_demand.x[:], data.x[:])
    assert {(p.height, p.width) for p in _find(tmp_path, 64, None, True)} == {(24, 16)}


def test_a_large_jpeg_that_is_shrunk_while_decoding_tells_its_own_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("L", (900, 600)).save(tmp_path / name / "0.jpg", exif=exif)
    data = read_folder(tmp_path)
    assert data.x.sizes.tolist() == [[900, 600]] * 2 and data.x.layout == (1, 64, 43)


def folder_of(root: Path, *images: np.ndarray, form: str = "png") -> Path:
    """Write images in two classes, which are read in the same order."""
    for i, pixels in enumerate(images):
        name = "ab"[2 * i >= len(images)]
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name / f"{i}.{form}")
    return root


def ramp(highest: int, dtype: type = np.uint16, h: int = 16) -> np.ndarray:
    return np.linspace(0, highest, h * 16).round().astype(dtype).reshape(h, 16)


@pytest.mark.parametrize("form", ["png", "tif"])
@pytest.mark.parametrize(("highest", "white"), [(1, 1), (200, 255), (1023, 1023), (3000, 4095), (4096, 16383)])
def test_the_range_of_all_deep_images_is_used(tmp_path: Path, form: str, highest: int, white: int) -> None:
    dark = ramp(highest) // 2
    data = read_folder(folder_of(tmp_path, ramp(highest), dark, dark, ramp(highest), form=form))
    assert np.array_equal(data.x[0, 0], (ramp(highest) * (255 / white)).round().astype(np.uint8))
    assert data.x.white == white and (f"{white} to 255" in data.notes[0] or white == 1)
    on_demand = read_folder(tmp_path, memory_gb=1e-9)
    assert np.array_equal(on_demand.x[:], data.x[:]) and on_demand.x.hashes() == data.x.hashes()
    assert np.array_equal(on_demand.subset([3, 0]).x[:], data.x[[3, 0]])


def test_full_range_and_eight_bits_stay_what_they_are(tmp_path: Path) -> None:
    data = read_folder(folder_of(tmp_path / "a", ramp(65535), ramp(255, np.uint8), ramp(9, np.uint8), ramp(60000)))
    assert np.array_equal(data.x[1, 0], ramp(255, np.uint8)) and np.array_equal(data.x[2, 0], ramp(9, np.uint8))
    assert data.x.white == WHITE and "2 images with more than 8 bits" in data.notes[0] and len(data.notes) == 1
    dark = read_folder(folder_of(tmp_path / "b", *[ramp(15, np.uint8)] * 2))
    assert dark.x[:].max() == 15 and "nearly black" in dark.notes[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_masks_of_zero_and_one_are_black_and_white(tmp_path: Path, dtype: type) -> None:
    masks = [(ramp(255) > t).astype(dtype) for t in (10, 60, 120, 180)]
    data = read_folder(folder_of(tmp_path / "real", *masks))
    assert data.x.white == MASK and np.array_equal(data.x[:, 0], np.stack(masks) * 255) and "masks" in data.notes[0]
    wide = read_folder(tmp_path / "real", size=(8, 8))
    assert set(np.unique(wide.x[:])) != {0, 1} and wide.x[:].max() == 255
    from_array = from_arrays(np.stack(masks), np.array([0, 1, 0, 1]))
    assert np.array_equal(from_array.x[:, 0], np.stack(masks) * 255) and from_array.x.white == MASK
    # Synthetic ones may be of 0 and 1, too, or what we write.
    for form, pixels in (("theirs", masks), ("ours", [mask.astype(np.uint8) * 255 for mask in masks])):
        folder = folder_of(tmp_path / form, *pixels)
        assert FolderFiles().read(folder, data)[0].x[:].max() == 255
    # But nearly black ones beside real images that are no masks stay nearly black.
    grey = replace(data, x=Pixels(data.x[:], white=WHITE))
    assert FolderFiles().read(tmp_path / "real", grey)[0].x[:].max() == (1 if dtype == np.uint8 else 0)


def test_arrays_of_sixteen_bits(tmp_path: Path) -> None:
    x, y = np.stack([ramp(4000), ramp(2000)] * 2), np.array([0, 1, 0, 1])
    data = from_arrays(x, y)
    assert np.array_equal(data.x[0, 0], (ramp(4000) * (255 / 4095)).round().astype(np.uint8)) and data.x.white == 4095
    assert from_arrays(x, y, white=65535).x[:].max() == round(4000 * 255 / 65535)
    with pytest.raises(ValueError, match="4 images of x hold values above 1000, up to 4000; .*a larger --white"):
        from_arrays(x, y, white=1000)
    assert from_arrays((x // 16).astype(np.uint8), y, white=4095).x[:].max() == 250


def test_what_is_read_beside_the_data_has_their_white(tmp_path: Path) -> None:
    """A test folder whose own values would fit in fewer bits is as dark as it was taken."""
    rng = np.random.default_rng(0)
    train = folder_of(tmp_path / "train", *rng.integers(0, 4096, (24, 9, 9), dtype=np.uint16))
    test = folder_of(tmp_path / "test", *rng.integers(0, 1000, (4, 9, 9), dtype=np.uint16))
    parts = read_parts(train, DataConfig(test_data=str(test)))
    assert parts.train.x.white == 4095 and parts.test.x[:].max() <= 1000 * 255 / 4095 and parts.train.x[:].max() > 250
    synthetic, _ = FolderFiles().read(test, parts.train)
    assert synthetic.x[:].max() <= 1000 * 255 / 4095
    assert read_files(test, (9, 9), 1, white=4095)[:].max() <= 1000 * 255 / 4095 < read_files(test, (9, 9), 1)[:].max()
    with pytest.raises(ValueError, match=r"2[0-4] images of '.*train' hold values above 1023, up to 40[0-9][0-9]; "):
        read_parts(test, DataConfig(test_data=str(train)))
    assert read_parts(test, DataConfig(test_data=str(train), white=4095)).test.x[:].max() > 250
    with pytest.raises(ValueError, match="white must be 1 to 65535"):
        DataConfig(white=65536)


@pytest.mark.parametrize("deep", [True, False], ids=["12 bits", "masks"])
def test_what_is_read_beside_data_of_eight_bits_tells_its_own_white(tmp_path: Path, deep: bool) -> None:
    """8 bits say nothing of files that have more, nor of masks of 0 and 1; what was made of those is told."""
    rng = np.random.default_rng(0)
    train = folder_of(tmp_path / "train", *rng.integers(0, 256, (24, 9, 9), dtype=np.uint8))
    theirs = rng.integers(0, 4096, (6, 9, 9), dtype=np.uint16) if deep else rng.integers(0, 2, (6, 9, 9), np.uint8)
    other = folder_of(tmp_path / "other", *theirs)
    (other / "b" / "x.heic").write_bytes(b"x")
    told = "scaled to 8 bits, 4095 to 255" if deep else "1 was taken for white"
    parts = read_parts(train, DataConfig(test_data=str(other)))
    assert parts.train.x.white is None and parts.test.x[:].max() >= 254
    first, second = parts.train.notes
    assert first.startswith("test data: ") and told in first and second.startswith("test data: Not read: 1 of 4")
    synthetic, _ = FolderFiles().read(other, parts.train)
    assert synthetic.x[:].max() >= 254 and told in synthetic.notes[0] and "Not read" in synthetic.notes[1]
    # What gensynth wrote is read as it was drawn, however dark.
    drawn = replace(synthetic, x=Pixels(synthetic.x[:] // 255))
    write_synthetic(drawn, None, tmp_path / "drawn", FolderFiles())
    again, _ = FolderFiles().read(tmp_path / "drawn", parts.train)
    assert again.x[:].max() == 1 and "nearly black" in again.notes[0]


def test_floats_from_zero_to_255_are_told_what_to_do(tmp_path: Path) -> None:
    folder_of(tmp_path / "a", *[ramp(255).astype(np.float32)] * 2, form="tif")
    with pytest.raises(ValueError, match="values 0 to 255, allowed 0 to 1; divide by 255"):
        read_folder(tmp_path / "a")
    folder_of(tmp_path / "b", *[ramp(1000).astype(np.float32) - 500] * 2, form="tif")
    with pytest.raises(ValueError, match=r"values -500 to 500, allowed 0 to 1\)"):
        read_folder(tmp_path / "b")
    data = read_folder(folder_of(tmp_path / "c", *[ramp(255).astype(np.float32) / 255] * 2, form="tif"))
    assert data.x.white is None and "1 to 255." in data.notes[0]


@given(deep=st.lists(st.integers(-1, 65535), max_size=4), shallow=st.lists(st.integers(-1, 255), max_size=4))
def test_white_is_the_smallest_that_holds_every_value(deep: list[int], shallow: list[int]) -> None:
    white = find_white(deep, shallow, None, "x")
    if white == MASK:
        assert max(*deep, *shallow, -1) == 1
    elif white is not None:
        assert 0 <= max(deep) <= white and not [w for w in WHITES if max(deep) <= w < white]
    else:
        assert max(deep, default=-1) == -1, "nothing told"
    assert find_white(deep, shallow, MASK, "x") == white and find_white(deep, shallow, WHITE, "x") == WHITE


def test_nothing_stands_beside_our_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither libtiff, which writes to file descriptor 2, nor warnings and log records of other libraries."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    folder_of(tmp_path / "data", noise, noise.T.copy(), noise[::-1].copy())
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "TIFF", compression="tiff_lzw")
    broken = bytearray(file.getvalue())
    broken[1000:3000] = bytes(2000)
    (tmp_path / "data" / "a" / "broken.tif").write_bytes(broken)

    def talkative(*given: object) -> None:
        warnings.warn("Corrupt EXIF data", stacklevel=1)
        logging.getLogger("PIL.TiffImagePlugin").warning("More samples per pixel than can be decoded")

    monkeypatch.setattr("gensynth.kinds.image.decode.is_grey", talkative)
    monkeypatch.setattr(sys, "argv", ["gensynth", "explore", str(tmp_path / "data")])
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with pytest.raises(SystemExit) as stop:
        main()
    lines = capfd.readouterr().err.splitlines()
    assert stop.value.code == 2 and len(lines) == 1 and lines[0].startswith("gensynth: 1 of 4 images"), lines
