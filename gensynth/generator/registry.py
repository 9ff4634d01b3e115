"""The file name is the registry: `models/NAME.py` defines exactly one generator, of images or of tables."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from functools import cache
from importlib import import_module

from gensynth.data.words import did_you_mean
from gensynth.generator.names import model_names
from gensynth.kinds.image.generator.base import Generator
from gensynth.kinds.table.generator import TableGenerator

Model = Generator | TableGenerator


def generator_names() -> list[str]:
    """Return the names of all generators of images, sorted."""
    return [name for name in model_names() if issubclass(_class(name), Generator)]


def table_generator_names() -> list[str]:
    """Return the names of all generators of tables, sorted."""
    return [name for name in model_names() if issubclass(_class(name), TableGenerator)]


def get_generator(name: str) -> type[Generator]:
    """Return the Generator class of `models/NAME.py`; no other model is imported.

    Raises:
        ValueError: if there is no such file, or it draws tables; the message lists the names and the nearest one.
        TypeError: if the file does not define exactly one generator.
    """
    if name in model_names() and issubclass(found := _class(name), Generator):
        return found
    from gensynth.kinds.table.samplers.catalog import table_sampler_names  # which imports generators

    raise unknown("generator", name, generator_names(), "images", table_sampler_names(), "tables")


def get_table_generator(name: str) -> type[TableGenerator]:
    """Return the TableGenerator class of `models/NAME.py`; errors as of `get_generator`."""
    if name in model_names() and issubclass(found := _class(name), TableGenerator):
        return found
    raise unknown("generator", name, table_generator_names(), "tables", generator_names(), "images")


def unknown(what: str, name: str, known: list[str], kind: str, others: Collection[str], other_kind: str) -> ValueError:
    """Return the error for a name that is not among the `known` ones of a kind of data; it may be of the other kind."""
    if name in others:
        return ValueError(f"{name!r} is for {other_kind}; for {kind} there are {', '.join(known)}.")
    return ValueError(f"unknown {what} {name!r}; known: {', '.join(known)}.{did_you_mean(name, known)}")


@cache
def _class(name: str) -> type[Model]:
    module = import_module(f"gensynth.models.{name}")
    classes = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Model) and member.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise TypeError(f"models/{name}.py must define exactly one generator, found {len(classes)}.")
    return classes[0]
