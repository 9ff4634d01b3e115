"""The names of the files in models/. Apart from `gensynth.generator.registry`, which imports torch."""

from __future__ import annotations

import pkgutil
from importlib import import_module


def model_names() -> list[str]:
    """Return the names of all files in models/, sorted; none of them is imported."""
    try:
        package = import_module("gensynth.models")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "gensynth.models is not installed; run 'pip install -e .' in the project folder."
        ) from error
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))
