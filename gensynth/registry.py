"""The file name is the registry: `models/NAME.py` defines exactly one generator, of images or of tables."""

from __future__ import annotations

import difflib
import inspect
import pkgutil
from functools import cache
from importlib import import_module

from gensynth.generator import Generator
from gensynth.table_generator import TableGenerator


def generator_names() -> list[str]:
    """Return the names of all generators of images, sorted."""
    return sorted(name for name, cls in _found().items() if issubclass(cls, Generator))


def table_generator_names() -> list[str]:
    """Return the names of all generators of tables, sorted."""
    return sorted(name for name, cls in _found().items() if issubclass(cls, TableGenerator))


def get_generator(name: str) -> type[Generator]:
    """Return the Generator class of `models/NAME.py`.

    Raises:
        ValueError: if there is no such file, or it draws tables; the message lists the names and the nearest one.
        TypeError: if a file does not define exactly one generator.
    """
    _check(name, generator_names(), table_generator_names(), "tables: give a table, such as data.csv")
    return _found()[name]  # type: ignore[return-value]


def get_table_generator(name: str) -> type[TableGenerator]:
    """Return the TableGenerator class of `models/NAME.py`; errors as of `get_generator`."""
    _check(name, table_generator_names(), generator_names(), "images")
    return _found()[name]  # type: ignore[return-value]


def _check(name: str, names: list[str], others: list[str], what: str) -> None:
    if name in others:
        raise ValueError(f"generator {name!r} draws {what}; known here: {', '.join(names)}.")
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown generator {name!r}; known: {', '.join(names)}.{hint}")


@cache
def _found() -> dict[str, type[Generator] | type[TableGenerator]]:
    try:
        package = import_module("gensynth.models")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "gensynth.models is not installed; run 'pip install -e .' in the project folder."
        ) from error
    found: dict[str, type[Generator] | type[TableGenerator]] = {}
    for name in (module.name for module in pkgutil.iter_modules(package.__path__)):
        module = import_module(f"gensynth.models.{name}")
        classes = [
            member
            for _, member in inspect.getmembers(module, inspect.isclass)
            if issubclass(member, Generator | TableGenerator) and member.__module__ == module.__name__
        ]
        if len(classes) != 1:
            raise TypeError(f"models/{name}.py must define exactly one generator, found {len(classes)}.")
        found[name] = classes[0]
    return found
