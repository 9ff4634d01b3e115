"""The file name is the registry: `models/NAME.py` defines exactly one Generator."""

from __future__ import annotations

import difflib
import inspect
import pkgutil
from importlib import import_module

from gensynth.generator import Generator


def generator_names() -> list[str]:
    """Return the names of all generators, sorted."""
    try:
        package = import_module("gensynth.models")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "gensynth.models is not installed; run 'pip install -e .' in the project folder."
        ) from error
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def get_generator(name: str) -> type[Generator]:
    """Return the Generator class of `models/NAME.py`.

    Raises:
        ValueError: if there is no such file; the message lists the names and the nearest one.
        TypeError: if the file does not define exactly one Generator.
    """
    names = generator_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown generator {name!r}; known: {', '.join(names)}.{hint}")
    module = import_module(f"gensynth.models.{name}")
    found = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Generator) and member.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"models/{name}.py must define exactly one Generator, found {len(found)}.")
    return found[0]
