"""The samplers for tables, found by looking: a final TableSampler in gensynth/samplers is known by its short name."""

from __future__ import annotations

import difflib
import inspect
import pkgutil
from functools import cache
from importlib import import_module

import gensynth.samplers
from gensynth.samplers.table import TableSampler


def table_sampler_names() -> list[str]:
    """Return the short names of all samplers for tables, sorted."""
    return sorted(_found())


def get_table_sampler(name: str) -> type[TableSampler]:
    """Return the class of a sampler for tables.

    Raises:
        ValueError: if there is none of that name; the message lists the names and the nearest one.
    """
    if name not in _found():
        near = difflib.get_close_matches(name, _found(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown sampler {name!r}; known: {', '.join(table_sampler_names())}.{hint}")
    return _found()[name]


@cache
def _found() -> dict[str, type[TableSampler]]:
    modules = [import_module(f"gensynth.samplers.{m.name}") for m in pkgutil.iter_modules(gensynth.samplers.__path__)]
    classes = [
        member
        for module in modules
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, TableSampler) and not inspect.isabstract(member) and member.__module__ == module.__name__
    ]
    return {cls().name: cls for cls in classes}
