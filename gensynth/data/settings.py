"""Which settings differ: from their defaults, or between what exists and what is asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

DATA = ("data", "fingerprint")
"""Settings that are a hash of the data."""
SHOWN = 5
"""Settings that a sentence names at most."""


@dataclass(frozen=True)
class NoSettings:
    """There is nothing to choose."""


def given(config: Any, names: Collection[str]) -> list[str]:
    """Return which of the settings `names` of a dataclass differ from their defaults, as options: `--keep`."""
    return [f"--{f.name}" for f in fields(config) if f.name in names and getattr(config, f.name) != f.default]


def refuse_unused(config: Any, names: Collection[str], why: str) -> None:
    """Raise ValueError if one of the settings `names` is given where it would change nothing."""
    if unused := given(config, names):
        raise ValueError(f"{', '.join(unused)} would change nothing here: {why}; leave it out.")


def differences(there: dict[str, Any], here: dict[str, Any], ignored: Collection[str] = ()) -> str:
    """Say which settings differ, as in `steps: 20 there, 40 here`; empty if none does.

    Args:
        there: Settings of what exists: plain values, in dictionaries of any depth.
        here: Settings that are asked for.
        ignored: Settings that may differ, with points for depth.
    """
    old, new = _flat(there), _flat(here)
    names = [name for name in old | new if name not in ignored and old.get(name) != new.get(name)]
    told = [
        "other data"
        if name in DATA
        else f"{_option(name)}: {_short(old.get(name))} there, {_short(new.get(name))} here"
        for name in names
    ]
    return ", ".join(told[:SHOWN]) + (f" and {len(told) - SHOWN} more" if len(told) > SHOWN else "")


def _flat(settings: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Turn {"train": {"steps": 20}} into {"train.steps": 20}."""
    out: dict[str, Any] = {}
    for name, value in settings.items():
        value = list(value) if isinstance(value, tuple) else value  # as JSON has it
        out |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return out


def _option(name: str) -> str:
    """Return a setting's name on the command line, where those of these groups stand alone."""
    group, _, rest = name.partition(".")
    return rest if group in ("train", "data", "rebalance") else name


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
