"""Saved samplers: of which kind of data one is, told before anything else of the file is read."""

from __future__ import annotations

from gensynth.data.npz import open_npz
from gensynth.sampler import SAMPLER

KIND = "kind"
"""The array of a `.sampler` file that names the kind; those for tables, which came first, have none."""


def kind_of_saved(path: str) -> str | None:
    """Return the kind of data that a saved sampler draws; "" if it does not say so, None if it is no such file."""
    if not path.endswith(SAMPLER):
        return None
    try:
        with open_npz(path) as file:
            return str(file[KIND]) if KIND in file else ""
    except (OSError, ValueError):
        return ""
