"""A folder of images, one sub-folder per class, held in memory or read on demand."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from gensynth.data.labeled import LabeledData, check_class_names, natural_key
from gensynth.kinds.image.decode import SUFFIXES, decode_image, for_each, header
from gensynth.kinds.image.images import ImageFiles, Images, Pixels
from gensynth.kinds.image.native import Native, Natives
from gensynth.kinds.image.pixels import MASK, WHITE, choose_size, content_hash, find_white, size_notes, white_notes
from gensynth.kinds.image.placement import PAD
from gensynth.mix.manifest import is_manifest
from gensynth.rebalance.run import RECORD

PART_NAMES = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
FLAT = "images"
"""Name of the class of images that lie in a folder without sub-folders."""


class _Found(NamedTuple):
    """What lies in a folder: the images' ids, labels and class names, and how many other files.

    `unread` counts the latter by class (`""` for the folder itself) and kind, which is a suffix or a few words;
    `outputs` are folders that gensynth wrote.
    """

    ids: tuple[str, ...]
    y: np.ndarray
    classes: tuple[str, ...]
    unread: dict[str, Counter[str]]
    outputs: tuple[str, ...]


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

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if the folder has no classes, a class has no images, an image cannot be read, has more than 50
            megapixels or values above `white`, or a symbolic link leads where none may lead.
    """
    root = Path(root).resolve()
    ids, y, classes, unread, outputs = _find(root, part_names, flat, follow_links, ours)
    read = _read(root, ids, _Wanted(size, channels, white, fit), memory_gb)
    written = ", ".join(map(repr, outputs))
    pixels, counts = read.pixels, Counter(classes[label] for label in y)
    x: Images = _files(root, ids, read)
    if pixels is not None:
        x = Pixels(torch.from_numpy(pixels), x.natives, read.white)
    return LabeledData(
        x=x,
        y=y,
        classes=classes,
        ids=ids,
        root=root,
        notes=(
            *size_notes(read.sizes, read.size, fit),
            *white_notes(*read.largest, read.white),
            *_unread_notes(unread, counts),
            *([f"What gensynth wrote is no class and was left out: {written}."] if written else []),
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
    if not root.is_dir():
        raise FileNotFoundError(f"folder {str(root)!r} does not exist.")
    paths = find_images(root)
    return _files(root, paths, _read(root, paths, _Wanted(size, channels, white, PAD), memory_gb=0))


def _files(root: Path, ids: Sequence[str], read: _Read) -> ImageFiles:
    hashes = [image.content for image in read.images]
    return ImageFiles(root, ids, read.size, read.channels, hashes, read.natives(root, ids), read.white)


def _read(root: Path, ids: Sequence[str], wanted: _Wanted, memory_gb: float) -> _Read:
    """Decode every image, at a guessed size and white; again if they tell, once decoded, that the guess was wrong.

    An orientation may stand behind the pixels, and the largest value of all images is only known in the end.
    """
    headers = for_each(lambda i: header(root / ids[i]), root, ids, "checking")
    guess = choose_size(np.array([(h.height, h.width) for h in headers]), wanted.size)
    c = wanted.channels or (1 if all(h.grey for h in headers) else 3)

    def decode_all(size: tuple[int, int], white: int | None, title: str) -> _Read:
        in_memory = len(ids) * c * size[0] * size[1] <= memory_gb * 1e9
        pixels = np.empty((len(ids), c, *size), dtype=np.uint8) if in_memory else None

        def decode(i: int) -> _Image:
            x, height, width, deep, largest, digest = decode_image(root / ids[i], size, c, white, wanted.fit)
            if pixels is not None:
                pixels[i] = x
            return _Image(content_hash(x), bool((x[1:] == x[:1]).all()), height, width, deep, largest, digest)

        return _Read(pixels, for_each(decode, root, ids, title), size, c, white, wanted.fit)

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
    return read._replace(white=found)


def find_images(root: Path) -> list[str]:
    """Return the paths of all images of a folder, at any depth, relative to it, in natural order.

    Raises:
        ValueError: if there are none, or a symbolic link leads to a folder or out of `root`.
    """
    found = [e for entry in list(os.scandir(root)) for e in walk(entry, root) if not _unread_kind(e)]
    if not found:
        raise ValueError(f"folder {str(root)!r} holds no images ({', '.join(SUFFIXES)}).")
    return sorted((Path(e.path).relative_to(root).as_posix() for e in found), key=natural_key)


def _find(root: Path, part_names: bool, flat: bool, follow_links: bool, ours: bool) -> _Found:
    if not root.is_dir():
        raise FileNotFoundError(f"folder {str(root)!r} does not exist.")
    top = [e for e in os.scandir(root) if not e.name.startswith(".") and e.name != "__MACOSX"]
    folders = {e.name: e for e in top if e.is_dir()}
    written = [] if ours else [name for name in folders if name.lower() not in PART_NAMES and is_output(root / name)]
    outputs = tuple(sorted(written, key=natural_key))
    classes = tuple(sorted(folders.keys() - set(outputs), key=natural_key))
    loose = [e for e in top if not e.is_dir() and e.name != "metadata.csv"]  # which is read elsewhere
    seen = {str(root)} if follow_links else None
    if not classes:
        n = sum(not _unread_kind(e) for e in loose)
        if n and flat:
            images, others = _images_of(root, loose, seen)
            return _Found(images, np.zeros(n, dtype=np.int64), (FLAT,), {"": others}, outputs)
        state = f"has {n} images directly inside but no class folders" if n else "holds no images"
        beside = f" beside what gensynth wrote ({', '.join(map(repr, outputs))})" if outputs else ""
        raise ValueError(f"folder {str(root)!r} {state}{beside}; make one sub-folder per class, named like the class.")
    parts = set() if part_names else PART_NAMES.intersection(name.lower() for name in classes)
    if len(parts) > 1 or len(parts) == len(classes):
        raise ValueError(
            f"the sub-folders of {str(root)!r} are parts ({', '.join(classes[:8])}), not classes; pass "
            f"{str(root / 'train')!r} as the source and --test_data {str(root / 'test')!r}."
        )
    check_class_names(classes)
    ids: list[str] = []
    counts = []
    unread = {"": Counter(_unread_kind(e) or "image" for e in loose)}
    for name in classes:
        images, unread[name] = _images_of(root, [folders[name]], seen)
        if not images:
            raise ValueError(
                f"class folder {name!r} in {str(root)!r} holds no images ({', '.join(SUFFIXES)})"
                f"{f' but {_listed(unread[name])}' if unread[name] else ''}; add some or remove the folder."
            )
        if any(unicodedata.category(c) == "Cs" for path in images for c in path):
            raise ValueError(f"class folder {name!r} holds file names that are not valid UTF-8; rename them.")
        ids += images
        counts.append(len(images))
    return _Found(tuple(ids), np.repeat(np.arange(len(classes)), counts), classes, unread, outputs)


def is_output(folder: Path) -> bool:
    """Whether gensynth wrote a folder: a run, checkpoints or samples. One with images directly inside is a class."""
    names = [entry.name for entry in os.scandir(folder)]
    if any(name.lower().endswith(SUFFIXES) for name in names):
        return False
    manifest = folder / "metadata.csv"
    if manifest.is_file():
        return is_manifest(manifest)
    return RECORD in names or any(name.endswith((".ckpt", ".resume")) for name in names)


def _images_of(
    root: Path, entries: Sequence[os.DirEntry[str]], seen: set[str] | None
) -> tuple[tuple[str, ...], Counter[str]]:
    """Return the images at or below entries of `root`, in natural order, and the kinds of other files."""
    found = [e for entry in entries for e in walk(entry, root, seen)]
    kinds = [_unread_kind(e) for e in found]
    images = [Path(e.path).relative_to(root).as_posix() for e, kind in zip(found, kinds, strict=True) if not kind]
    return tuple(sorted(images, key=natural_key)), Counter(kind for kind in kinds if kind)


def _unread_kind(entry: os.DirEntry[str]) -> str:
    """Return in a few words what a file is that is not read; "" for an image."""
    suffix = Path(entry.name).suffix.lower()
    if not entry.is_file():  # a pipe would wait for ever
        return "pipe, device or broken link"
    return "" if suffix in SUFFIXES else suffix if suffix[1:].isalnum() and len(suffix) < 9 else "of no known kind"


def _listed(kinds: Counter[str]) -> str:
    """Return counts of kinds as text, such as `12 .heic, 1 .txt`."""
    return ", ".join(f"{n} {kind}" for kind, n in kinds.most_common(5)) + (", ..." if len(kinds) > 5 else "")


def _unread_notes(unread: Mapping[str, Counter[str]], counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return a sentence on files that were not read: how many of which class, out of how many, and of what kind."""
    lost = {name: kinds.total() for name, kinds in unread.items() if kinds}
    most = sorted(lost, key=lambda name: (not name, -lost[name]))
    shown = []
    for name in most[:10]:
        where = f"of {lost[name] + counts[name]} files of {name!r}" if name else "outside of classes"
        shown.append(f"{lost[name]} {where} ({_listed(unread[name])})")
    more = f" and {sum(lost[name] for name in most[10:])} of {len(most) - 10} more classes" if len(most) > 10 else ""
    read = ", ".join(SUFFIXES)
    return (f"Not read: {', '.join(shown)}{more}. Images are read from {read} files; convert others.",) if shown else ()


def walk(entry: os.DirEntry[str], root: Path, seen: set[str] | None = None) -> Iterator[os.DirEntry[str]]:
    """Yield the files at or below `entry`, without hidden ones.

    Args:
        entry: A file or folder.
        root: The folder that symbolic links may not leave.
        seen: Where symbolic links may lead anywhere, the real folders that were entered so far; None elsewhere.

    Raises:
        ValueError: if a symbolic link leads where it may not, or nowhere, or to a folder that was entered before.
    """
    if entry.name.startswith("."):
        return
    folder = entry.is_dir()
    if entry.is_symlink() and (folder or entry.name.lower().endswith(SUFFIXES)):
        if not os.path.exists(entry.path):
            raise ValueError(
                f"symbolic link {entry.path!r} leads nowhere; fetch the file it stands for ('git annex get', 'dvc "
                "pull'), or remove it."
            )
        # A link to a folder may be a loop; one that leaves the root would put strangers' files into ids.
        if seen is None and (folder or not Path(entry.path).resolve().is_relative_to(root)):
            raise ValueError(
                f"symbolic link {entry.path!r} leads to a folder or out of {str(root)!r}; "
                "put the files themselves there, or allow links in real data with --follow_links."
            )
    if not folder:
        yield entry
        return
    if seen is not None:
        real = os.path.realpath(entry.path)
        if real in seen:
            raise ValueError(f"{entry.path!r} is a folder that another link leads to, too, or a loop; remove one link.")
        seen.add(real)
    for child in list(os.scandir(entry.path)):  # a list, so that the folder is closed if a link raises
        yield from walk(child, root, seen)
