"""What is printed reaches the terminal as text: nothing in a name can move the cursor, turn text around or get lost."""

from __future__ import annotations

import io
import re
from typing import Any, TextIO

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""All control characters but tab and line end, and what sets the direction of text. Letters of all scripts and the
joiners in emojis stay."""


def visible(text: str) -> str:
    r"""Return text in which control characters and marks of direction are spelled out, as `\\x1b` and `\\u202e`."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Terminal:
    """A stream that shows such characters instead of sending them, and spells out what its encoding cannot hold.

    What progress bars write stays: a carriage return at either end of what is written at once, and moves of the cursor
    up that are written alone.

    Args:
        stream: Standard output or standard error.
    """

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text; return its length."""
        inner = "" if re.fullmatch(r"(\x1b\[A)+", text) else text.strip("\r")
        start = text.index(inner)
        self._stream.write(text[:start] + visible(inner) + text[start + len(inner) :])
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
