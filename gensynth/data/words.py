"""Words in sentences for people: few out of many, and the nearest known one."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

MOST = 20
"""Names that stand in one sentence or line, at most."""


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: `1 row`, `2 rows`; where more than an s changes, in the words `many`."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def some(names: Iterable[Any], most: int = MOST) -> str:
    """Return names in a row; of more than `most`, the first ones and how many there are beside them."""
    all_of_them = list(map(str, names))
    if len(all_of_them) <= most:
        return ", ".join(all_of_them)
    return f"{', '.join(all_of_them[: most - 1])} and {len(all_of_them) - most + 1:,} more"


def some_counts(counts: Mapping[str, int], most: int = MOST) -> str:
    """Return `name n` of each class in a row; of more than `most`, how many there are, and the extremes."""
    if len(counts) <= most:
        return ", ".join(f"{name} {n}" for name, n in counts.items())
    smallest, largest = (choose(counts, key=counts.__getitem__) for choose in (min, max))
    return (
        f"{len(counts):,} classes, the smallest {smallest} with {counts[smallest]}, the largest {largest} with "
        f"{counts[largest]}: {some((f'{name} {n}' for name, n in counts.items()), most)}"
    )


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return ` Did you mean 'NAME'?` of the known name that is nearest to a word; nothing if none is near.

    Names that differ in capitals or spaces around them alone, and numbers of one value, such as 1 and 1.0, are nearest.
    """
    near = difflib.get_close_matches(word, known, n=1)
    same = [name for name in known if _meant(name) == _meant(word)]
    return f" Did you mean {(same or near)[0]!r}?" if same or near else ""


def _meant(word: str) -> str | float:
    try:
        return float(word)
    except ValueError:
        return word.casefold().strip()


def capital(words: str) -> str:
    """Return words as the beginning of a sentence."""
    return words[:1].upper() + words[1:]
