"""The cache of decoded images: found again, never wrong, bounded, and done without where it cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gensynth.kinds.image import cache as module
from gensynth.kinds.image.cache import Cache
from gensynth.kinds.image.decode import Decoded, decode_image
from gensynth.kinds.image.read import DataConfig, read

SETTINGS = ((12, 16), 3, None, "pad")


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path := tmp_path / "a.jpg", quality=90)
    return path


def equal(one: Decoded, two: Decoded) -> bool:
    return bool((one.pixels == two.pixels).all()) and one[1:] == two[1:]


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_image_is_decoded_once(photograph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "cache")
    first = cache.decode(photograph, *SETTINGS)
    assert equal(first, decode_image(photograph, *SETTINGS)) and len(kept(cache.root)) == 1
    with monkeypatch.context() as patch:
        patch.setattr(module, "decode_image", None)  # nothing is decoded again
        assert equal(cache.decode(photograph, *SETTINGS), first)
    assert cache.decode(photograph, (6, 8), 1, None).pixels.shape == (1, 6, 8)
    Image.open(photograph).rotate(180).save(photograph)  # another picture under the same name
    assert equal(cache.decode(photograph, *SETTINGS), decode_image(photograph, *SETTINGS))


def test_what_would_be_larger_than_the_file_is_not_kept(photograph: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    cache.decode(photograph, (900, 1200), 3, None)
    Cache(tmp_path / "cache", gigabytes=0).decode(photograph, *SETTINGS)
    assert not kept(cache.root)


@pytest.mark.parametrize("damage", [b"", b"x" * 20, None])
def test_a_damaged_file_is_made_again(photograph: Path, tmp_path: Path, damage: bytes | None) -> None:
    cache = Cache(tmp_path / "cache")
    first = cache.decode(photograph, *SETTINGS)
    (file,) = kept(cache.root)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if damage is None else damage)
    assert equal(cache.decode(photograph, *SETTINGS), first) and file.read_bytes() == content


def test_what_was_not_used_for_longest_is_removed_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", gigabytes=3500 / 1e9)
    for at in range(5):
        pixels = np.full((1, 20, 45), at, dtype=np.uint8)
        module._write(cache.root / "00" / str(at), Decoded(pixels, 20, 45, False, at, b"x"))
        os.utime(cache.root / "00" / str(at), (at, at))
    cache.trim()
    assert sorted(path.name for path in kept(cache.root)) == ["2", "3", "4"]
    cache.trim()
    assert len(kept(cache.root)) == 3


def test_a_place_that_cannot_be_written_is_done_without(photograph: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    assert equal(Cache(tmp_path / "cache").decode(photograph, *SETTINGS), decode_image(photograph, *SETTINGS))
    Cache(tmp_path / "cache").trim()
    with pytest.raises(ValueError, match="not an image"):
        (tmp_path / "b.jpg").write_bytes(b"x" * 9999)
        Cache(tmp_path / "c").decode(tmp_path / "b.jpg", *SETTINGS)


def test_a_second_reading_decodes_no_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, folder, cache = np.random.default_rng(0), tmp_path / "photos", str(tmp_path / "cache")
    for at in range(8):
        path = folder / "ab"[at % 2] / f"{at}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(path, quality=95)
    first = read(folder, DataConfig(size=16, cache=cache))
    with monkeypatch.context() as patch:
        patch.setattr(module, "decode_image", None)
        again = read(folder, DataConfig(size=16, cache=cache))
        on_demand = read(folder, DataConfig(size=16, cache=cache, memory_gb=1e-9))
    assert first.fingerprint == again.fingerprint == on_demand.fingerprint
    assert (on_demand.x[:] == first.x[:]).all()
    before = len(kept(tmp_path / "cache"))
    assert read(folder, DataConfig(size=16, cache=cache, no_cache=True, channels=1)).x.layout == (1, 16, 16)
    assert before == len(kept(tmp_path / "cache")) == 8
