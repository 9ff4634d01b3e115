"""Whole or nothing: files and folders appear under their name only when they are complete."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file through a temporary sibling, so that a killed run leaves the old file or the new one.

    Missing folders above it are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _partial(path)
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            # Without it, a crash of the machine could leave the new name with no content.
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file as `write_bytes` does; line ends are kept as they are."""
    write_bytes(path, text.encode())


@contextmanager
def of_this_version(path: str | Path) -> Iterator[None]:
    """Say of a file of results what to do where it does not hold what is read from it in the block.

    Raises:
        ValueError: if it does not.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is damaged or was written by another version of gensynth; delete it and type the command again."
        ) from error


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder that becomes `path` at the end, and is removed if the block fails.

    What a killed run left behind is removed first. Two runs must not write the same folder at once.

    Raises:
        FileExistsError: if `path` is a file or a folder that is not empty; nothing is ever overwritten.
    """
    path = Path(path)
    if path.is_symlink() or path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise FileExistsError(f"{str(path)!r} exists already; choose another folder or remove it first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _partial(path)
    if temporary.is_dir() and not temporary.is_symlink():
        shutil.rmtree(temporary)
    temporary.mkdir()
    try:
        yield temporary
        if path.is_dir():
            path.rmdir()
        os.rename(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _partial(path: Path) -> Path:
    return path.absolute().with_name(f".{path.absolute().name}.partial")
