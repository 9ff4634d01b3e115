"""Whole or nothing: files and folders appear under their name only when they are complete."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RECORD = "run.json"
"""Name of the record in a folder of a run."""
CANNOT = {
    errno.ENOSPC: "the disk is full; make room, and give the same command again",
    errno.EDQUOT: "your disk quota is used up; make room, and give the same command again",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.EACCES: "permission is denied; choose another place",
    errno.EPERM: "permission is denied; choose another place",
    errno.ENOTDIR: "a file stands where a folder is needed; choose another place",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
}
"""What keeps a file from being written, and what to do."""


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file through a temporary sibling, so that a killed run leaves the old file or the new one.

    Missing folders above it are made.

    Raises:
        OSError: if it cannot be written; nothing is left behind.
    """
    # x: the name must be new, so that no link that somebody put there leads the content elsewhere.
    with replacing(path) as temporary, open(temporary, "xb") as file:
        file.write(content)
        file.flush()
        # Without it, a crash of the machine could leave the new name with no content.
        os.fsync(file.fileno())


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file as `write_bytes` does; line ends are kept as they are."""
    write_bytes(path, text.encode())


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder that becomes `path` at the end, and is removed if the block fails.

    Raises:
        FileExistsError: if `path` is a file or a folder that is not empty; nothing is ever overwritten.
        OSError: if it cannot be written.
    """
    path = Path(path)
    refuse_existing(path)
    with replacing(path) as temporary:
        temporary.mkdir()
        yield temporary
        if path.is_dir():
            path.rmdir()


def refuse_existing(path: Path) -> None:
    """Raise FileExistsError if `path` is a file or a folder that is not empty."""
    if path.is_symlink() or path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise FileExistsError(f"{str(path)!r} exists already; choose another folder or remove it first.")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a name beside `path` for a new file or folder, which becomes `path`, or is removed if the block fails.

    What a killed run left of `path` is removed first, so no two processes may do this at once: `gensynth.data.lock`.
    """
    path = Path(path).absolute()
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        try:
            yield temporary
            os.replace(temporary, path)
        except BaseException:
            _remove(temporary)
            raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Let an OSError such as that of a full disk say which file could not be written, and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in CANNOT:
            raise
        told = OSError(f"{path} cannot be written: {CANNOT[error.errno]}.")
        told.errno = error.errno  # a folder that holds the file says it again, with its own name
        raise told from error


def discard(path: Path) -> None:
    """Remove a file, if there is one, and what a killed run left of it."""
    path.unlink(missing_ok=True)
    remove_leftovers(path)


def check_count(folder: Path, n: int) -> None:
    """Raise OSError unless a folder holds `n` files, at any depth: less than was written must not look whole."""
    found = sum(len(files) for _, _, files in os.walk(folder))
    if found != n:
        raise OSError(f"{n} files were written and {found} are there: another program changed {folder}; try again.")


def visible(folder: Path) -> set[str]:
    """Return the names in a folder that are not hidden; none if there is no such folder."""
    return {entry.name for entry in folder.iterdir() if not entry.name.startswith(".")} if folder.is_dir() else set()


def refuse_inside(out: Path, *sources: str | Path | None, option: str = "--out") -> None:
    """Raise ValueError if `out` is one of the folders that are read, or lies in it: it would be read next time."""
    for source in sources:
        folder, written = Path(source or "").resolve(), out.resolve()
        if source is not None and folder.is_dir() and written.is_relative_to(folder):
            beside = folder.parent / f"{folder.name}_{'run' if written == folder else written.name}"
            raise ValueError(
                f"{option} {out} lies in {source}, which is read: the next reading would find it there; choose a "
                f"folder beside it, such as {beside}."
            )


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes have left of a file or folder that they were writing."""
    form = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.partial")
    for entry in list(os.scandir(path.parent)):
        if form.fullmatch(entry.name):
            _remove(Path(entry.path))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
