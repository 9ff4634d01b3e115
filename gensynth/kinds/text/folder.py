"""Folders of .txt files: documents in a sub-folder for each class, in and out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import final

import numpy as np
import pandas as pd

from gensynth.data.files import whole_folder
from gensynth.data.labeled import LabeledData
from gensynth.data.names import check_class_names, folder_name, renamed_notes
from gensynth.data.split import Parts
from gensynth.kinds.text.documents import Documents, Form, array_of
from gensynth.mix.folder_files import ClassFolders, labels_of, list_files, name_of, numbered
from gensynth.mix.manifest import Row, by_any_tool, real_row
from gensynth.sampler.synthetic import Synthetic

FOLDER = Form("text", "label", ("file", "text", "label"))
"""The columns of a folder as a table."""
MARK = "\ufeff"
"""What some editors put before a text; it is no part of it."""


def read_folder(path: Path) -> pd.DataFrame:
    """Return the .txt files of a folder as a table, in the order of their names; hidden ones are left out.

    Raises:
        ValueError: if one is a folder, a pipe or a link out of the folder, or no text in UTF-8.
    """
    rows, root = [], path.resolve()
    for file in sorted(path.glob("*/*")):
        name = file.relative_to(path)
        if file.suffix.lower() != ".txt" or any(part.startswith(".") for part in name.parts):
            continue
        if not file.is_file() or not file.resolve().is_relative_to(root):
            raise ValueError(f"{file} is no file of this folder, but a link out of it, a folder or a pipe; remove it.")
        try:
            rows.append((name.as_posix(), file.read_bytes().decode("utf-8"), file.parent.name))
        except UnicodeDecodeError as error:
            raise ValueError(f"{file} is not text in UTF-8 ({error}); save it so.") from error
    return pd.DataFrame(rows, columns=list(FOLDER.columns))


@final
class TextFolders(ClassFolders):
    """A folder of .txt files for each class.

    Of a mixed data set real documents of a folder keep their names and bytes; metadata.csv says of which part they are.
    Those of a test part that is another source are left out, as of a table.
    """

    def write_mixed(self, parts: Parts, accepted: Synthetic | None, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write_mixed`; errors as of `write`."""
        check_class_names(parts.train.classes)
        with whole_folder(out) as folder:
            written = []
            for name, part in parts.by_name.items():
                for i in (i for i, row in enumerate(part.ids) if row.isdigit()):
                    row = real_row(name, part, i)
                    file, text = _real_file(part.x, i, str(row["label"])) or (f"{name_of(row)}.txt", part.x[i])
                    written.append(_written(text, row, folder, file))
            if accepted is not None:
                written += self.put(accepted.x, numbered(rows), folder)
            list_files(folder, written)

    def put(self, x: Documents, rows: Sequence[Row], folder: Path) -> list[Row]:
        """As `ClassFolders.put`."""
        return [_written(text, row, folder, f"{name_of(row)}.txt") for text, row in zip(x.texts, rows, strict=True)]

    def samples(self, path: Path, like: LabeledData) -> tuple[Synthetic, Sequence[str]]:
        """As `ClassFolders.samples`."""
        if not path.is_dir():
            raise FileNotFoundError(f"there is no folder {str(path)!r}.")
        frame = read_folder(path)
        if not len(frame):
            raise ValueError(f"{path} holds no documents.")
        x = Documents(array_of([text.removeprefix(MARK) for text in frame["text"]]), like.x.form)
        folders, at = np.unique(frame["label"].tolist(), return_inverse=True)
        return by_any_tool(x, labels_of(folders.tolist(), like, path)[at], like.classes), frame["file"].tolist()

    def notes(self, out: Path) -> Sequence[str]:
        """As `Files.notes`: classes in folders of other names."""
        return renamed_notes(out)


def _real_file(x: Documents, i: int, label: str) -> tuple[str, str] | None:
    """Return the name of the file in the folder of its class that a document came from, and all that it holds."""
    if x.rows is None or x.form != FOLDER:
        return None
    file, text, _ = x.rows.iloc[i]
    name = Path(file).name  # a table may have the same columns, and any names in them
    return (name, text) if file == f"{label}/{name}" and name.lower().endswith(".txt") else None


def _written(text: str, row: Row, folder: Path, name: str) -> Row:
    """Write a document; return its row with its file."""
    path = folder / folder_name(str(row["label"])) / name
    path.parent.mkdir(exist_ok=True)
    with open(path, "xb") as file:  # two of one name would be one
        file.write(text.encode())
    return row | {"file_name": path.relative_to(folder).as_posix()}
