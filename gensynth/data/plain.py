"""Plain values from files, by the types they must have: what a file says is checked before anything is done with it.

A JSON file is read into a dataclass or a TypedDict, whose annotations say what may stand where:

    @dataclass(frozen=True)
    class Point:
        x: float
        names: tuple[str, ...] = ()

    read_json("point.json", Point, "a point", "give a file that gensynth wrote")
"""

from __future__ import annotations

import json
import types
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
import yaml

MOST_BYTES = 500_000_000
"""Size of the largest JSON file that is read; a verdict on a million rows takes a fifth of it."""
MOST_BYTES_OF_RECIPE = 1_000_000
"""Size of the largest recipe that is read."""
HUGE = 10**300
"""Whole numbers up to here can be calculated with as real numbers."""
MOST_DEPTH = 50
"""How deep lists and objects may be nested."""
MAKE_AGAIN = "delete it, and the same command makes it again"
"""What to do about a file in the folder of a run."""
NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}
"""What the types are called in messages."""


def read_json(path: str | Path, hint: Any, what: str, remedy: str) -> Any:
    """Read a JSON file into what a type hint says.

    Args:
        path: The file.
        hint: As of `typed`.
        what: What the file should be, for the message, such as "a verdict".
        remedy: What to do if it is not, such as "check again".

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not what it should be; the message says where.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise ValueError(f"it has {size / 1e6:.0f} MB, allowed are {MOST_BYTES / 1e6:.0f}")
        try:
            value = json.loads(path.read_text(encoding="utf-8-sig"))
            _check_depth(value)
        except RecursionError as error:
            raise ValueError(f"it is nested deeper than {MOST_DEPTH} levels") from error
        return typed(hint, value)
    except UnicodeDecodeError as error:
        raise ValueError(f"{str(path)!r} is not {what}: it is not text in UTF-8; {remedy}.") from error
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is not {what}: {str(error).rstrip('.')}; {remedy}.") from error


def typed(hint: Any, value: Any, place: str = "it") -> Any:
    """Return a plain value as what a type hint says, in which lists become tuples, arrays or lists.

    Args:
        hint: A dataclass, a TypedDict, bool, int, float, str, None, Any, Hashable (text or a whole number), Literal,
            Path, tuple, list, dict, NDArray, a union of these, or a class of which the value must be.
        value: What was read.
        place: Where it stands, for messages, such as `classes[2].label`.

    Raises:
        ValueError: if they don't fit; the message says where, what was found, and what is allowed.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if is_dataclass(hint) or is_typeddict(hint):
        return _record(hint, value, place)
    if origin in (Union, types.UnionType):
        return _one_of(inner, value, place)
    if origin is Literal and any(value == word and type(value) is type(word) for word in inner):
        return value
    if origin is np.ndarray and isinstance(value, list):
        return _array(get_args(inner[1])[0], value, place)
    if origin in (tuple, list) and isinstance(value, list | tuple):
        if origin is tuple and inner[-1] is not Ellipsis and len(value) != len(inner):
            raise ValueError(f"{place} is a list of {len(value)}, and must be one of {len(inner)}")
        hints = inner if origin is tuple and inner[-1] is not Ellipsis else [inner[0]] * len(value)
        return origin(typed(h, v, f"{place}[{at}]") for at, (h, v) in enumerate(zip(hints, value, strict=True)))
    if origin is dict and isinstance(value, dict):
        return {
            typed(inner[0], k, f"a name in {place}"): typed(inner[1], v, f"{place}[{k!r}]") for k, v in value.items()
        }
    if hint is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= HUGE:
        return value
    if hint is Path and isinstance(value, str):
        return Path(value)
    allowed = (str, int) if hint is Hashable else hint
    plain = origin is None and isinstance(value, allowed)
    if plain and (hint is bool or not isinstance(value, bool)):
        return value
    raise ValueError(f"{place} is {_shown(value)}, and must be {words_for(hint)}")


def check_recipe(text: str) -> None:
    """Raise ValueError for YAML that takes far more memory than its text: with aliases, nested deep, or very long.

    Ten lines of aliases of aliases stand for billions of values.
    """
    if len(text) > MOST_BYTES_OF_RECIPE:
        raise ValueError(f"a recipe may have {MOST_BYTES_OF_RECIPE / 1e6:.0f} MB, this one has {len(text) / 1e6:.1f}.")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(
                f"a recipe must not hold aliases, and this one has '*{event.anchor}'; write its value out."
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise ValueError(f"a recipe may be nested {MOST_DEPTH} levels deep, and this one is deeper.")


@contextmanager
def used(file: str, remedy: str, passes: tuple[type[Exception], ...] = (MemoryError,)) -> Iterator[None]:
    """Turn whatever goes wrong in the block into a ValueError that names the file whose content is used there.

    A saved model can hold anything: what does not fit together shows where it is used.

    Args:
        file: The file; empty where the content is not from a file, so that errors stay what they are.
        remedy: What to do, such as "train it again".
        passes: Errors that stay what they are.
    """
    try:
        yield
    except passes:
        raise
    except Exception as error:
        if not file:
            raise
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise ValueError(f"what {file!r} holds does not fit together ({said}); {remedy}.") from error


@cache
def _entries(cls: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the types of the entries of a dataclass or TypedDict, and which of them must be there."""
    hints = get_type_hints(cls, include_extras=True)
    if is_typeddict(cls):
        spare = {name: get_args(hint)[0] for name, hint in hints.items() if get_origin(hint) is NotRequired}
        return hints | spare, frozenset(hints) - frozenset(spare)
    needed = (f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING)
    return {f.name: hints[f.name] for f in fields(cls)}, frozenset(needed)


def _record(cls: Any, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{place} is {_shown(value)}, and must be {words_for(cls)}")
    hints, needed = _entries(cls)
    if unknown := [name for name in value if name not in hints]:
        raise ValueError(f"{place} has the unknown entry {_shown(unknown[0])}; known are {', '.join(hints)}")
    if missing := sorted(needed - set(value)):
        raise ValueError(f"{place} has no entry {missing[0]!r}")
    stem = "" if place == "it" else f"{place}."
    made = {name: typed(hints[name], inner, f"{stem}{name}") for name, inner in value.items()}
    return made if is_typeddict(cls) else cls(**made)


def _one_of(hints: tuple[Any, ...], value: Any, place: str) -> Any:
    if type(None) in hints and value is None:
        return None
    some = [hint for hint in hints if hint is not type(None)]
    if len(some) == 1:
        return typed(some[0], value, place)
    for hint in some:
        try:
            return typed(hint, value, place)
        except ValueError:
            continue
    raise ValueError(f"{place} is {_shown(value)}, and must be {' or '.join(map(words_for, hints))}")


def _array(dtype: Any, value: list[Any], place: str) -> np.ndarray:
    """Return numbers, of which null is not a number, or truth values."""
    hint: Any = bool if dtype is np.bool_ else float | None
    return np.array([typed(hint, v, f"{place}[{at}]") for at, v in enumerate(value)], dtype=dtype)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [v for outer in level if isinstance(outer, list | dict) for v in _inside(outer)]
        if not level:
            return
    raise RecursionError


def _inside(outer: list[Any] | dict[str, Any]) -> Any:
    return outer.values() if isinstance(outer, dict) else outer


def words_for(hint: Any) -> str:
    """Return what a type is called in a sentence, such as `a whole number or null`."""
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(map(words_for, get_args(hint)))
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(repr, get_args(hint)))}"
    if get_origin(hint) in (tuple, list, np.ndarray):
        return "a list"
    if get_origin(hint) is dict or is_dataclass(hint) or is_typeddict(hint):
        return "an object with named entries"
    return "text or a whole number" if hint is Hashable else NAMES.get(hint) or hint.__name__


def _shown(value: Any) -> str:
    text = f"{type(value).__name__} of {len(value)}" if isinstance(value, list | dict) and value else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
