"""Catalog: the samplers of one kind of data, found by looking.

A concrete class in the folder of a kind's samplers is known by its short name, and so is one that an installed package
names in the entry points `gensynth.samplers`.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, final

import yaml

from gensynth.kind import unknown

GROUP = "gensynth.samplers"
"""Entry points of other packages' samplers."""


@final
@dataclass(frozen=True)
class Catalog:
    """Samplers by their short names.

    Attributes:
        package: The folder to look in, a dotted name.
        base: What they derive from.
        kind: Name of the kind of data.
    """

    package: str
    base: type
    kind: str

    def names(self) -> list[str]:
        """Return the short names, sorted, but for those that are taken where a privacy bound is asked for."""
        return sorted(name for name, cls in _found(self).items() if not cls.private)

    def get(self, name: str) -> Any:
        """Return the class of that name.

        Raises:
            ValueError: if there is none; the message lists the names and the nearest one.
        """
        # What is named like its file needs no other file, nor what the others import.
        if name in _modules(self.package) and name in (own := _defined(self, name)):
            return own[name]
        if name not in _found(self):
            raise unknown("sampler", name, self.names(), self.kind)
        return _found(self)[name]

    def made(self, name: str, settings: Mapping[str, Any] | None, hidden: Collection[str]) -> Any:
        """Return a sampler with settings; names with a point and text are read as a command line gives them.

        Text for a setting that is text by default stays as it is, for `a: b` would be read as something else; but
        quotes around it go, which a command line needs then.

        Args:
            name: Its short name.
            settings: Arguments of its constructor.
            hidden: Those that are none of the user's here.

        Raises:
            ValueError: if there is no such sampler, it has no such setting, or it gives a privacy bound.
        """
        cls = self.get(name)
        if cls.private:
            raise ValueError(f"sampler {name!r} gives a privacy bound; 'gensynth synthesize --epsilon' takes it.")
        given, usual = dict(settings or {}), cls().get_params()
        texts = {key: _bare(given.pop(key)) for key in [*given] if isinstance(usual.get(key), str)}
        nested = _nested(given) | texts
        known = sorted({*usual} - {*hidden})
        if wrong := sorted(set(nested) - set(known)):
            raise ValueError(f"sampler {name!r} has no setting {wrong[0]!r}; it has {', '.join(known)}.")
        return cls(**nested)


def _bare(value: Any) -> Any:
    """Return text without quotes around it; anything else as it is."""
    quoted = re.fullmatch(r"""(["'])((?:(?!\1).)*)\1""", value, re.DOTALL) if isinstance(value, str) else None
    return quoted[2] if quoted else value


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Turn {"model.width": "64"} into {"model": {"width": 64}}."""
    out: dict[str, Any] = {}
    for name, value in settings.items():
        head, point, tail = name.partition(".")
        if point or isinstance(value, dict):
            inner = _nested({tail: value} if point else value)
            out[head] = out.get(head, {}) | inner
        else:
            out[head] = yaml.safe_load(value) if isinstance(value, str) else value
    return out


def _modules(package: str) -> list[str]:
    return [module.name for module in pkgutil.iter_modules(import_module(package).__path__)]


def _name(cls: Any) -> str:
    return str(cls().name)


@cache
def _defined(catalog: Catalog, module: str) -> dict[str, Any]:
    """Return the samplers that a file defines."""
    home = import_module(f"{catalog.package}.{module}")
    classes = [member for _, member in inspect.getmembers(home, inspect.isclass) if member.__module__ == home.__name__]
    return {_name(cls): cls for cls in classes if issubclass(cls, catalog.base) and not inspect.isabstract(cls)}


@cache
def _found(catalog: Catalog) -> dict[str, Any]:
    found = {name: cls for module in _modules(catalog.package) for name, cls in _defined(catalog, module).items()}
    for cls in (entry.load() for entry in entry_points(group=GROUP)):
        if not inspect.isclass(cls):
            raise ValueError(f"entry point {cls!r} of {GROUP} is no sampler; correct or remove its package.")
        if issubclass(cls, catalog.base) and found.setdefault(name := _name(cls), cls) is not cls:
            raise ValueError(f"two samplers for {catalog.kind} data are called {name!r}; remove one of their packages.")
    return found
