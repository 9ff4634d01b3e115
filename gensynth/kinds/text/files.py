"""DocumentFiles: documents as rows of a table, with all its columns; what is new has a text and a label alone."""

from __future__ import annotations

from pathlib import Path
from typing import final

import numpy as np
import pandas as pd

from gensynth.data.frames import read_plain
from gensynth.data.labeled import LabeledData
from gensynth.data.words import some
from gensynth.kinds.text.documents import Documents, array_of, whole
from gensynth.mix.frame_files import FrameFiles
from gensynth.sampler.synthetic import Synthetic


@final
class DocumentFiles(FrameFiles):
    """A table with the columns of the real one, real rows as they were read."""

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
