"""A folder of images, one sub-folder per class, held in memory or read on demand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from gensynth.data.each import for_each
from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.cache import NO_CACHE, Cache
from gensynth.kinds.image.decode import SUFFIXES, header
from gensynth.kinds.image.images import ImageFiles, Images, Pixels
from gensynth.kinds.image.native import Native, Natives
from gensynth.kinds.image.pixels import MASK, WHITE, choose_size, content_hash, find_white, size_notes, white_notes
from gensynth.kinds.image.placement import PAD
from gensynth.mix.class_folders import ClassFolder

FLAT = "images"
"""Name of the class of images that lie in a folder without sub-folders."""


class _Image(NamedTuple):
    """What decoding an image told, without its pixels."""

    content: bytes
    grey: bool
    height: int
    width: int
    deep: bool
    largest: int
    digest: bytes


class _Wanted(NamedTuple):
    """How images shall be read, as `read_folder` takes it."""

    size: int | tuple[int, int] | None
    channels: int | None
    white: int | None
    fit: str
    cache: Cache = NO_CACHE


class _Read(NamedTuple):
    """All images of a folder: pixels, uint8 (n, c, h, w) or None where they stay on disk, and how they were read."""

    pixels: np.ndarray | None
    images: list[_Image]
    size: tuple[int, int]
    channels: int
    white: int | None
    fit: str

    @property
    def largest(self) -> tuple[list[int], list[int]]:
        """The largest values of the images with more than 8 bits per value, and of the others."""
        return [i.largest for i in self.images if i.deep], [i.largest for i in self.images if not i.deep]

    @property
    def sizes(self) -> np.ndarray:
        """Height and width of each image in its file, upright, int64, shape (n, 2)."""
        return np.array([(image.height, image.width) for image in self.images], dtype=np.int64)

    def natives(self, root: Path, ids: Sequence[str]) -> Natives:
        """Return the images at their own size."""
        return tuple(
            Native(image.digest, (image.height, image.width), root / name, self.fit, self.white)
            for image, name in zip(self.images, ids, strict=True)
        )


def read_folder(
    root: str | Path,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    memory_gb: float = 4.0,
    part_names: bool = False,
    flat: bool = False,
    white: int | None = None,
    follow_links: bool = False,
    ours: bool = False,
    fit: str = PAD,
    cache: Cache = NO_CACHE,
) -> LabeledData:
    """Read a folder with one sub-folder per class; images may lie at any depth below.

    Reads PNG, JPEG, BMP, TIFF (first page), WebP and GIF (first frame), PBM, PGM and PPM, upright by their EXIF
    orientation. Hidden files are skipped, other files are counted in the notes. Every image is decoded once here, so
    that a broken one is found now and not in the middle of a training run.

    Args:
        root: The folder; its sub-folders' names are the class names, in natural order.
        size: Side, (height, width), or None for the images' own (see `choose_size`).
        channels: 1, 3, or None for 1 if every image is grey, else 3.
        memory_gb: If the images as uint8 are larger than this, they stay on disk as `ImageFiles`.
        part_names: Whether classes may be called train, test and the like, which otherwise look like parts.
        flat: Whether images directly inside a folder without sub-folders are taken as the single class `FLAT`.
        white: The value that is white, if it is known, as `find_white` takes it.
        follow_links: Whether symbolic links may lead to folders, and out of `root`.
        ours: Whether folders that gensynth wrote, such as samples of one class, are classes, too.
        fit: How images of other proportions are brought to the size (`gensynth.kinds.image.placement.place`).
        cache: Where decoded images are kept for the next reading.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if the folder has no classes, a class has no images, an image cannot be read, has more than 50
            megapixels or values above `white`, or a symbolic link leads where none may lead.
    """
    root = Path(root).resolve()
    found = _folder(root, follow_links).classes(part_names, FLAT if flat else None, ours)
    ids = found.ids
    read = _read(root, ids, _Wanted(size, channels, white, fit, cache), memory_gb)
    pixels = read.pixels
    x: Images = _files(root, ids, read, cache)
    if pixels is not None:
        x = Pixels(torch.from_numpy(pixels), x.natives, read.white)
    return LabeledData(
        x=x,
        y=found.y,
        classes=found.classes,
        ids=ids,
        root=root,
        notes=(
            *size_notes(read.sizes, read.size, fit),
            *white_notes(*read.largest, read.white),
            *found.notes,
        ),
    )


def read_files(root: str | Path, size: tuple[int, int], channels: int, white: int | None = None) -> ImageFiles:
    """Find all images of a folder, at any depth, whatever its sub-folders mean; each is decoded once to be sure of it.

    Args:
        root: The folder.
        size: (height, width) every image is brought to.
        channels: 1 or 3.
        white: As `read_folder` takes it.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if it holds no images, or one that cannot be read.
    """
    root = Path(root).resolve()
    paths = find_images(root)
    return _files(root, paths, _read(root, paths, _Wanted(size, channels, white, PAD), memory_gb=0), NO_CACHE)


def _files(root: Path, ids: Sequence[str], read: _Read, cache: Cache) -> ImageFiles:
    hashes = [image.content for image in read.images]
    return ImageFiles(root, ids, read.size, read.channels, hashes, read.natives(root, ids), read.white, cache)


def _read(root: Path, ids: Sequence[str], wanted: _Wanted, memory_gb: float) -> _Read:
    """Decode every image, at a guessed size and white; again if they tell, once decoded, that the guess was wrong.

    An orientation may stand behind the pixels, and the largest value of all images is only known in the end.
    """
    headers = for_each(lambda i: header(root / ids[i]), root, ids, "image", "checking")
    guess = choose_size(np.array([(h.height, h.width) for h in headers]), wanted.size)
    c = wanted.channels or (1 if all(h.grey for h in headers) else 3)

    def decode_all(size: tuple[int, int], white: int | None, title: str) -> _Read:
        in_memory = len(ids) * c * size[0] * size[1] <= memory_gb * 1e9
        pixels = np.empty((len(ids), c, *size), dtype=np.uint8) if in_memory else None

        def decode(i: int) -> _Image:
            found = wanted.cache.decode(root / ids[i], size, c, white, wanted.fit)
            x = found.pixels
            if pixels is not None:
                pixels[i] = x
            return _Image(content_hash(x), bool((x[1:] == x[:1]).all()), *found[1:])

        return _Read(pixels, for_each(decode, root, ids, "image", title), size, c, white, wanted.fit)

    known = None if wanted.white == MASK else wanted.white
    read = decode_all(guess, known, "reading")
    size, found = choose_size(read.sizes, wanted.size), find_white(*read.largest, known, repr(str(root)))
    if (size, found or WHITE) != (read.size, known or WHITE):
        del read  # the images may fill the memory
        read = decode_all(size, found, "reading again")
    if wanted.channels is None and c == 3 and all(image.grey for image in read.images):
        # Grey images are often stored as colour; one channel holds all there is.
        one = None if read.pixels is None else np.ascontiguousarray(read.pixels[:, :1])
        read = read._replace(channels=1, pixels=one)
    wanted.cache.trim()
    return read._replace(white=found)


def find_images(root: Path) -> list[str]:
    """Return the paths of all images of a folder, at any depth, relative to it, in natural order.

    Raises:
        ValueError: if there are none, or a symbolic link leads to a folder or out of `root`.
    """
    return _folder(root).files()


def _folder(root: Path, follow_links: bool = False) -> ClassFolder:
    return ClassFolder(root, Images.noun, SUFFIXES, follow_links)
