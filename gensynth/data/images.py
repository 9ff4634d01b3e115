"""A folder of images, one sub-folder per class, held in memory or read on demand."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, final

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from tqdm import tqdm

from gensynth.data.labeled import LabeledData, check_class_names, content_hash, natural_key
from gensynth.data.pixels import choose_size, is_grey, size_notes, to_pixels

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
# Only these decoders are tried, whatever the suffix says: others may run programs (EPS runs Ghostscript).
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
MAX_PIXELS = 50_000_000
PART_NAMES = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
FLAT = "images"
"""Name of the class of images that lie in a folder without sub-folders."""
ORIENTATION = 0x0112  # the EXIF tag; values 5 to 8 swap height and width
MANIFEST = b"file_name,label,synthetic,sampler,checkpoint_sha256,"
"""How each metadata.csv begins that `gensynth.manifest` writes."""
BLOCK = 1024
THREADS = min(16, os.cpu_count() or 1)
T = TypeVar("T")


@final
class ImageFiles:
    """Images on disk behind the interface of a uint8 tensor of shape (n, c, h, w).

    Args:
        root: The folder the paths are relative to.
        paths: One path per image, length n.
        size: (height, width) every image is brought to.
        channels: 1 or 3.
        hashes: `content_hash` of every image, length n.
    """

    def __init__(
        self,
        root: Path,
        paths: Sequence[str],
        size: tuple[int, int],
        channels: int,
        hashes: Sequence[bytes],
    ) -> None:
        self.root = root
        self.paths = tuple(paths)
        self.shape = torch.Size((len(self.paths), channels, *size))
        self.hashes = tuple(hashes)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """Decode the images at `index`, anything that indexes the first axis of a tensor; uint8."""
        at = np.arange(len(self))[index.numpy() if isinstance(index, Tensor) else index]
        _, channels, *size = self.shape
        paths = [self.paths[i] for i in np.atleast_1d(at)]
        pixels = np.empty((len(paths), channels, *size), dtype=np.uint8)

        def decode(row: int) -> None:
            pixels[row] = decode_image(self.root / paths[row], (size[0], size[1]), channels)

        for_each(decode, self.root, paths)
        return torch.from_numpy(pixels if at.ndim else pixels[0])

    def subset(self, index: np.ndarray) -> ImageFiles:
        """Return the images at the positions `index`, in that order."""
        _, channels, h, w = self.shape
        paths, hashes = [self.paths[i] for i in index], [self.hashes[i] for i in index]
        return ImageFiles(self.root, paths, (h, w), channels, hashes)


def read_folder(
    root: str | Path,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    memory_gb: float = 4.0,
    part_names: bool = False,
    flat: bool = False,
) -> LabeledData:
    """Read a folder with one sub-folder per class; images may lie at any depth below.

    Reads PNG, JPEG, BMP, TIFF (first page) and WebP (first frame), upright by their EXIF orientation.
    Hidden files are skipped, other files are counted in the notes. Every image is decoded once here, so that
    a broken one is found now and not in the middle of a training run.

    Args:
        root: The folder; its sub-folders' names are the class names, in natural order.
        size: Side, (height, width), or None for the images' own (see `choose_size`).
        channels: 1, 3, or None for 1 if every image is grey, else 3.
        memory_gb: If the images as uint8 are larger than this, they stay on disk as `ImageFiles`.
        part_names: Whether classes may be called train, test and the like, which otherwise look like parts.
        flat: Whether images directly inside a folder without sub-folders are taken as the single class `FLAT`.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if the folder has no classes, a class has no images, an image cannot be read or has more
            than 50 megapixels, or a symbolic link leads to a folder or out of `root`.
    """
    root = Path(root).resolve()
    ids, y, classes, ignored, outputs = _find(root, part_names, flat)
    headers = for_each(lambda i: header(root / ids[i]), root, ids, "checking")
    sizes = np.array([(h, w) for h, w, _, _ in headers], dtype=np.int64)
    target = choose_size(sizes, size)
    c = channels or (1 if all(grey for _, _, grey, _ in headers) else 3)
    in_memory = len(ids) * c * target[0] * target[1] <= memory_gb * 1e9
    pixels = np.empty((len(ids) if in_memory else 0, c, *target), dtype=np.uint8)

    def decode(i: int) -> tuple[bytes, bool]:
        image = decode_image(root / ids[i], target, c)
        if in_memory:
            pixels[i] = image
        return content_hash(image), bool((image[1:] == image[:1]).all())

    hashes, greys = zip(*for_each(decode, root, ids, "reading"), strict=True)
    if channels is None and all(greys):
        # Grey images are often stored as colour; one channel holds all there is.
        c, pixels = 1, np.ascontiguousarray(pixels[:, :1])
    deep = sum(deep for _, _, _, deep in headers)
    notes = [*size_notes(sizes, target)]
    if outputs:
        notes.append(f"{', '.join(map(repr, outputs))}: left out, written by gensynth and no class.")
    if ignored:
        notes.append(f"{ignored} files that are not images in a class folder were ignored.")
    if deep:
        notes.append(f"{deep} images with more than 8 bits per value were scaled to 8 bits.")
    return LabeledData(
        x=torch.from_numpy(pixels) if in_memory else ImageFiles(root, ids, target, c, hashes),
        y=y,
        classes=classes,
        ids=ids,
        root=root,
        notes=tuple(notes),
        sizes=sizes,
    )


def read_files(root: str | Path, size: tuple[int, int], channels: int) -> ImageFiles:
    """Find all images of a folder, at any depth, whatever its sub-folders mean; each is decoded once to be sure of it.

    Args:
        root: The folder.
        size: (height, width) every image is brought to.
        channels: 1 or 3.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if it holds no images, or one that cannot be read.
    """
    root = Path(root).resolve()
    if not root.is_dir():
        raise FileNotFoundError(f"folder {str(root)!r} does not exist.")
    found = [p for entry in os.scandir(root) for p in walk(entry, root) if p.lower().endswith(SUFFIXES)]
    paths = sorted((Path(p).relative_to(root).as_posix() for p in found), key=natural_key)
    if not paths:
        raise ValueError(f"folder {str(root)!r} holds no images ({', '.join(SUFFIXES)}).")
    hashes = for_each(lambda i: content_hash(decode_image(root / paths[i], size, channels)), root, paths, "checking")
    return ImageFiles(root, paths, size, channels, hashes)


def _find(
    root: Path, part_names: bool, flat: bool
) -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...], int, tuple[str, ...]]:
    """Return ids, labels, class names, the number of ignored files and the folders that gensynth wrote."""
    if not root.is_dir():
        raise FileNotFoundError(f"folder {str(root)!r} does not exist.")
    top = [e for e in os.scandir(root) if not e.name.startswith(".") and e.name != "__MACOSX"]
    folders = sorted((e.name for e in top if e.is_dir()), key=natural_key)
    outputs = tuple(name for name in folders if name.lower() not in PART_NAMES and is_output(root / name))
    classes = tuple(name for name in folders if name not in outputs)
    loose = [e for e in top if not e.is_dir()]
    if not classes:
        images = sorted((e.name for e in loose if e.name.lower().endswith(SUFFIXES)), key=natural_key)
        n = len(images)
        if n and flat:
            found = [Path(p).relative_to(root).as_posix() for e in loose if e.name in images for p in walk(e, root)]
            return tuple(sorted(found, key=natural_key)), np.zeros(n, dtype=np.int64), (FLAT,), len(loose) - n, outputs
        state = f"has {n} images directly inside but no class folders" if n else "holds no images"
        raise ValueError(f"folder {str(root)!r} {state}; make one sub-folder per class, named like the class.")
    parts = set() if part_names else PART_NAMES.intersection(name.lower() for name in classes)
    if len(parts) > 1 or len(parts) == len(classes):
        raise ValueError(
            f"the sub-folders of {str(root)!r} are parts ({', '.join(classes[:8])}), not classes; pass "
            f"{str(root / 'train')!r} as the source and --test_data {str(root / 'test')!r}."
        )
    check_class_names(classes)
    ids: list[str] = []
    y: list[int] = []
    ignored = len(loose)
    for label, name in enumerate(classes):
        entry = next(e for e in top if e.name == name)
        paths = [Path(p).relative_to(root).as_posix() for p in walk(entry, root)]
        images = sorted((p for p in paths if p.lower().endswith(SUFFIXES)), key=natural_key)
        if not images:
            raise ValueError(
                f"class folder {name!r} in {str(root)!r} holds no images ({', '.join(SUFFIXES)}); "
                "add some or remove the folder."
            )
        if any(unicodedata.category(c) == "Cs" for path in images for c in path):
            raise ValueError(f"class folder {name!r} holds file names that are not valid UTF-8; rename them.")
        ignored += len(paths) - len(images)
        ids += images
        y += [label] * len(images)
    return tuple(ids), np.array(y, dtype=np.int64), classes, ignored, outputs


def is_output(folder: Path) -> bool:
    """Whether gensynth wrote a folder: a run, checkpoints or samples. One with images directly inside is a class."""
    names = [entry.name for entry in os.scandir(folder)]
    if any(name.lower().endswith(SUFFIXES) for name in names):
        return False
    manifest = folder / "metadata.csv"
    if manifest.is_file():
        with open(manifest, "rb") as file:
            return file.read(len(MANIFEST)) == MANIFEST
    return "run.json" in names or any(name.endswith((".ckpt", ".resume")) for name in names)


def walk(entry: os.DirEntry[str], root: Path) -> Iterator[str]:
    """Yield the files at or below `entry`, without hidden ones."""
    if entry.name.startswith("."):
        return
    folder = entry.is_dir()
    if entry.is_symlink() and (folder or entry.name.lower().endswith(SUFFIXES)):
        # A link to a folder may be a loop; one that leaves the root would put strangers' files into ids.
        if folder or not Path(entry.path).resolve().is_relative_to(root):
            raise ValueError(
                f"symbolic link {entry.path!r} leads to a folder or out of {str(root)!r}; "
                "put the files themselves there."
            )
    if folder:
        for child in list(os.scandir(entry.path)):  # a list, so that the folder is closed if a link raises
            yield from walk(child, root)
    else:
        yield entry.path


def _open(path: Path) -> Image.Image:
    """Open a file and check its declared size; decodes nothing."""
    try:
        image = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError("not an image that can be read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"more than {MAX_PIXELS // 10**6} megapixels") from None
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise ValueError(f"more than {MAX_PIXELS // 10**6} megapixels")
    return image


def header(path: Path) -> tuple[int, int, bool, bool]:
    """Return height, width, whether it is surely grey, and whether it has more than 8 bits."""
    with _open(path) as image:
        w, h = image.size
        # Asking a PNG without EXIF in front of its pixels would decode all of it.
        if image.format in ("JPEG", "MPO", "TIFF", "WEBP") or "exif" in image.info:
            if image.getexif().get(ORIENTATION, 1) >= 5:
                h, w = w, h
        return h, w, is_grey(image), image.mode == "F" or image.mode.startswith("I")


def decode_image(path: Path, size: tuple[int, int], channels: int) -> np.ndarray:
    """Return the pixels of a file, upright, uint8 of shape (channels, *size); ValueError if it cannot be read."""
    with _open(path) as image:
        image.draft(None, (2 * max(size), 2 * max(size)))  # lets the JPEG decoder shrink by 2, 4 or 8
        ImageOps.exif_transpose(image, in_place=True)
        return to_pixels(image, size, channels)


def for_each(task: Callable[[int], T], root: Path, paths: Sequence[str], title: str = "") -> list[T]:
    """Run `task` on every row with threads; collect all failures into one ValueError."""
    failed: dict[int, str] = {}

    def attempt(row: int) -> T | None:
        try:
            return task(row)
        except Exception as error:  # Pillow's decoders raise nearly every type on broken files
            failed[row] = str(error) or type(error).__name__
            return None

    done: list[T | None] = []
    hide = None if title else True  # None: shown on a terminal only
    with ThreadPoolExecutor(THREADS) as pool, tqdm(total=len(paths), desc=title, disable=hide) as bar:
        for start in range(0, len(paths), BLOCK):
            rows = range(start, min(start + BLOCK, len(paths)))
            done += pool.map(attempt, rows)
            bar.update(len(rows))
    if failed:
        shown = ", ".join(f"{paths[row]!r} ({failed[row]})" for row in sorted(failed)[:5])
        more = ", ..." if len(failed) > 5 else ""
        raise ValueError(
            f"{len(failed)} of {len(paths)} images in {str(root)!r} cannot be read: {shown}{more}; "
            "repair or remove them."
        )
    return done  # type: ignore[return-value]  # None only where the task itself returns it
