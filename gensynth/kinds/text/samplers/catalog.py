"""The samplers of documents: by name, with settings, and from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.sampler.catalog import Catalog

CATALOG = Catalog("gensynth.kinds.text.samplers", TextSampler, "text")


def text_sampler_names() -> list[str]:
    """Return the short names of all samplers of documents, sorted."""
    return CATALOG.names()


def made_sampler(name: str, settings: dict[str, Any] | None) -> TextSampler:
    """Return a sampler with settings, as `Catalog.made` does."""
    made: TextSampler = CATALOG.made(name, settings, ("sampling_strategy",))
    return made


def load_sampler(path: Path) -> TextSampler:
    """Read what `KeptSampler.save` wrote; errors as of `KeptSampler.load`."""
    return TextSampler.load(path, CATALOG.get)
