"""FolderFiles: images, one file for each in a folder for each class, with metadata.csv beside the folders.

    samples/CLASS/NAME_TAG.jpg, samples/metadata.csv
    mixed/train/CLASS/NAME_TAG.jpg, mixed/train/metadata.csv, and so for validation/ and test/

NAME is that of the real file, or of the parent's, and TAG tells files of one name apart, so that no name gives away
what is synthetic: metadata.csv says it.

A mixed folder loads as it stands with `torchvision.datasets.ImageFolder(out / "train")` and with Hugging Face
`load_dataset("imagefolder", data_dir=out)`, where class names that are all digits become numbers.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from gensynth.data.cells import Cells
from gensynth.data.each import in_threads
from gensynth.data.labeled import LabeledData
from gensynth.data.names import folder_name, renamed_notes
from gensynth.kinds.image.file_cues import file_notes
from gensynth.kinds.image.folder import FLAT, read_folder
from gensynth.kinds.image.images import Images
from gensynth.kinds.image.like_parent import file_of
from gensynth.kinds.image.native import Native
from gensynth.kinds.image.pixels import MASK, WHITE, image_of
from gensynth.mix.folder_files import MANIFEST, PartFolders, labels_of, name_of
from gensynth.mix.manifest import SOURCE, Row, by_any_tool
from gensynth.sampler.synthetic import Synthetic

LINKS = ("copy", "hard", "symbolic")
SMALL = 0.5
"""Samples with a smaller share of the longer side of the real images of their class are refused beside them."""


@final
@dataclass(frozen=True)
class FolderFiles(PartFolders):
    """A folder for each class.

    An image that came from a file keeps it byte for byte, whatever size networks see it at. A sample that was made from
    one is made again at its parent's own size, as a file like that (`gensynth.kinds.image.like_parent`). What has no
    file, such as arrays and samples drawn from noise, is written as PNG. A part without images gets no folder.

    Attributes:
        link: What becomes of a real file in a mixed data set: `"copy"`, `"hard"` or `"symbolic"` link.
        allow_small: Whether samples much smaller than the real images may be mixed with them.
    """

    link: str = "copy"
    allow_small: bool = False

    def __post_init__(self) -> None:
        if self.link not in LINKS:
            raise ValueError(f"link must be 'copy', 'hard' or 'symbolic', got {self.link!r}.")

    def put_real(self, x: Images, rows: Sequence[Row], folder: Path) -> list[Row]:
        """As `PartFolders.put_real`."""
        return _write(x, rows, folder, self._keep)

    def refuse_unlike(self, real: LabeledData, accepted: Synthetic) -> None:
        """As `Files.refuse_unlike`: samples much smaller than the real images of their class."""
        if self.allow_small:
            return
        longer = _sizes_of_files(accepted.x).max(axis=1, initial=0)
        for label in np.unique(accepted.y):
            refuse_small(real, accepted.classes[label], float(np.median(longer[accepted.y == label])))

    def notes(self, out: Path) -> Sequence[str]:
        """As `Files.notes`: classes in folders of other names, small samples, files that tell what is synthetic."""
        mixed = (out / "train").is_dir()
        folder = out / "train" if mixed else out
        return [*renamed_notes(folder), *_small_notes(folder / MANIFEST), *(file_notes(folder) if mixed else ())]

    def put(self, x: Images, rows: Sequence[Row], folder: Path) -> list[Row]:
        """As `ClassFolders.put`."""
        return _write(x, rows, folder, shutil.copyfile)

    def samples(self, path: Path, like: LabeledData) -> tuple[Synthetic, Sequence[str]]:
        """As `ClassFolders.samples`.

        Images of another size or number of channels are brought to those of `like` as real images are when they are
        read, with its white where the folder is of another tool.
        """
        c, h, w = like.x.layout
        data = read_folder(
            path,
            (h, w),
            c,
            memory_gb=float("inf"),
            part_names=True,
            flat=like.classes == (FLAT,),
            white=_white(like.x.white) if self.manifest_of(path).is_file() else like.x.white,
            ours=True,
            fit=like.x.fit,
        )
        y = labels_of(data.classes, like, path)[data.y]
        return by_any_tool(data.x, y, like.classes, data.notes), data.ids

    def _keep(self, source: Path, target: Path) -> None:
        if self.link == "copy":
            shutil.copyfile(source, target)
        elif self.link == "hard":
            os.link(source, target)
        else:
            target.symlink_to(source)


def _write(x: Images, rows: Sequence[Row], folder: Path, keep: Callable[[Path, Path], Any]) -> list[Row]:
    """Write images below a folder; return their rows with their files and sizes."""

    def write(at: int, row: Row) -> Row:
        native, (_, h, w) = x.native(at), x.layout
        target = folder / folder_name(str(row["label"])) / name_of(row)
        target.parent.mkdir(parents=True, exist_ok=True)
        given = _native_file(native, target, keep)
        if given is not None and native is not None:
            h, w = native.own
        else:
            write_png(given := target.with_name(f"{target.name}.png"), x[at].numpy())
        own = native is not None and native.own == (h, w)
        name = given.relative_to(folder).as_posix()
        return row | {"file_name": name, "width": w, "height": h, "own_size": int(own)}

    return in_threads(write, range(len(rows)), rows)


def _native_file(native: Native | None, target: Path, keep: Callable[[Path, Path], Any]) -> Path | None:
    """Write an image at its own size beside `target`, with the ending of its file; None if it has none."""
    if native is None or native.path is None:
        return None
    suffix = native.path.suffix.lower()
    path = target.with_name(target.name + (".jpg" if suffix in (".jpe", ".jfif") else suffix))  # as torchvision has it
    if native.change is None:
        keep(native.path, path)
        return path
    made = file_of(native)
    if made is None:
        return None
    path.write_bytes(made)
    return path


def refuse_small(real: LabeledData, name: str, longer: float) -> None:
    """Raise ValueError if samples of a class with a longer side of that many pixels are too small beside real ones."""
    theirs = _sizes_of_files(real.x.take(np.flatnonzero(real.y == real.label_of(name)))).max(axis=1, initial=0)
    if len(theirs) and longer < SMALL * (usual := float(np.median(theirs))):
        raise ValueError(
            f"synthetic images of {name!r} have {longer:g} pixels on their longer side and the real ones {usual:g}, "
            f"{usual / longer:.1f} times as many; at least half are needed, for a classifier learns from them that the "
            "class is blurred. Draw with --sampler recipes or --generator deformation, which keep the size of real "
            "images, or mix them all the same with --allow_small."
        )


def _sizes_of_files(x: Images) -> np.ndarray:
    """Return height and width of images as they would be written, int64, shape (n, 2)."""
    sizes = x.sizes
    for at in range(len(x)):
        native = x.native(at)
        if native is None or native.path is None or not native.path.is_file():
            sizes[at] = x.layout[1:]
    return sizes


def _white(real: int | None) -> int | None:
    """Return what is white in samples that we wrote: as in their parents' files, but drawn ones may be very dark."""
    return None if real == MASK else real or WHITE


def _small_notes(manifest: Path) -> list[str]:
    """Return a sentence on samples that are written at the size that networks see."""
    rows = [row for row in Cells.read(manifest, SOURCE).rows if row["synthetic"] == "1"]
    small = Counter(f"{row['height']} x {row['width']}" for row in rows if row.get("own_size") == "0")
    if not small:
        return []
    sizes = " or ".join(small)
    return [
        f"{small.total()} of {len(rows)} synthetic images have {sizes} pixels (height x width), as networks see them: "
        "they were drawn from noise or mixed from several images, or the file of their parent is gone or changed."
    ]


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 pixels, shape (c, h, w), and the folders above the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image_of(pixels).save(path)


def png_names(names: Iterable[str], folder: Path) -> list[str]:
    """Return as what images of a folder are written, `a/b.jpg` as `a/b.png`; ValueError if two would share a name."""
    written = [Path(name).with_suffix(".png").as_posix() for name in names]
    if twice := [name for name, n in Counter(written).items() if n > 1]:
        raise ValueError(f"two images of {str(folder)!r} would both be written as {twice[0]!r}; rename one of them.")
    return written
