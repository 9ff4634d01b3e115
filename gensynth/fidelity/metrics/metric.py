"""Metric: a number that compares real with synthetic data, with what is needed to read it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np


@final
@dataclass(frozen=True)
class Metric:
    """A function of real and synthetic features that knows how it is read; made with `metric`.

    Attributes:
        function: `(real, synthetic, **options) -> float`; what real and synthetic are, `of` says.
        name: Its name in reports.
        higher_is_better: The direction; None where neither direction is better.
        lowest: Lowest possible value.
        highest: Highest possible value.
        ideal: The value expected where both sets come from one distribution, or None where that depends on the data.
        sized: Whether its expectation under one distribution depends on n and m, so that only values at equal
            numbers may be compared.
        smallest_n: With fewer rows of either kind the number says too little to be shown.
        citation: Where it is from.
        of: `features`, float arrays of shape (n, d) and (m, d), one row an image, or `images`, uint8 tensors of shape
            (n, c, h, w) and (m, c, h, w).
    """

    function: Callable[..., float]
    name: str
    higher_is_better: bool | None
    lowest: float
    highest: float
    ideal: float | None
    sized: bool
    smallest_n: int
    citation: str
    of: str

    def __call__(self, real: Any, synthetic: Any, **options: Any) -> float:
        """Return the value for real and synthetic features, or images."""
        return self.function(real, synthetic, **options)


def metric(
    higher_is_better: bool | None,
    *,
    lowest: float = 0.0,
    highest: float = np.inf,
    ideal: float | None,
    sized: bool = False,
    smallest_n: int,
    citation: str,
    of: str = "features",
) -> Callable[[Callable[..., float]], Metric]:
    """Turn a function into a `Metric` of the same name; the arguments are its attributes."""

    def wrap(function: Callable[..., float]) -> Metric:
        made = Metric(
            function, function.__name__, higher_is_better, lowest, highest, ideal, sized, smallest_n, citation, of
        )
        object.__setattr__(made, "__doc__", function.__doc__)
        return made

    return wrap


def all_metrics(of: str = "features") -> dict[str, Metric]:
    """Return every metric of features (or of `images`) by name, found in this package, in the order of files and lines.

    Raises:
        ValueError: if `of` is neither.
    """
    if of not in ("features", "images"):
        raise ValueError(f"metrics are of 'features' or of 'images', got {of!r}.")
    package = importlib.import_module(__package__ or "")
    found: dict[str, Metric] = {}
    for module in pkgutil.iter_modules(package.__path__):
        path = f"{package.__name__}.{module.name}"
        values = vars(importlib.import_module(path)).values()
        found |= {m.name: m for m in values if isinstance(m, Metric) and m.function.__module__ == path and m.of == of}
    return found
