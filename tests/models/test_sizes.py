"""Sizes that a stranger's file claims are checked before they take memory: npz, saved samplers, checkpoints."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import SHIPPED
from strangers import Call

from gensynth.data import npz
from gensynth.data.npz import open_npz
from gensynth.generator.checkpoint import load_checkpoint
from gensynth.kinds.image.arrays import read_npz
from gensynth.kinds.table.packed import load_packed


def header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue() + b"\0" * 16


def refused_in_little_memory(call: Callable[[], Any], says: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=says):
            call()
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "entry", [header((10**12,)), header((10**9,), "<U0"), header((-1, 4)), header((2, 10**6), "<U9")]
)
def test_arrays_that_claim_more_than_is_there(tmp_path: Path, entry: bytes) -> None:
    for name in ("x.npy", "json.npy"):
        with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
            archive.writestr(name, entry)
        for read in (read_npz, load_packed):
            refused_in_little_memory(lambda read=read: read(tmp_path / "d.npz"), "longer than the data that are there")


def test_files_that_unpack_to_far_more_than_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "d.npz", x=np.zeros((1000, 32, 32), np.uint8), y=np.arange(1000) % 2)
    with open_npz(tmp_path / "d.npz") as arrays:
        assert len(arrays["x"]) == 1000  # small enough, however it is packed
    monkeypatch.setattr(npz, "ALWAYS", 100_000)
    for read in (read_npz, load_packed):
        refused_in_little_memory(lambda read=read: read(tmp_path / "d.npz"), "unpacks from 0.0 MB to 0.0 GB.*savez")
    np.savez(tmp_path / "d.npz", x=np.zeros((1000, 32, 32), np.uint8), y=np.arange(1000) % 2)
    assert len(read_npz(tmp_path / "d.npz")) == 1000


@pytest.mark.parametrize(
    "data", [b"", b"PK\3\4", b"\x93NUMPY", pickle.dumps({"x": 1}), header((3,))], ids=lambda data: repr(data[:6])
)
def test_other_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "d.npz").write_bytes(data)
    with pytest.raises(ValueError, match="is not an .npz file, or it is damaged"):
        read_npz(tmp_path / "d.npz")


def test_packed_members_of_a_checkpoint(tmp_path: Path) -> None:
    with zipfile.ZipFile(SHIPPED) as old, zipfile.ZipFile(tmp_path / "a.ckpt", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(ValueError, match="is not a gensynth checkpoint"):
        load_checkpoint(tmp_path / "a.ckpt")


@pytest.mark.parametrize("call", [Call(bytearray, 10**11), Call(torch.Size, (3,)), Call(torch.FloatTensor, 10**10)])
def test_calls_in_a_checkpoint(tmp_path: Path, call: Call) -> None:
    torch.save({"format": "gensynth-1", "state": call}, tmp_path / "a.ckpt")
    refused_in_little_memory(lambda: load_checkpoint(tmp_path / "a.ckpt"), "is not a gensynth checkpoint")


@pytest.mark.parametrize(
    ("generator", "config"),
    [
        ("vae", {"width": 10**6, "max_width": 10**6}),
        ("vae", {"z_dim": 10**9}),
        ("dcgan", {"width": 10**5, "max_width": 10**6}),
        ("cyclegan", {"blocks": 10**9, "width": 1}),
        ("cyclegan", {"pool": 10**9}),
        ("deformation", {"width": 10**6}),
        ("style_transfer", {"width": 10**6}),
    ],
)
def test_settings_of_a_network_that_is_larger_than_its_weights(
    tmp_path: Path, generator: str, config: dict[str, int]
) -> None:
    contents = torch.load(SHIPPED, weights_only=True)
    torch.save(contents | {"generator": generator, "config": config}, tmp_path / "a.ckpt")
    says = "larger network than its weights|can't allocate memory|pool must be at most|Storage size"
    refused_in_little_memory(lambda: load_checkpoint(tmp_path / "a.ckpt"), says)
    torch.save(contents, tmp_path / "a.ckpt")
    assert load_checkpoint(tmp_path / "a.ckpt").name == "vae"


def test_weights_that_claim_more_than_is_there(tmp_path: Path) -> None:
    """A storage of ten numbers that says it has ten million is not read beyond its end."""
    contents = torch.load(SHIPPED, weights_only=True)
    contents["state"]["decoder.start.bias"] = torch.zeros(10)
    torch.save(contents, tmp_path / "b.ckpt")
    with zipfile.ZipFile(tmp_path / "b.ckpt") as old, zipfile.ZipFile(tmp_path / "a.ckpt", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            ten, million = b"K\nt", b"J" + (10_000_000).to_bytes(4, "little") + b"t"
            new.writestr(name, data.replace(ten, million, 1) if name.endswith("data.pkl") else data)
            assert ten in data or not name.endswith("data.pkl")
    with pytest.raises(ValueError, match="a.ckpt"):
        load_checkpoint(tmp_path / "a.ckpt")
