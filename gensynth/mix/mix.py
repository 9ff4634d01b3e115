"""Real + accepted synthetic images -> one data set with its manifest.

A mixed folder loads as it stands with `torchvision.datasets.ImageFolder(out / "train")` and with Hugging Face
`load_dataset("imagefolder", data_dir=out)`, where class names that are all digits become numbers.
`metadata.csv` in each part says of every image whether it is synthetic and how it was made.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from torch import Tensor

from gensynth.data.cells import COLUMNS
from gensynth.data.files import whole_folder
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.data.words import counted
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.image.decode import FORMATS, SUFFIXES
from gensynth.kinds.image.features.extractor import batches
from gensynth.mix.manifest import (
    NOT_EVALUATED,
    TEXT,
    Row,
    check_samples,
    folder_name,
    image_of,
    in_threads,
    safe_name,
    write_png,
    write_rows,
    write_samples,
)
from gensynth.mix.manifest import read_synthetic as read_synthetic
from gensynth.mix.manifest import write_synthetic as write_synthetic
from gensynth.sampler.synthetic import Synthetic

Link = Literal["copy", "hard", "symbolic"]


@dataclass(frozen=True)
class Mixed:
    """What `mix` wrote.

    Attributes:
        before: Real training images by class.
        after: Training images by class, synthetic ones included.
        n_real: Real training images.
        n_synthetic: Synthetic images among the training images.
        path: The folder.
    """

    before: dict[str, int]
    after: dict[str, int]
    n_real: int
    n_synthetic: int
    path: Path


def mix(
    parts: Parts,
    synthetic: Synthetic,
    samples: SampleVerdicts,
    out: str | Path,
    link: Link = "copy",
    utility: str = NOT_EVALUATED,
) -> Mixed:
    """Write the real parts and the accepted synthetic images, which join the training part only.

    A real image keeps its file byte for byte if that decodes to exactly the pixels of the data set; otherwise
    the pixels are written as PNG, so that a class of resized images cannot be told by its files. A part
    without images gets no folder.

    Args:
        parts: Real images.
        synthetic: Synthetic images, accepted and rejected.
        samples: The gate's answer for each of them.
        out: The folder, new or empty.
        link: What becomes of a file that is kept: `"copy"`, `"hard"` or `"symbolic"` link.
        utility: What `evaluate` said of the synthetic images, for the manifest.

    Raises:
        ValueError: if shapes, classes or lengths differ, `link` is unknown, or a parent of an accepted image
            is in the validation or test part.
        FileExistsError: if `out` exists and is not empty.
    """
    train = parts.train
    if synthetic.classes != train.classes or synthetic.x.layout != train.x.layout:
        raise ValueError(
            f"synthetic images have shape {synthetic.x.layout} and classes {synthetic.classes}, "
            f"real ones {train.x.layout} and {train.classes}; they must agree."
        )
    check_samples(synthetic, samples)
    if link not in ("copy", "hard", "symbolic"):
        raise ValueError(f"link must be 'copy', 'hard' or 'symbolic', got {link!r}.")
    accepted = synthetic.subset(samples.accepted)
    refuse_held_out_parents(parts, accepted)
    with whole_folder(out) as folder:
        for name, part in (("train", train), ("validation", parts.validation), ("test", parts.test)):
            if len(part):
                rows = _write_real(part, folder / name, link)
                if name == "train":
                    rows += write_samples(synthetic, samples, samples.accepted, folder / name, utility)
                write_rows(folder / name, rows)
    added = np.bincount(accepted.y, minlength=len(train.classes))
    before = train.class_counts
    after = {name: n + int(more) for (name, n), more in zip(before.items(), added, strict=True)}
    return Mixed(before, after, len(train), len(accepted), Path(out))


def refuse_held_out_parents(parts: Parts, synthetic: Synthetic) -> None:
    """Raise ValueError if a synthetic image was made from a validation or test image of `parts`."""
    held_out = {*parts.validation.ids, *parts.test.ids}
    leaked = {i for parents in synthetic.parents for i in parents if i in held_out}
    if leaked:
        raise ValueError(
            f"{counted(len(leaked), 'parent')} of synthetic examples belong to the validation or test part, such as "
            f"{min(leaked)!r}; draw from the training part only, or give the --split_seed of the training."
        )


def _write_real(part: LabeledData, folder: Path, link: Link) -> list[Row]:
    def write(i: int, pixels: Tensor) -> Row:
        name, label = part.ids[i], part.classes[part.y[i]]
        # Ids may hold anything: what follows the number is for people, and cannot leave the folder.
        target = folder / folder_name(label) / f"real_{i:06d}_{safe_name(Path(name).stem)}.png"
        source = _same_file(part, name, pixels.numpy())
        if source is None:
            write_png(target, pixels.numpy())
        else:
            suffix = Path(name).suffix.lower()
            target = target.with_suffix(".jpg" if suffix in (".jpe", ".jfif") else suffix)  # as torchvision knows it
            target.parent.mkdir(parents=True, exist_ok=True)
            if link == "copy":
                shutil.copyfile(source, target)
            elif link == "hard":
                os.link(source, target)
            else:
                target.symlink_to(source)
        # Hugging Face wants the same column types in every part, and a column of blanks would be a number.
        row: Row = {c: "-" if c in TEXT else "" for c in COLUMNS}
        row |= {"file_name": target.relative_to(folder).as_posix(), "label": label, "synthetic": 0, "index": i}
        return row | {"parents": json.dumps([name])}

    rows: list[Row] = []
    for batch in batches(part.x):
        rows += in_threads(write, range(len(rows), len(rows) + len(batch)), batch)
    return rows


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
