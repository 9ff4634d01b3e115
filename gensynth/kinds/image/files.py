"""FolderFiles: images as PNG, one file for each in a folder for each class, with metadata.csv beside the folders.

    samples/CLASS/SAMPLER_sSEED_INDEX.png, samples/metadata.csv
    mixed/train/CLASS/..., mixed/train/metadata.csv, and so for validation/ and test/

A mixed folder loads as it stands with `torchvision.datasets.ImageFolder(out / "train")` and with Hugging Face
`load_dataset("imagefolder", data_dir=out)`, where class names that are all digits become numbers.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

import numpy as np
from PIL import Image
from torch import Tensor

from gensynth.data.files import check_count, refuse_existing, whole_folder
from gensynth.data.labeled import LabeledData
from gensynth.data.names import check_class_names, folder_name, renamed_notes, safe_name
from gensynth.data.split import Parts
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.image.decode import FORMATS, SUFFIXES, THREADS
from gensynth.kinds.image.features.extractor import batches
from gensynth.kinds.image.folder import FLAT, read_folder
from gensynth.kinds.image.pixels import WHITE
from gensynth.mix.files import Files
from gensynth.mix.manifest import Row, by_any_tool, described, read_manifest, real_row, write_manifest
from gensynth.sampler.synthetic import Synthetic

MANIFEST = "metadata.csv"
LINKS = ("copy", "hard", "symbolic")
T = TypeVar("T")


@final
@dataclass(frozen=True)
class FolderFiles(Files):
    """A folder for each class.

    A real image of a mixed data set keeps its file byte for byte if that decodes to exactly the pixels of the data set;
    otherwise the pixels are written as PNG, so that a class of resized images cannot be told by its files. A part
    without images gets no folder.

    Attributes:
        link: What becomes of a file that is kept: `"copy"`, `"hard"` or `"symbolic"` link.
    """

    link: str = "copy"

    def __post_init__(self) -> None:
        if self.link not in LINKS:
            raise ValueError(f"link must be 'copy', 'hard' or 'symbolic', got {self.link!r}.")

    def manifest_of(self, out: Path) -> Path:
        """As `Files.manifest_of`."""
        return out / MANIFEST

    def refuse_existing(self, out: Path) -> None:
        """As `Files.refuse_existing`; an empty folder may be there."""
        refuse_existing(out)

    def write(self, synthetic: Synthetic, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write`.

        Raises:
            ValueError: if two samples share label and index, or a class name cannot be a folder.
            FileExistsError: if `out` exists and is not empty.
        """
        check_class_names(synthetic.classes)
        with whole_folder(out) as folder:
            _list_files(folder, write_samples(synthetic, rows, folder))

    def write_mixed(self, parts: Parts, accepted: Synthetic | None, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write_mixed`; errors as of `write`."""
        with whole_folder(out) as folder:
            for name, part in parts.by_name.items():
                if len(part):
                    written = self._write_real(name, part, folder / name)
                    if name == "train" and accepted is not None:
                        written += write_samples(accepted, rows, folder / name)
                    _list_files(folder / name, written)

    def notes(self, out: Path) -> Sequence[str]:
        """As `Files.notes`: classes whose folders have other names."""
        return renamed_notes(out / "train" if (out / "train").is_dir() else out)

    def read(self, path: Path, like: LabeledData) -> tuple[Synthetic, SampleVerdicts | None]:
        """As `Files.read`, from any folder of images with one sub-folder per class.

        Images of another size or number of channels are brought to those of `like` as real images are when they are
        read, with its white where the folder is of another tool.
        """
        manifest = path / MANIFEST
        c, h, w = like.x.layout
        data = read_folder(
            path,
            (h, w),
            c,
            memory_gb=float("inf"),
            part_names=True,
            flat=like.classes == (FLAT,),
            white=WHITE if manifest.is_file() else like.x.white,  # what we wrote is as it was drawn, however dark
            ours=True,
        )
        class_of = {folder_name(name): name for name in like.classes} | {name: name for name in like.classes}
        if foreign := [name for name in data.classes if name not in class_of]:
            raise ValueError(
                f"folder {str(path)!r} has the classes {', '.join(map(repr, foreign[:5]))}, which the real data lack: "
                f"they have {', '.join(map(repr, like.classes[:10]))}. Name its sub-folders as they are, or take those "
                "out."
            )
        y = np.array([like.label_of(class_of[name]) for name in data.classes], dtype=np.int64)[data.y]
        samples = by_any_tool(data.x, y, like.classes, data.notes)
        if not manifest.is_file():
            return samples, None
        cells = read_manifest(manifest, "file_name")
        names = cells.texts("file_name")
        at = {name: i for i, name in enumerate(data.ids)}
        differ = sorted(at.keys() ^ set(names))
        if differ or len(names) != len(data):
            raise ValueError(
                f"{str(manifest)!r} lists {len(names)} images and the folder holds {len(data)}; they differ in "
                f"{', '.join(map(repr, differ[:5])) or 'repeated rows'}. "
                "Restore the folder, or remove metadata.csv."
            )
        return described(samples.subset([at[name] for name in names]), cells)

    def _write_real(self, name: str, part: LabeledData, folder: Path) -> list[Row]:
        def write(i: int, pixels: Tensor) -> Row:
            row, given = real_row(name, part, i), Path(part.ids[i])
            # Ids may hold anything: what follows the number is for people, and cannot leave the folder.
            target = folder / folder_name(str(row["label"])) / f"real_{i:06d}_{safe_name(given.stem)}.png"
            source = _same_file(part, part.ids[i], pixels.numpy())
            if source is None:
                write_png(target, pixels.numpy())
            else:
                suffix = given.suffix.lower()
                target = target.with_suffix(".jpg" if suffix in (".jpe", ".jfif") else suffix)  # as torchvision has it
                self._keep(source, target)
            return row | {"file_name": target.relative_to(folder).as_posix()}

        rows: list[Row] = []
        for batch in batches(part.x):
            rows += in_threads(write, range(len(rows), len(rows) + len(batch)), batch)
        return rows

    def _keep(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.link == "copy":
            shutil.copyfile(source, target)
        elif self.link == "hard":
            os.link(source, target)
        else:
            target.symlink_to(source)


def write_samples(synthetic: Synthetic, rows: Iterable[Row], folder: Path) -> list[Row]:
    """Write samples as PNG below a folder; return their rows with their files.

    Raises:
        ValueError: if two of them share label and index.
    """
    written = []
    targets: dict[Path, np.ndarray] = {}
    for i, row in enumerate(rows):
        label, index = str(row["label"]), row["index"]
        target = folder / folder_name(label) / f"{safe_name(synthetic.sampler)}_s{synthetic.seed}_{index:06d}.png"
        if target in targets:
            raise ValueError(f"two samples of class {label!r} have the index {index}; indices must be unique.")
        targets[target] = synthetic.x[i].numpy()
        written.append(row | {"file_name": target.relative_to(folder).as_posix()})
    in_threads(write_png, targets, targets.values())
    return written


def _list_files(folder: Path, rows: list[Row]) -> None:
    """Write the manifest of a folder; OSError if it does not hold as many files as there are rows."""
    check_count(folder, len(rows))
    write_manifest(folder / MANIFEST, rows)


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


def in_threads(task: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """Run `task` on each of the arguments, as `map` does, in threads; the first error is raised, and ends it."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(task, *arguments))


def image_of(pixels: np.ndarray) -> Image.Image:
    """Return uint8 pixels of shape (c, h, w), c in {1, 3}, as a grey or RGB image."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))


def _same_file(part: LabeledData, name: str, pixels: np.ndarray) -> Path | None:
    """Return the file of an image if it lies in `part.root` and decodes to exactly `pixels`."""
    if part.root is None:
        return None
    root = part.root.resolve()
    path = (root / name).resolve()
    if not (path.is_relative_to(root) and path.is_file() and Path(name).suffix.lower() in SUFFIXES):
        return None
    with Image.open(path, formats=FORMATS) as image:
        stored = image_of(pixels)
        same = (image.mode, image.size) == (stored.mode, stored.size) and image.tobytes() == stored.tobytes()
    return path if same else None
