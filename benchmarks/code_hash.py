"""A hash of the code that figures depend on: results of other code are not used."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@cache
def code_hash(patterns: tuple[str, ...], *settings: Any) -> str:
    """Return 12 hex digits that change with the code of some files, comments aside, or with settings.

    Args:
        patterns: Names of files, as `Path.glob` takes them, from the root of the repository.
        settings: What else the figures depend on.

    Raises:
        ValueError: if a pattern fits no file, as after a move.
    """
    digest = hashlib.sha256(repr(settings).encode())
    for pattern in patterns:
        if not (paths := sorted(ROOT.glob(pattern))):
            raise ValueError(f"no file is called {pattern}; name the files that the figures depend on now.")
        for path in paths:
            digest.update(f"{path.relative_to(ROOT)}\n{ast.dump(ast.parse(path.read_bytes()))}\n".encode())
    return digest.hexdigest()[:12]
