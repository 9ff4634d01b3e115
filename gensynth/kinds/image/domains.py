"""A column beside the images: which scanner, hospital or time of day an image is from, or which patient it shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from gensynth.data.cells import Cells, said_of_files
from gensynth.data.labeled import LabeledData
from gensynth.data.npz import open_npz
from gensynth.mix.manifest import is_manifest

MANIFEST = "metadata.csv"


def with_domains(data: LabeledData, source: str, column: str) -> LabeledData:
    """Return the data with the domain of every image, as `read_column` finds it."""
    return replace(data, domains=read_column(data, source, column, "domains"))


def read_column(data: LabeledData, source: str, column: str, noun: str) -> tuple[str, ...]:
    """Return what a column says of every image, length n.

    Args:
        data: Images read from `source`.
        source: A folder with metadata.csv (`file_name`, relative to the folder, and `column`; rows of other files are
            passed over), or an .npz file with an array named `column`, one entry per image.
        column: Name of the column.
        noun: What is read, in messages: `domains` or `groups`.

    Raises:
        ValueError: if the source has no such column, or says nothing of an image.
    """
    if Path(source).is_dir():
        return said_of_files(Path(source) / MANIFEST, data.ids, column, noun, data.noun)
    if str(source).lower().endswith(".npz"):
        return _from_npz(source, column, len(data))
    raise ValueError(f"{source!r} has no column {column!r}: {noun} come from a folder's metadata.csv or an .npz file.")


def possible_groups(data: LabeledData) -> dict[str, int]:
    """Return the columns of the metadata.csv of a folder that could be groups, with their numbers of values.

    One that could says something of each image, the same of most images as of another one, at least three things in
    all, and not just the class.
    """
    try:
        cells = Cells.read(data.root / MANIFEST, ("file_name",)) if data.root is not None else None
    except (FileNotFoundError, ValueError):  # there need not be one
        cells = None
    if cells is None or is_manifest(cells.path):
        return {}
    names = [name.removeprefix("./") for name in cells.texts("file_name")]
    found = {}
    for column in {name: None for row in cells.rows[:1] for name in row if name != "file_name"}:
        known = dict(zip(names, map(str.strip, cells.texts(column)), strict=True))
        values = [known.get(name, "") for name in data.ids]
        counts, pairs = Counter(values), set(zip(values, data.y.tolist(), strict=True))
        shared = sum(n for n in counts.values() if n > 1)
        is_class = len(pairs) == len(counts) == len(set(data.y.tolist()))
        if all(values) and shared > len(values) / 2 and len(counts) > 2 and not is_class:
            found[column] = len(counts)
    return found


def _from_npz(path: str, column: str, n: int) -> tuple[str, ...]:
    with open_npz(path) as arrays:
        if column not in arrays:
            raise ValueError(f"it has no array {column!r}; it has {', '.join(arrays)}.")
        values = arrays[column]
        if values.shape != (n,):
            raise ValueError(f"array {column!r} must have one entry per image ({n}), got shape {values.shape}.")
        return tuple(str(value) for value in values)
