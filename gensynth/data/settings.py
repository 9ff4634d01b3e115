"""Which settings differ between what exists and what is asked for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

DATA = ("data", "fingerprint")
"""Settings that are a hash of the data."""
SHOWN = 5
"""Settings that a sentence names at most."""


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
