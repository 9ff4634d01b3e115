"""Classifiers of the user's from the command line: a function that makes a network, and a command that trains one.

Both run code that the user names. A recipe (`--config`) may be a stranger's, so it cannot name them: the command line
refuses that (`gensynth.cli.arguments`).
"""

from __future__ import annotations

import csv
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np

from gensynth.data.cells import Cells
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.side_by_side import OnStep
from gensynth.kinds.image.files import FolderFiles
from gensynth.mix.manifest import synthetic_rows
from gensynth.sampler.synthetic import Synthetic

LOG, ANSWER = "log.txt", "predictions.csv"
FILE, LABEL = "file", "label"


@final
@dataclass(frozen=True, eq=False)
class Command(Classifier):
    """A command of the user's, run once for each set of training images.

    How it draws and changes images is its own affair, so that arms that differ in the way alone are one to it.

    Attributes:
        command: With {train} and {test}, folders with one sub-folder per class and metadata.csv, and {out}, the table
            that it is to write: a column `file` (as in the metadata.csv of {test}), and either `label` or one column of
            probabilities for each class.
        minutes: How long one run may take.
        positive: As `Outcome.positive`.
    """

    command: str
    minutes: float
    positive: int | None = None
    _known: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As `Classifier.name`."""
        return "command"

    def try_way(
        self, way: str, train: LabeledData, added: Synthetic | None, test: LabeledData, on_step: OnStep
    ) -> Probabilities:
        """As `Classifier.try_way`.

        Raises:
            ValueError: if the command fails, takes too long, or writes no predictions of the test images.
        """
        key = (train.fingerprint + test.fingerprint, "" if added is None else repr((added.sampler, added.x.hashes())))
        if key not in self._known:
            folder = Path(tempfile.mkdtemp(prefix="gensynth-command-"))
            self._known[key] = self._run(folder, train, added, test)
            shutil.rmtree(folder)  # of a command that failed all is kept
        on_step(1)
        n = len(train) + (0 if added is None else len(added))
        return Probabilities(test.y, self._known[key][None], n, self.positive)

    def _run(self, folder: Path, train: LabeledData, added: Synthetic | None, test: LabeledData) -> np.ndarray:
        rows = () if added is None else synthetic_rows(added, None)
        FolderFiles().write_mixed(Parts(train, train.subset([]), test), added, rows, folder / "arm")
        out, log = folder / ANSWER, folder / LOG
        places = {"{train}": folder / "arm" / "train", "{test}": folder / "arm" / "test", "{out}": out}
        words = [_filled(word, places) for word in shlex.split(self.command)]  # no shell: a name is one word
        with open(log, "wb") as file:
            try:
                done = subprocess.run(words, stdout=file, stderr=subprocess.STDOUT, timeout=60 * self.minutes)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise ValueError(
                    f"the command {self.command!r} failed ({error}); what it wrote is in {log}."
                ) from error
        if done.returncode or not out.is_file():
            what = f"ended with status {done.returncode}" if done.returncode else "wrote no {out}"
            raise ValueError(f"the command {self.command!r} {what}; what it said is in {log}.")
        names = Cells.read(folder / "arm" / "test" / "metadata.csv", ("file_name",)).texts("file_name")
        try:
            return predictions(out, names, test.classes)
        except ValueError as error:
            raise ValueError(f"the command {self.command!r} wrote {out}, which is of no use: {error}") from error


def _filled(word: str, places: Mapping[str, Path]) -> str:
    for name, path in places.items():
        word = word.replace(name, str(path))
    return word


def predictions(path: Path, files: Sequence[str], classes: tuple[str, ...]) -> np.ndarray:
    """Return the probabilities that a table gives of files, float32, shape (n, k); 1 for a label.

    Raises:
        ValueError: if a column, a file or a number is missing.
    """
    with open(path, newline="", encoding="utf-8") as file:
        rows = {row.get(FILE): row for row in csv.DictReader(file)}
    columns = {*next(iter(rows.values()), {})}
    if missing := [name for name in files if name not in rows]:
        raise ValueError(f"it has no row for {len(missing)} of {len(files)} test images, such as {missing[0]!r}.")
    if LABEL not in columns and not columns >= {*classes}:
        raise ValueError(f"it needs a column {LABEL!r}, or one for each of the classes {', '.join(classes)}.")
    if LABEL in columns:
        labels = [rows[name][LABEL] for name in files]
        if unknown := next((label for label in labels if label not in classes), None):
            raise ValueError(f"label {unknown!r} is none of the classes {', '.join(classes)}.")
        found: np.ndarray = np.eye(len(classes), dtype=np.float32)[[classes.index(label) for label in labels]]
        return found
    p = np.array([[float(rows[name][label]) for label in classes] for name in files], dtype=np.float32)
    if not (np.isfinite(p).all() and (p >= 0).all() and (p.sum(1) > 0).all()):
        raise ValueError("its probabilities must be numbers of at least 0, in each row one above 0.")
    return p / p.sum(1, keepdims=True)
