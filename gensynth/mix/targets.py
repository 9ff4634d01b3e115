"""How many synthetic examples each class is to get."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

RARE = "rare"
FORMS = re.compile(
    r"rare|balance|(?P<factor>[1-9][0-9]*)x|(?P<number>[1-9][0-9]*)|(?P<share>0\.[0-9]*[1-9][0-9]*|1\.0+)"
)
"""What `to` may be, whatever the kind of data and the verb."""
SPREAD = 0.35
"""Changed images that a class that is not rare gets at least, as a share of its real images. Where 8 and 9 were filled
with inverted images (digits), a classifier took nearly all inverted images of other classes for them; with changed
images in every class, 25, 35 and 50 % of the real ones, 5.7, 2.3 and 1.3 points of that remained."""


def target_counts(class_counts: Mapping[str, int], to: str) -> dict[str, int]:
    """Return how many synthetic examples to add to each class.

    Args:
        class_counts: Real examples by class.
        to: `"rare"`: classes with less than half the examples of the largest one, up to that one. `"balance"`: all
            classes up to the largest one. A factor such as `"5x"`: as `"rare"`, but no further than 5 times their real
            examples. A whole number such as `"200"`: all up to that many. A share such as `"0.29"`: all up to that
            share of the largest one.

    Raises:
        ValueError: if `to` has none of these forms.
    """
    form = check_target(to)
    largest = max(class_counts.values(), default=0)
    goals = dict.fromkeys(class_counts, largest)
    if form["factor"] or to == RARE:
        rare, factor = rare_classes(class_counts), int(form["factor"] or largest)
        goals = {name: min(n * factor, largest) if name in rare else n for name, n in class_counts.items()}
    elif form["number"]:
        goals = dict.fromkeys(class_counts, int(form["number"]))
    elif form["share"]:
        goals = dict.fromkeys(class_counts, round(float(form["share"]) * largest))
    return {name: max(0, goals[name] - n) for name, n in class_counts.items()}


def check_target(to: str) -> re.Match[str]:
    """Return how `to` is written, as a match of `FORMS`; ValueError if in none of its forms."""
    if form := FORMS.fullmatch(to):
        return form
    raise ValueError(
        f"to={to!r} is none of 'rare' (rare classes up to the largest one), 'balance' (all classes), a whole number "
        "such as '200' (up to that many), a factor such as '5x' (rare ones up to 5 times the real ones) or a share "
        "such as '0.29' (up to that share of the largest one)."
    )


def rare_classes(class_counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the classes with fewer than half the examples of the largest one."""
    largest = max(class_counts.values(), default=0)
    return tuple(name for name, n in class_counts.items() if 2 * n < largest)


def filled_rare(class_counts: Mapping[str, int], adds: Mapping[str, int]) -> tuple[str, ...]:
    """Return the rare classes among those that are filled, or all that are filled if none is rare."""
    filled = [name for name, n in adds.items() if n]
    return tuple(name for name in rare_classes(class_counts) if name in filled) or tuple(filled)


def spread_counts(class_counts: Mapping[str, int], adds: Mapping[str, int]) -> dict[str, int]:
    """Return how many changed images the other classes get, where it is more than fills them: `SPREAD` of the real.

    A classifier would otherwise learn that what is changed is of a rare class (`gensynth.evaluate.leak`).

    Args:
        class_counts: Real images by class.
        adds: Images that fill a class, as `target_counts` returns them; a class left out needs none.
    """
    rare = filled_rare(class_counts, adds)
    share = {name: math.ceil(SPREAD * n) for name, n in class_counts.items() if name not in rare}
    return {name: n for name, n in share.items() if n > adds.get(name, 0)}


def shares(real: Mapping[str, int], n: int) -> dict[str, int]:
    """Return n examples in the shares of the real ones, by the largest remainder; a class may come out with none."""
    exact = {name: n * count / sum(real.values()) for name, count in real.items()}
    found = {name: int(x) for name, x in exact.items()}
    for name in sorted(exact, key=lambda name: found[name] - exact[name])[: n - sum(found.values())]:
        found[name] += 1
    return {name: count for name, count in found.items() if count}


def check_counts(n: int | None, counts: Mapping[str | int, int] | None) -> None:
    """Raise ValueError unless at most one of --n, of all classes together, and --counts, of each, says how many."""
    if n is not None and counts is not None:
        raise ValueError("--n and --counts both say how many examples; give one of the two.")
    for name, value in {"n": n, **(counts or {})}.items():
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
