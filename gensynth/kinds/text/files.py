"""DocumentFiles: documents as a table or as a folder of .txt files, as the name of what is written says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import final

import numpy as np
import pandas as pd

from gensynth.data.frames import FRAMES, read_plain
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.data.words import some
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kinds.text.documents import Documents, array_of, whole
from gensynth.kinds.text.folder import TextFolders
from gensynth.mix.files import Files
from gensynth.mix.frame_files import FrameFiles
from gensynth.mix.manifest import Row
from gensynth.sampler.synthetic import Synthetic


@final
class DocumentFrames(FrameFiles):
    """A table with the columns of the real one, real rows as they were read; new ones have a text and a label alone."""

    def frame_of(self, data: LabeledData | Synthetic, like: LabeledData | Synthetic) -> pd.DataFrame:
        """As `FrameFiles.frame_of`."""
        x: Documents = data.x
        if x.rows is not None:
            return x.rows.copy(deep=False)
        form = like.x.form
        known = {form.text: list(x.texts), form.label: [data.classes[label] for label in data.y]}
        return pd.DataFrame({name: known.get(name, [""] * len(x)) for name in form.columns})

    def added(self, accepted: Synthetic, real: pd.DataFrame, like: LabeledData) -> pd.DataFrame:
        """As `FrameFiles.added`: labels as the real rows write them; other cells are empty."""
        new, form = self.frame_of(accepted, like), like.x.form
        written = {name: real[form.label].iloc[at] for at, name in enumerate(real[form.label].astype(str))}
        new[form.label] = pd.Series([written[name] for name in new[form.label]], dtype=real[form.label].dtype)
        for name in form.columns:
            if name not in (form.text, form.label) and pd.api.types.infer_dtype(real[name], skipna=True) != "string":
                new[name] = pd.Series([None] * len(new), dtype=_with_room(real[name].dtype))
        return new

    def samples(self, path: Path, like: LabeledData) -> tuple[Documents, np.ndarray]:
        """As `FrameFiles.samples`, from any table with the two columns."""
        frame, form = read_plain(path, as_text=True), like.x.form
        for name in (form.text, form.label):
            if name not in frame.columns:
                raise ValueError(f"{path} has no column {name!r}; it has {some(map(repr, frame.columns))}.")
        texts = array_of(texts_of(frame[form.text]))
        y = [like.label_of(name) for name in frame[form.label].astype(str)]
        return Documents(texts, form), np.array(y, dtype=np.int64)


@final
class DocumentFiles(Files):
    """A table where the name ends as that of one does, else a folder of .txt files for each class."""

    def manifest_of(self, out: Path) -> Path:
        """As `Files.manifest_of`."""
        return _form(out).manifest_of(out)

    def refuse_existing(self, out: Path) -> None:
        """As `Files.refuse_existing`."""
        _form(out).refuse_existing(out)

    def write(self, synthetic: Synthetic, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write`."""
        _form(out).write(synthetic, rows, out)

    def write_mixed(self, parts: Parts, accepted: Synthetic | None, rows: Iterable[Row], out: Path) -> None:
        """As `Files.write_mixed`."""
        _form(out).write_mixed(parts, accepted, rows, out)

    def read(self, path: Path, like: LabeledData) -> tuple[Synthetic, SampleVerdicts | None]:
        """As `Files.read`."""
        return _form(path).read(path, like)

    def run_folder(self, out: Path) -> Path:
        """As `Files.run_folder`."""
        return _form(out).run_folder(out)

    def data_set(self, folder: Path, out: str) -> Path:
        """As `Files.data_set`."""
        return _form(Path(out)).data_set(folder, out)

    def notes(self, out: Path) -> Sequence[str]:
        """As `Files.notes`."""
        return _form(out).notes(out)


def _form(path: Path) -> Files:
    return DocumentFrames() if path.name.lower().endswith(FRAMES) else TextFolders()


def texts_of(column: pd.Series) -> list[str]:
    """Return the texts of a column; what is missing is empty, half characters are replaced.

    Raises:
        ValueError: if it holds lists, objects or bytes.
    """
    cells = column.tolist()
    if wrong := next((cell for cell in cells if isinstance(cell, dict | list | tuple | bytes | np.ndarray)), None):
        raise ValueError(f"column {column.name!r} holds {repr(wrong)[:60]}, which is no text; name a column of texts.")
    return ["" if value is None or value is pd.NA or value != value else whole(str(value)) for value in cells]


def _with_room(dtype: object) -> object:
    """Return a dtype in which a cell may be missing, so that those of the real rows stay as they are."""
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    return "Int64" if pd.api.types.is_integer_dtype(dtype) else dtype
