"""Cells: the cells of a metadata.csv, column by column. One that holds what it cannot is named by its line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Cells:
    """A table of text.

    Attributes:
        path: The file it is from.
        rows: Cells by column, for each row.
    """

    path: Path
    rows: list[dict[str, str]]

    @staticmethod
    def read(path: Path, columns: Collection[str], advice: str = "restore or remove it") -> Cells:
        """Read a file that has at least these columns, and as many cells in every row.

        Args:
            path: The file.
            columns: Their names.
            advice: What to do about a file that is not one.

        Raises:
            ValueError: if it is none.
        """
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file, strict=True)
                names, rows = reader.fieldnames or (), list[dict[str, Any]](reader)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is no CSV file in UTF-8 ({error}); {advice}.") from error
        if missing := [name for name in columns if name not in names]:
            raise ValueError(f"{path} has no column {missing[0]!r}, only {', '.join(names) or 'none'}; {advice}.")
        for at, row in enumerate(rows):
            if None in row or None in row.values():
                raise ValueError(f"{path}, line {at + 2} has more or fewer cells than the first one; {advice}.")
        return Cells(path, rows)

    def texts(self, column: str) -> tuple[str, ...]:
        """Return a column as it is; one that is not there is blank."""
        return tuple(row.get(column, "") for row in self.rows)

    def numbers(self, column: str) -> tuple[int, ...]:
        """Return a column of whole numbers from 0."""
        return self._converted(column, _whole, "a whole number")

    def scores(self, column: str) -> tuple[float, ...]:
        """Return a column of numbers; nan where nothing stands."""
        return self._converted(column, lambda text: float(text or "nan"), "a number")

    def ids(self, column: str) -> tuple[str, ...]:
        """Return a column of names, each as JSON."""
        return self._converted(column, lambda text: _json(text, str), 'a name in quotes, such as "a.png"')

    def id_lists(self, column: str) -> tuple[tuple[str, ...], ...]:
        """Return a column of lists of names, each as JSON."""
        return self._converted(column, _names, 'a list of names, such as ["a.png"]')

    def verdicts(self) -> tuple[bool, ...]:
        """Return which rows are accepted."""
        return tuple(map(bool, self._converted("verdict", ("rejected", "accepted").index, "accepted or rejected")))

    def _converted(self, column: str, convert: Callable[[str], T], what: str) -> tuple[T, ...]:
        out = []
        for at, text in enumerate(self.texts(column)):
            try:
                out.append(convert(text))
            except ValueError:  # JSON's errors are of this kind, too
                raise ValueError(
                    f"{self.path}, line {at + 2}: column {column!r} holds {text[:40]!r}, and {what} belongs there; "
                    "restore the file, or remove it."
                ) from None
        return tuple(out)


def said_of_files(path: Path, files: Sequence[str], column: str, noun: str, file_noun: str) -> tuple[str, ...]:
    """Return what a column of a folder's metadata.csv says of each of its files, without blanks around it.

    Args:
        path: The table, of columns `file_name`, relative to its folder, and `column`.
        files: The files, relative to the folder, with '/'; rows of other files are passed over.
        column: Name of the column.
        noun: What it says, in messages, such as `groups`.
        file_noun: What one file is called in messages, such as `row`.

    Raises:
        ValueError: if there is no such table or column, or it says nothing of a file.
    """
    if not path.is_file():
        raise ValueError(f"{noun} are read from {str(path)!r} (columns file_name and {column}), which does not exist.")
    cells = Cells.read(path, ("file_name", column), f"it must be one, with the columns file_name and {column}")
    names, values = cells.texts("file_name"), cells.texts(column)
    known = {name.removeprefix("./"): value.strip() for name, value in zip(names, values, strict=True)}
    if lacking := [name for name in files if not known.get(name)]:
        raise ValueError(
            f"{len(lacking)} of {len(files)} {file_noun}s have no {column!r} in {str(path)!r}, such as {lacking[0]!r}; "
            "add their rows."
        )
    return tuple(known[name] for name in files)


def _whole(text: str) -> int:
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) >= 2**63:
        raise ValueError
    return int(text)


def _json(text: str, kind: type[T]) -> T:
    value = json.loads(text)
    if not isinstance(value, kind):
        raise ValueError
    return value


def _names(text: str) -> tuple[str, ...]:
    names: list[Any] = _json(text, list)
    if not all(isinstance(name, str) for name in names):
        raise ValueError
    return tuple(names)
