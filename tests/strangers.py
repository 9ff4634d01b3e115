"""What a stranger's file may hold."""

from __future__ import annotations

from typing import Any


class Call:
    """Pickles as a call: of `Path.touch`, which tells whether anything ran, or of what fills the memory."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call
