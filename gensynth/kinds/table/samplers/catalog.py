"""The samplers for tables: by name, with settings, and from files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from gensynth.data.plain import typed
from gensynth.kinds.table.packed import load_packed
from gensynth.kinds.table.samplers.base import Learned, Saved, TableSampler
from gensynth.kinds.table.shapes import check_shapes, sizes_of
from gensynth.sampler.catalog import Catalog

CATALOG = Catalog("gensynth.kinds.table.samplers", TableSampler, "table")


def table_sampler_names() -> list[str]:
    """Return the short names of all samplers for tables, sorted."""
    return CATALOG.names()


def get_table_sampler(name: str) -> type[TableSampler]:
    """Return the class of a sampler for tables; ValueError if there is none."""
    found: type[TableSampler] = CATALOG.get(name)
    return found


def made_sampler(name: str, settings: dict[str, Any] | None) -> TableSampler:
    """Return a sampler with settings, as `Catalog.made` does."""
    made: TableSampler = CATALOG.made(name, settings, ("sampling_strategy", "schema"))
    return made


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
