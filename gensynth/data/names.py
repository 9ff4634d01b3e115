"""Names of folders and files that any system takes, made from names that people gave."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
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


def check_class_names(classes: Sequence[str]) -> None:
    """Check that every class can become a folder of its name, on any file system.

    Raises:
        ValueError: if a name is empty, starts with a dot, is longer than 255 bytes, holds a path separator
            or a control character, or equals another one but for upper and lower case.
    """
    seen: dict[str, str] = {}
    for name in classes:
        # Cc: control characters, Cs: bytes that are no valid Unicode, Zl and Zp: line and paragraph breaks.
        bad = any(c in "/\\" or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name)
        if not name or name.startswith(".") or bad or len(name.encode()) > 255:
            raise ValueError(
                f"class name {name!r} cannot name a folder; use 1 to 255 bytes without '/', '\\' and control "
                "characters that do not start with a dot."
            )
        same = unicodedata.normalize("NFC", name).casefold()
        if same in seen:
            raise ValueError(
                f"classes {seen[same]!r} and {name!r} differ only by case, and some file systems would merge "
                "their folders; rename one of them."
            )
        seen[same] = name


def natural_key(name: str) -> list[str | int]:
    """Sort key that puts `img2` before `img10`; the name itself decides between `1` and `01`."""
    parts: list[str | int] = [int(t) if i % 2 else t for i, t in enumerate(re.split("([0-9]+)", name))]
    return [*parts, -1, name]
