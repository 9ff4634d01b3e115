"""Manifest: one row per image in metadata.csv, and folders of synthetic images."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import numpy as np
from PIL import Image

from gensynth.data.cells import COLUMNS, SCORES, Cells
from gensynth.data.files import check_count, whole_folder, write_text
from gensynth.data.labeled import check_class_names, label_of
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.image.decode import THREADS
from gensynth.kinds.image.folder import FLAT, read_folder
from gensynth.kinds.image.pixels import WHITE
from gensynth.sampler.synthetic import Synthetic

DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE)
"""Names that stand for devices on Windows."""
TEXT = ("sampler", "checkpoint_sha256", "how", "verdict", "reason", "review", "nearest", "utility")
NOT_EVALUATED = "-"

Row = dict[str, str | int]
T = TypeVar("T")


def write_synthetic(synthetic: Synthetic, samples: SampleVerdicts | None, out: str | Path) -> None:
    """Write all samples, accepted and rejected, as out/CLASS/SAMPLER_sSEED_INDEX.png with metadata.csv.

    Raises:
        ValueError: if `samples` has another length, two samples share label and index, or a class name cannot
            be a folder.
        FileExistsError: if `out` exists and is not empty.
    """
    check_class_names(synthetic.classes)
    if samples is not None:
        check_samples(synthetic, samples)
    with whole_folder(out) as folder:
        rows = write_samples(synthetic, samples, np.ones(len(synthetic), dtype=bool), folder)
        write_rows(folder, rows)


def read_synthetic(
    folder: str | Path, classes: Sequence[str], shape: tuple[int, int, int], white: int | None = None
) -> tuple[Synthetic, SampleVerdicts | None]:
    """Read what `write_synthetic` wrote, or any folder of images with one sub-folder per class.

    Without metadata.csv the sampler is `"unknown"` and the seed 0. Images of another size or number of
    channels are brought to `shape` just as real images are when they are read.

    Args:
        folder: The folder.
        classes: Class names of the real data; the sub-folders may be some of them.
        shape: Shape (c, h, w) of the real data.
        white: The value that was white in the files of the real data, as `find_white` takes it.

    Returns:
        The samples in the order they were written, and the gate's answer if it was written with them.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if it holds no images, an unknown class, files that metadata.csv does not list or the
            reverse, or samples of several samplers or seeds.
    """
    manifest = Path(folder) / "metadata.csv"
    data = read_folder(
        folder,
        (shape[1], shape[2]),
        shape[0],
        memory_gb=float("inf"),
        part_names=True,
        flat=classes == (FLAT,),
        white=WHITE if manifest.is_file() else white,  # what we wrote is as it was drawn, however dark
        ours=True,
    )
    class_of = {folder_name(name): name for name in classes} | {name: name for name in classes}
    if foreign := [name for name in data.classes if name not in class_of]:
        raise ValueError(
            f"folder {str(folder)!r} has the classes {', '.join(map(repr, foreign[:5]))}, which the real data lack: "
            f"they have {', '.join(map(repr, classes[:10]))}. Name its sub-folders as they are, or take those out."
        )
    y = np.array([label_of(class_of[name], classes) for name in data.classes], dtype=np.int64)[data.y]
    x = data.x
    n = len(data)
    if not manifest.is_file():
        order = np.argsort(y, kind="stable")
        index = np.empty(n, dtype=np.int64)
        index[order] = np.arange(n) - np.searchsorted(y[order], y[order])  # the number of a sample within its class
        how, parents, checkpoint = ("file",) * n, ((),) * n, ("",) * n
        return Synthetic(x, y, tuple(classes), index, "unknown", 0, how, parents, checkpoint, data.notes), None
    cells = Cells.read(manifest, COLUMNS)
    names = cells.texts("file_name")
    at = {name: i for i, name in enumerate(data.ids)}
    differ = sorted(at.keys() ^ set(names))
    if differ or len(names) != n:
        raise ValueError(
            f"{str(manifest)!r} lists {len(names)} images and the folder holds {n}; they differ in "
            f"{', '.join(map(repr, differ[:5])) or 'repeated rows'}. "
            "Restore the folder, or remove metadata.csv."
        )
    if {*cells.texts("synthetic")} != {"1"}:
        raise ValueError(f"{str(manifest)!r} lists real images, too; give the folder of the synthetic ones alone.")
    sources = sorted(set(zip(cells.texts("sampler"), cells.numbers("seed"), strict=True)))
    if len(sources) != 1:
        raise ValueError(f"{str(manifest)!r} mixes the samplers and seeds {sources[:5]}; use one folder for each.")
    order = np.array([at[name] for name in names])
    synthetic = Synthetic(
        x.take(order),
        y[order],
        tuple(classes),
        np.array(cells.numbers("index"), dtype=np.int64),
        *sources[0],
        cells.texts("how"),
        cells.id_lists("parents"),
        cells.texts("checkpoint_sha256"),
        data.notes,
    )
    if not cells.texts("verdict")[0]:
        return synthetic, None
    scores = {name: np.array(cells.scores(column)) for column, name in SCORES.items() if any(cells.texts(column))}
    return synthetic, SampleVerdicts(
        accepted=np.array(cells.verdicts()),
        reason=cells.texts("reason"),
        scores=scores,
        nearest=cells.ids("nearest"),
        review=cells.texts("review"),
    )


def check_samples(synthetic: Synthetic, samples: SampleVerdicts) -> None:
    """Raise ValueError unless there is one verdict per synthetic image."""
    if len(samples.accepted) != len(synthetic):
        raise ValueError(
            f"samples must hold one verdict per synthetic image, got {len(samples.accepted)} for {len(synthetic)}."
        )


def write_samples(
    synthetic: Synthetic,
    samples: SampleVerdicts | None,
    chosen: np.ndarray,
    folder: Path,
    utility: str = NOT_EVALUATED,
) -> list[Row]:
    """Write the samples where `chosen`, bool of shape (n,), is true; return their rows."""
    rows = []
    targets: dict[Path, np.ndarray] = {}
    for i in np.flatnonzero(chosen):
        label, index = synthetic.classes[synthetic.y[i]], int(synthetic.index[i])
        target = folder / folder_name(label) / f"{safe_name(synthetic.sampler)}_s{synthetic.seed}_{index:06d}.png"
        if target in targets:
            raise ValueError(f"two samples of class {label!r} have the index {index}; indices must be unique.")
        targets[target] = synthetic.x[i].numpy()
        row: Row = dict.fromkeys(COLUMNS, "")
        row |= {
            "file_name": target.relative_to(folder).as_posix(),
            "label": label,
            "synthetic": 1,
            "sampler": synthetic.sampler,
            "checkpoint_sha256": synthetic.checkpoint_sha256[i],
            "seed": synthetic.seed,
            "index": index,
            "how": synthetic.how[i],
            "parents": json.dumps(synthetic.parents[i]),
            "utility": utility,
        }
        if samples is not None:
            # repr keeps every digit, so that a score survives the file.
            given = {c: float(samples.scores[s][i]) for c, s in SCORES.items() if s in samples.scores}
            row |= {c: repr(value) for c, value in given.items() if np.isfinite(value)}
            row["verdict"] = "accepted" if samples.accepted[i] else "rejected"
            row |= {"reason": samples.reason[i], "nearest": json.dumps(samples.nearest[i])}
            row["review"] = samples.review[i] if samples.review else ""
        rows.append(row)
    in_threads(write_png, targets, targets.values())
    return rows


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 pixels, shape (c, h, w), and the folders above the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image_of(pixels).save(path)


def in_threads(task: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """Run `task` on each of the arguments, as `map` does, in threads; the first error is raised, and ends it."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(task, *arguments))


def write_rows(folder: Path, rows: Sequence[Row]) -> None:
    """Write folder/metadata.csv, with a row for each file of the folder.

    Raises:
        OSError: if the folder does not hold as many files.
    """
    check_count(folder, len(rows))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "metadata.csv", text.getvalue())


def image_of(pixels: np.ndarray) -> Image.Image:
    """Return uint8 pixels of shape (c, h, w), c in {1, 3}, as a grey or RGB image."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))


def folder_name(name: str) -> str:
    """Return the name of a class's folder or file: its own, or one with %XX where Windows would refuse it.

    `urllib.parse.unquote` gives the class's name back. Anywhere, so that a data set can be copied anywhere.
    """
    escaped = re.sub(r'[<>:"|?*]|%(?=[0-9A-Fa-f]{2})|[. ]$', lambda found: f"%{ord(found[0]):02X}", name)
    return f"%{ord(name[0]):02X}{escaped[1:]}" if DEVICE.match(name) else escaped


def renamed_notes(folder: Path) -> list[str]:
    """Return a sentence if classes of a folder lie in sub-folders of other names."""
    names = {path.name: unquote(path.name) for path in sorted(folder.glob("*/"))}
    told = [f"{name!r} lies in {at!r}" for at, name in names.items() if at != name and folder_name(name) == at]
    return [f"class {', '.join(told)}, for Windows would refuse the folder's own name."] if told else []


def safe_name(name: str) -> str:
    """Return `name` with at most 60 characters of A-Z, a-z, 0-9, - and _: part of a file name anywhere."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", name)[:60]
