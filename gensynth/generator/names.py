"""The names of the generators. Apart from `gensynth.generator.registry`, which imports torch."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

GROUP = "gensynth.generators"
"""Entry points of other packages' generators: each names a class, under the generator's name."""


def model_names() -> list[str]:
    """Return the names of all files in models/ and of other packages' generators, sorted; none is imported."""
    try:
        package = import_module("gensynth.models")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "gensynth.models is not installed; run 'pip install -e .' in the project folder."
        ) from error
    return sorted({*(module.name for module in pkgutil.iter_modules(package.__path__)), *other_generators()})


def other_generators() -> dict[str, EntryPoint]:
    """Return the generators of other packages by name, not imported."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}
