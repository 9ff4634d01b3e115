"""A classifier of the user's, named on the command line. It is code: no file may name it (`gensynth.cli.arguments`)."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def named_classifier(name: str) -> Any:
    """Return what MODULE:NAME names, the module being sought in the working directory first.

    Raises:
        ValueError: if there is no such module, or nothing of that name in it.
    """
    module, _, attribute = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"classifier {name!r} cannot be imported ({error}); give MODULE:FUNCTION, such as net:build for a function "
            "build in net.py of this folder."
        ) from error
    finally:
        sys.path.remove(str(Path.cwd()))
