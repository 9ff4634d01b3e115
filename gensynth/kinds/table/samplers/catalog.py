"""The samplers for tables, found by looking: a final TableSampler in this folder is known by its short name."""

from __future__ import annotations

import hashlib
import inspect
import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gensynth.data.plain import typed
from gensynth.kind import unknown
from gensynth.kinds.table import samplers
from gensynth.kinds.table.packed import load_packed
from gensynth.kinds.table.samplers.base import Learned, Saved, TableSampler
from gensynth.kinds.table.shapes import check_shapes, sizes_of


def table_sampler_names() -> list[str]:
    """Return the short names of all samplers for tables, sorted."""
    return sorted(_found())


def get_table_sampler(name: str) -> type[TableSampler]:
    """Return the class of a sampler for tables.

    Raises:
        ValueError: if there is none of that name; the message lists the names and the nearest one.
    """
    # What is named like its file needs no other file, nor what the others import.
    own = [module for module in _modules() if module == name]
    for module in sorted(own, reverse=True):
        if name in (found := _defined(module)):
            return found[name]
    if name not in _found():
        raise unknown("sampler", name, table_sampler_names(), "table")
    return _found()[name]


def made_sampler(name: str, settings: dict[str, Any] | None) -> TableSampler:
    """Return a sampler with settings; names with a point and text are read as a command line gives them.

    Raises:
        ValueError: if there is no such sampler, or it has no such setting.
    """
    cls = get_table_sampler(name)
    settings = _nested(settings or {})
    known = sorted(set(cls().get_params()) - {"sampling_strategy", "schema"})
    if unknown := sorted(set(settings) - set(known)):
        raise ValueError(f"sampler {name!r} has no setting {unknown[0]!r}; it has {', '.join(known)}.")
    return cls(**settings)


def load_sampler(path: str | Path) -> TableSampler:
    """Read what `TableSampler.save` wrote.

    Raises:
        ValueError: if it is not a saved sampler.
    """
    plain = load_packed(path)
    try:
        saved: Saved = typed(Saved, plain)
        sampler = get_table_sampler(saved["sampler"])(**saved["settings"])
        if set(saved["state"]) != {*Learned.__annotations__, *sampler.state}:
            raise ValueError("it does not hold what this sampler learns")
        learned = typed(Learned, {name: saved["state"][name] for name in Learned.__annotations__})
        if not len(learned["classes_"]) == len(learned["counts_"]) == len(learned["pools_"]):
            raise ValueError("its classes and counts differ in number")
        sizes = sizes_of(learned["codec_"], len(learned["classes_"]))
        check_shapes(learned["codec_"].rest, "rows w", sizes, "rest")
        for name, shape in {"counts_": "k", "ids_": "rows", "pools_": [["*"]], **sampler.state}.items():
            check_shapes(saved["state"][name], shape, sizes, name)
        sampler.__dict__.update(saved["state"])
        _ = sampler.like
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{str(path)!r} does not fit this version of gensynth: {error}; fit it again.") from error
    sampler.rejected_ = {}
    sampler.sha256_ = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    sampler.file_, sampler.ids_ = str(path), np.array(sampler.ids_, dtype=np.str_)  # names, whatever it holds
    return sampler


def _nested(settings: dict[str, Any]) -> dict[str, Any]:
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


def _modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(samplers.__path__)]


@cache
def _defined(module: str) -> dict[str, type[TableSampler]]:
    """Return the samplers for tables that a file defines, by their short name."""
    home = import_module(f"{samplers.__name__}.{module}")
    classes = [member for _, member in inspect.getmembers(home, inspect.isclass) if member.__module__ == home.__name__]
    return {cls().name: cls for cls in classes if issubclass(cls, TableSampler) and not inspect.isabstract(cls)}


@cache
def _found() -> dict[str, type[TableSampler]]:
    return {name: cls for module in _modules() for name, cls in _defined(module).items()}
