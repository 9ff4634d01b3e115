"""Real documents in: from a table's column, or a folder of .txt files, to LabeledData."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gensynth.data.frames import read_plain
from gensynth.data.labeled import LabeledData
from gensynth.data.words import counted, did_you_mean, some
from gensynth.kinds.text.config import TextConfig
from gensynth.kinds.text.documents import Documents, Form, array_of
from gensynth.kinds.text.files import texts_of
from gensynth.kinds.text.folder import FOLDER, MARK, read_folder
from gensynth.kinds.text.shingles import templates


def read_documents(source: str, config: TextConfig, form: Form | None = None) -> LabeledData:
    """Read all documents of a source.

    Args:
        source: A table, or a folder with .txt files in a sub-folder for each class.
        config: How to read it.
        form: The columns of the data that these are a further part of; None if they stand for themselves.

    Raises:
        FileNotFoundError: if there is no such source.
        ValueError: if it cannot be read, a column is not named or not there, or a class has a single document.
    """
    if Path(source).is_dir():
        return _labeled(read_folder(Path(source)), FOLDER, source, config)
    frame = read_plain(source, as_text=True)
    text = config.text or (None if form is None else form.text)
    target = config.target or (None if form is None else form.label)
    for name, option, what in ((text, "--text", "holds the texts"), (target, "--target", "is the label")):
        if name is None:
            raise ValueError(f"which column of {source!r} {what}? Name it: {option} COLUMN.")
        _check_column(name, option, frame, source)
    if text == target:
        raise ValueError(f"column {text!r} cannot be both --text and --target; name two columns.")
    return _labeled(frame, Form(str(text), str(target), tuple(map(str, frame.columns))), source, config)


def _check_column(name: str, option: str, frame: pd.DataFrame, source: str) -> None:
    known = [str(column) for column in frame.columns]
    if name not in known:
        hint = did_you_mean(name, known)
        raise ValueError(f"{option} {name!r} is not one of the columns of {source!r}: {some(map(repr, known))}.{hint}")


def _labeled(frame: pd.DataFrame, form: Form, source: str, config: TextConfig) -> LabeledData:
    if not len(frame):
        raise ValueError(f"{source!r} holds no documents.")
    labels, texts, notes = texts_of(frame[form.label]), texts_of(frame[form.text]), []
    if lacking := sum(not label for label in labels):
        raise ValueError(f"{counted(lacking, 'row has', 'rows have')} no {form.label!r}; fill it in, or remove them.")
    read = zip(frame[form.text], frame[form.label], texts, labels, strict=True)
    if broken := sum(isinstance(a, str) and a != c or isinstance(b, str) and b != d for a, b, c, d in read):
        notes.append(f"{counted(broken, 'document holds', 'documents hold')} half characters, which were replaced.")
        frame = frame.assign(**{form.text: texts, form.label: labels})
    if empty := sum(not text.strip() for text in texts):
        notes.append(f"{counted(empty, 'document is', 'documents are')} empty.")
    classes, y = np.unique(np.array(labels, dtype=object), return_inverse=True)
    if single := [name for name, n in zip(classes, np.bincount(y), strict=True) if n < 2]:
        raise ValueError(
            f"classes of {source!r} have a single document: {some(map(repr, single), 5)}; each needs at least 2, "
            "one to learn from and one to test on."
        )
    if form == FOLDER:
        texts = [text.removeprefix(MARK) for text in texts]
    x = Documents(array_of(texts), form, frame.reset_index(drop=True))
    ids = tuple(map(str, range(len(texts))))
    data = LabeledData(x, y.astype(np.int64), tuple(map(str, classes)), ids, notes=tuple(notes))
    return _grouped(data, config)


def _grouped(data: LabeledData, config: TextConfig) -> LabeledData:
    """Return the data with their groups, those that are asked for, or documents that are nearly the same."""
    if config.group is not None:
        _check_column(config.group, "--group", data.x.rows, "the table")
        return replace(data, groups=tuple(texts_of(data.x.rows[config.group])))
    if not config.templates:
        return data
    of = templates(data.x.texts)
    alike = np.bincount(of)
    if not (alike > 1).any():
        return data
    if one := [name for c, name in enumerate(data.classes) if len({*of[data.y == c].tolist()}) < 2]:
        note = f"All documents of {some(map(repr, one))} are nearly the same, so that parts share them: trust no score."
        return replace(data, notes=(*data.notes, note))
    note = (
        f"{int(alike[alike > 1].sum())} documents are nearly the same as another one, of {int((alike > 1).sum())} "
        "templates; those of one stay in one part (--templates false divides them)."
    )
    return replace(data, groups=tuple(map(str, of)), notes=(*data.notes, note))
