"""Weights of the user's: a folder, or the copy that a download left of a model on Hugging Face; found, and hashed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

Stamps = tuple[tuple[str, int, int], ...]
"""Name, bytes and time of change of files: weights may have gigabytes, so they are hashed once for these."""


def local_folder(name: str, sha256: str = "", download: str = "--download") -> Path:
    """Return the folder that holds weights.

    Args:
        name: The folder, or OWNER/MODEL, of which an earlier download left a copy.
        sha256: The hash that the weights must have, for the message; empty for any.
        download: The option that allows to download it, for the message.

    Raises:
        FileNotFoundError: if there is none.
    """
    if Path(name).is_dir():
        return Path(name)
    if _is_on_hub(name):
        from huggingface_hub import snapshot_download

        try:
            return Path(snapshot_download(name, local_files_only=True))
        except FileNotFoundError:  # never downloaded
            pass
    raise FileNotFoundError(
        f"there is no folder {name!r}, which should hold the weights{_with(sha256)}; put it there, or, if that is a "
        f"model on Hugging Face (OWNER/MODEL), train with {download}."
    )


def fetch(name: str, files: Sequence[str]) -> None:
    """Download a model from Hugging Face, unless `name` is a folder; only the files of these names or patterns.

    Raises:
        OSError: if that fails.
    """
    if not Path(name).is_dir() and _is_on_hub(name):
        from huggingface_hub import snapshot_download

        try:
            snapshot_download(name, allow_patterns=[*files])
        except (OSError, ValueError) as error:
            said = " ".join(str(error).split())[:300].rstrip(".")
            raise OSError(
                f"the model {name!r} could not be downloaded from Hugging Face ({said}); check the name, or try again "
                "later."
            ) from error


def stamps(folder: Path, files: Sequence[str]) -> Stamps:
    """Return the stamps of those files that are there."""
    found = ((name, (folder / name).stat()) for name in files if (folder / name).is_file())
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


def hash_of(folder: Path, files: Stamps) -> str:
    """Return one hash of the names and contents of files."""
    hashed = hashlib.sha256()
    for name, *_ in files:
        with (folder / name).open("rb") as file:
            hashed.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return hashed.hexdigest()


def check_hash(name: str, found: str, sha256: str) -> None:
    """Raise FileNotFoundError unless the weights in a folder have the hash that they must have; empty for any."""
    if sha256 not in ("", found):
        raise FileNotFoundError(
            f"the folder {name!r} should hold the weights{_with(sha256)}, and holds others ({found}); put back those "
            "that it held."
        )


def _with(sha256: str) -> str:
    return f" with sha256 {sha256}" if sha256 else ""


def _is_on_hub(name: str) -> bool:
    return re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name) is not None
