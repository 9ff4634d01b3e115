"""Names of folders and files that any system takes, made from names that people gave."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE)
"""Names that stand for devices on Windows."""


def folder_name(name: str) -> str:
    """Return the name of a class's folder or file: its own, or one with %XX where Windows would refuse it.

    `urllib.parse.unquote` gives the class's name back. Anywhere, so that a data set can be copied anywhere.
    """
    escaped = re.sub(r'[<>:"|?*]|%(?=[0-9A-Fa-f]{2})|[. ]$', lambda found: f"%{ord(found[0]):02X}", name)
    return f"%{ord(name[0]):02X}{escaped[1:]}" if DEVICE.match(name) else escaped


def renamed_notes(folder: Path) -> list[str]:
    """Return a sentence if classes of a folder lie in sub-folders of other names."""
    names = {path.name: unquote(path.name) for path in sorted(folder.glob("*/"))}
    told = [f"{name!r} lies in {at!r}" for at, name in names.items() if at != name and folder_name(name) == at]
    return [f"class {', '.join(told)}, for Windows would refuse the folder's own name."] if told else []


def safe_name(name: str) -> str:
    """Return `name` with at most 60 characters of A-Z, a-z, 0-9, - and _: part of a file name anywhere."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", name)[:60]
