"""How `fuzz.py` breaks bytes, plain values, arrays and archives, at random."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

WORDS = [
    *(
        "",
        " ",
        "0",
        "-1",
        "1e309",
        "nan",
        "inf",
        "null",
        "true",
        "x" * 3000,
        "\0",
        "\x1b[2J",
        "\u202egnp",
        "\ud800",
        "é",
        "a,b",
    ),
    *(
        "../../outside",
        "/",
        ".",
        "~",
        "%s",
        "{x}",
        "[",
        "{",
        "]",
        "'",
        '"',
        "*a",
        "&a",
        "!!python/object:os.system",
        "- a",
    ),
    *(
        "8=20",
        "=",
        "auto",
        "none",
        "builtin:digits",
        "9" * 400,
        "1" + "0" * 4400,
        "--",
        "-",
        "@",
        "$(id)",
        "a\nb",
        "a\tb",
    ),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**70, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *([], {}, [[]], {"": None}, [None], "x", *WORDS),
]


def mutated_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes with a few of them changed, cut, doubled or moved."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(out) + 1)
        what = rng.randrange(6)
        if what == 0 and out:
            out[at % len(out)] = rng.randrange(256)
        elif what == 1:
            del out[at : at + rng.choice([1, 4, 64, len(out)])]
        elif what == 2:
            out[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice([1, 4, 32])))
        elif what == 3:
            out[at:at] = out[at : at + 64] * rng.choice([1, 3])
        elif what == 4:
            out[at:at] = rng.choice(WORDS).encode("utf-8", "surrogatepass")
        elif out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
    return bytes(out)


def mutated_value(value: Any, rng: random.Random) -> Any:
    """Return a nested plain value with one place of it changed: another value, a missing, extra or doubled entry."""
    inside = isinstance(value, dict | list | tuple) and len(value) and rng.random() < 0.85
    if not inside:
        if isinstance(value, int | float) and rng.random() < 0.3:
            return value * rng.choice([-1, 2, 10**6, 0.5])
        return rng.choice(VALUES) if rng.random() < 0.98 else nested(rng.choice([40, 200, 3000]))
    if isinstance(value, dict):
        out, name = dict(value), rng.choice(list(value))
        what = rng.randrange(8)
        if what == 0:
            del out[name]
        elif what == 1:
            out[rng.choice(WORDS)] = rng.choice(VALUES)
        else:
            out[name] = mutated_value(value[name], rng)
        return out
    items, at = list(value), rng.randrange(len(value))
    what = rng.randrange(8)
    if what == 0:
        del items[at]
    elif what == 1:
        items[at:at] = [items[at]] * rng.choice([1, 2, 50])
    else:
        items[at] = mutated_value(items[at], rng)
    return items


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def as_json(value: Any, rng: random.Random) -> bytes:
    """Return JSON, now and then with its bytes changed too."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):  # nested too deep for Python itself, or a number too long for it
        text = "[" * 20_000
    data = text.encode("utf-8", "surrogatepass")
    return mutated_bytes(data, rng) if rng.random() < 0.25 else data


def changed_array(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """Return an array of another shape, dtype or content."""
    changes: list[Callable[[], Any]] = [
        lambda: array[:0],
        lambda: array[: len(array) // 2] if array.ndim else array,
        lambda: array.reshape(1, -1),
        lambda: array.ravel(),
        lambda: array.astype(str),
        lambda: array.astype(complex),
        lambda: array.astype(object),
        lambda: np.full(array.shape, np.nan),
        lambda: np.full(array.shape, -1),
        lambda: np.full(array.shape, 2**62),
        lambda: np.full(array.shape, "nul\0\ud800"),
        lambda: np.zeros((*array.shape, 2)),
        lambda: np.zeros(array.shape, dtype="datetime64[s]"),
        lambda: np.zeros(array.shape, dtype=[("a", "i4"), ("b", "f8")]),
        lambda: np.zeros((2, 2**25), dtype=np.uint8),
    ]
    try:
        return rng.choice(changes)()
    except (TypeError, ValueError):
        return array


def changed_state(state: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return weights of which one is missing, of another shape, no tensor, or far larger than its storage."""
    name = rng.choice(list(state))
    other: list[Any] = [
        None,
        [],
        "x",
        torch.zeros(3),
        torch.zeros(1).expand(10**6, 10**6),
        torch.full((2, 2), torch.nan),
    ]
    out = dict(state) | {name: rng.choice(other)}
    if rng.random() < 0.2:
        del out[name]
    extra = out.get("_extra_state")
    if isinstance(extra, dict) and rng.random() < 0.6:
        tensors = {k: v for k, v in extra.items()}
        tensors[rng.choice(list(extra))] = rng.choice(other)
        out["_extra_state"] = tensors
    return out


def rezipped(data: bytes, rng: random.Random) -> bytes:
    """Return an archive with one member's bytes changed, and right checksums."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = rng.choice(names)
        for name in names:
            new.writestr(name, mutated_bytes(old.read(name)[:200], rng) if name == chosen else old.read(name))
    return out.getvalue()
