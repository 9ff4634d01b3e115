"""The file name is the registry: `models/NAME.py` defines exactly one generator, of one kind of data.

An installed package adds its own by entry points, group `gensynth.generators`.
"""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from typing import Any

from gensynth.generator.learner import Learner
from gensynth.generator.names import GROUP, model_names, other_generators
from gensynth.kind import unknown


def generator_names(kind: str) -> list[str]:
    """Return the names of all generators of a kind of data, sorted."""
    return [name for name in model_names() if _class(name).kind == kind]


def get_generator(name: str, kind: str) -> type[Any]:
    """Return the generator of `models/NAME.py`, or of another package; no other model is imported.

    Args:
        name: Name of the file, or of the entry point.
        kind: The kind of data it must be for.

    Raises:
        ValueError: if there is no such file, or it is for another kind; the message lists the names and the nearest.
        TypeError: if the file does not define exactly one generator, or the entry point names something else.
    """
    if name in model_names() and _class(name).kind == kind:
        return _class(name)
    raise unknown("generator", name, generator_names(kind), kind)


@cache
def _class(name: str) -> type[Learner]:
    if entry := other_generators().get(name):
        cls = entry.load()
        if not (inspect.isclass(cls) and issubclass(cls, Learner)):
            raise TypeError(f"entry point {name!r} of {GROUP} is no generator; correct or remove its package.")
        return cls
    module = import_module(f"gensynth.models.{name}")
    classes = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Learner) and member.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise TypeError(f"models/{name}.py must define exactly one generator, found {len(classes)}.")
    return classes[0]
