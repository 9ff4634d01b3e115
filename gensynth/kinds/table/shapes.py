"""Shapes of what a sampler has learned: another one would be spread over the drawn rows until no memory is left.

    SHAPES = {"numbers_": "n p", "members_": ["*"], "copulas_": [{"present": "g", "factor": "f f"}]}

Text names the sizes of an array, a list holds any number of items of one shape, a dict has these names or is empty
(a dataclass, too), None is not looked at.
"""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any

import numpy as np

from gensynth.kinds.table.codec import TableCodec


def sizes_of(codec: TableCodec, n_classes: int) -> dict[str, int]:
    """Return the sizes that a table gives: p numbers, q columns of codes, d = p + q, k classes, and the widest row, w.

    That is a row with a column for each level, or for each class, of each column.
    """
    p, q = len(codec.number_columns), len(codec.code_columns)
    levels = sum(codec.cards) + sum(len(column.spikes) + 2 for column in codec.number_columns)
    return {"p": p, "q": q, "d": p + q, "k": n_classes, "w": p + levels + n_classes * (p + q)}


def check_shapes(value: Any, shape: Any, sizes: dict[str, int], place: str) -> None:
    """Raise ValueError if arrays have other shapes.

    Args:
        value: Arrays, also in lists, tuples and dicts.
        shape: As above. `*` is any size, `w` any up to it; other words are as in `sizes`, and one that is new there
            is noted: it is the same size in all that follows, or in the same item of a list.
        sizes: What the words stand for.
        place: What it is called, for the message.
    """
    if isinstance(shape, dict):
        value = vars(value) if is_dataclass(value) else value
        if not isinstance(value, dict) or (value and set(value) != set(shape)):
            raise ValueError(f"{place} holds something else")
        for name in value:
            check_shapes(value[name], shape[name], sizes, f"{place}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list | tuple):
            raise ValueError(f"{place} is no list")
        for item in value:
            check_shapes(item, shape[0], sizes.copy(), place)
    elif shape is not None:
        _check_array(value, shape, sizes, place)


def _check_array(value: Any, shape: str, sizes: dict[str, int], place: str) -> None:
    got, words = np.shape(value), shape.split()
    for size, word in zip(got, words, strict=False):
        sizes.setdefault(word, int(word) if word.isdigit() else size)
    fits = [
        word == "*" or (size <= sizes["w"] if word == "w" else size == sizes[word])
        for size, word in zip(got, words, strict=False)
    ]
    if not isinstance(value, np.ndarray) or len(got) != len(words) or not all(fits):
        wanted = ", ".join("any" if word == "*" else str(sizes.get(word, word)) for word in words)
        raise ValueError(f"{place} has the shape {got}, not ({wanted})")
