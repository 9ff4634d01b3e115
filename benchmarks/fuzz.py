"""Hostile and broken inputs: every one is answered by an exit status and a sentence of ours, soon and in little memory.

    python benchmarks/fuzz.py --inputs 5000 [--seed 0] [--kinds recipe,npz] [--seconds 10] [--megabytes 1500]

Each input is a sound file or command line of one of the kinds below, changed at random, and given to the command line
in this process. It prints how many inputs of each kind were answered how, and every one that was not answered well:
with an error that no sentence was written for, a traceback, another exit status than 0, 1 and 2, after too long, with
too much memory, or with something written outside its folder. The exit status is 1 if there is any. Inputs are the same
for the same seed; `--only KIND:NUMBER` repeats one of them and prints its traceback.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass
class Case:
    """One input: files in a folder of its own, and the command line that reads them.

    Attributes:
        argv: The command line.
        folder: Where it runs; the only place where it may write.
    """

    argv: list[str]
    folder: Path


@dataclass
class Answer:
    """How an input was answered.

    Attributes:
        status: Exit status; None for a traceback, "slow" past the limit.
        said: What it wrote to standard error.
        faults: What is wrong with the answer; empty where it is good.
        where: The traceback of an unforeseen error.
    """

    status: int | None
    said: str
    seconds: float
    megabytes: float
    faults: list[str] = field(default_factory=list)
    where: str = ""


class TooSlow(BaseException):
    """The time for one input is over."""


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
