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

import numpy as np
import torch
from PIL import Image

from gensynth.data.images import FLAT, THREADS, read_folder
from gensynth.data.labeled import check_class_names, label_of
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.files import whole_folder, write_text
from gensynth.samplers.base import Synthetic

SCORES = {
    "near_duplicate": "near_duplicate",
    "parent_distance": "parent_distance",
    "hash_bits": "hash_bits",
    "label_score": "label",
    "typicality": "typicality",
}
"""Columns of the manifest that hold scores, with the names in `SampleVerdicts.scores`."""

COLUMNS = (
    *("file_name", "label", "synthetic", "sampler", "checkpoint_sha256", "seed", "index", "how", "parents"),
    *SCORES,
    *("verdict", "reason", "review", "nearest", "utility"),
)
"""Columns of metadata.csv. `file_name` is relative to its folder, with '/'. `parents` and `nearest` are JSON,
since ids may hold any character. For a real image `index` is its row in the part, `parents` its own id, and
text that does not apply is '-'. `utility` is the verdict of `evaluate` on the synthetic images that were mixed in
together, with ', forced' where they were mixed against it, and '-' where they were not evaluated."""

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
    folder: str | Path, classes: Sequence[str], shape: tuple[int, int, int]
) -> tuple[Synthetic, SampleVerdicts | None]:
    """Read what `write_synthetic` wrote, or any folder of images with one sub-folder per class.

    Without metadata.csv the sampler is `"unknown"` and the seed 0. Images of another size or number of
    channels are brought to `shape` just as real images are when they are read.

    Args:
        folder: The folder.
        classes: Class names of the real data; the sub-folders may be some of them.
        shape: Shape (c, h, w) of the real data.

    Returns:
        The samples in the order they were written, and the gate's answer if it was written with them.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if it holds no images, an unknown class, files that metadata.csv does not list or the
            reverse, or samples of several samplers or seeds.
    """
    data = read_folder(
        folder, (shape[1], shape[2]), shape[0], memory_gb=float("inf"), part_names=True, flat=classes == (FLAT,)
    )
    if foreign := [name for name in data.classes if name not in classes]:
        raise ValueError(
            f"folder {str(folder)!r} has the classes {', '.join(map(repr, foreign[:5]))}, which the real data lack: "
            f"they have {', '.join(map(repr, classes[:10]))}. Name its sub-folders as they are, or take those out."
        )
    y = np.array([label_of(name, classes) for name in data.classes], dtype=np.int64)[data.y]
    x = data.x[torch.arange(len(data))]
    manifest = Path(folder) / "metadata.csv"
    n = len(data)
    if not manifest.is_file():
        index = np.array([np.sum(y[:i] == y[i]) for i in range(n)], dtype=np.int64)
        nothing = ("",) * n
        return Synthetic(x, y, tuple(classes), index, "unknown", 0, ("file",) * n, ((),) * n, nothing), None
    with open(manifest, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    at = {name: i for i, name in enumerate(data.ids)}
    differ = sorted(at.keys() ^ {row["file_name"] for row in rows})
    if differ or len(rows) != n:
        raise ValueError(
            f"{str(manifest)!r} lists {len(rows)} images and the folder holds {n}; they differ in "
            f"{', '.join(map(repr, differ[:5])) or 'repeated rows'}. "
            "Restore the folder, or remove metadata.csv."
        )
    sources = sorted({(row["sampler"], int(row["seed"])) for row in rows})
    if len(sources) != 1:
        raise ValueError(f"{str(manifest)!r} mixes the samplers and seeds {sources[:5]}; use one folder for each.")
    order = np.array([at[row["file_name"]] for row in rows])
    synthetic = Synthetic(
        x[torch.from_numpy(order)],
        y[order],
        tuple(classes),
        np.array([int(row["index"]) for row in rows], dtype=np.int64),
        *sources[0],
        tuple(row["how"] for row in rows),
        tuple(tuple(json.loads(row["parents"])) for row in rows),
        tuple(row["checkpoint_sha256"] for row in rows),
    )
    if not rows[0]["verdict"]:
        return synthetic, None
    scores = {
        name: np.array([float(row[column] or "nan") for row in rows])
        for column, name in SCORES.items()
        if any(row[column] for row in rows)
    }
    return synthetic, SampleVerdicts(
        accepted=np.array([row["verdict"] == "accepted" for row in rows]),
        reason=tuple(row["reason"] for row in rows),
        scores=scores,
        nearest=tuple(json.loads(row["nearest"]) for row in rows),
        review=tuple(row["review"] for row in rows),
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
        target = folder / label / f"{safe_name(synthetic.sampler)}_s{synthetic.seed}_{index:06d}.png"
        if target in targets:
            raise ValueError(f"two samples of class {label!r} have the index {index}; indices must be unique.")
        targets[target] = synthetic.x[i].numpy()
        row: Row = dict.fromkeys(COLUMNS, "")
        row |= {
            "file_name": f"{label}/{target.name}",
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
    """Write folder/metadata.csv."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "metadata.csv", text.getvalue())


def image_of(pixels: np.ndarray) -> Image.Image:
    """Return uint8 pixels of shape (c, h, w), c in {1, 3}, as a grey or RGB image."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))


def safe_name(name: str) -> str:
    """Return `name` with at most 60 characters of A-Z, a-z, 0-9, - and _: part of a file name anywhere."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", name)[:60]
