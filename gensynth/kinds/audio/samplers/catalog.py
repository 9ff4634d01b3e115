"""The samplers of clips: by name, with settings, and from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gensynth.kinds.audio.samplers.base import AudioSampler
from gensynth.sampler.catalog import Catalog

CATALOG = Catalog("gensynth.kinds.audio.samplers", AudioSampler, "audio")


def audio_sampler_names() -> list[str]:
    """Return the short names of all samplers of clips, sorted."""
    return CATALOG.names()


def made_sampler(name: str, settings: dict[str, Any] | None) -> AudioSampler:
    """Return a sampler with settings, as `Catalog.made` does."""
    made: AudioSampler = CATALOG.made(name, settings, ())
    return made


def load_sampler(path: Path) -> AudioSampler:
    """Read what `KeptSampler.save` wrote; errors as of `KeptSampler.load`."""
    return AudioSampler.load(path, CATALOG.get)
