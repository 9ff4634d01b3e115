"""SmoothedBootstrap: real rows, their numbers moved a little."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np

from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.samplers.base import TableSampler


@final
class SmoothedBootstrap(TableSampler):
    r"""Smoothed bootstrap, or ROSE (Menardi & Torelli 2014, doi:10.1007/s10618-012-0295-5).

    A new row is a random row of the class plus Gaussian noise on its numbers and times: a draw from a kernel density
    estimate. With d such columns, n rows of the class and their standard deviation s_j, the noise has the width

        h_j = s_j (4 / ((d + 2) n))^(1 / (d + 4)).

    Levels, truth values, missing values and spikes (numbers that occur so often that they are levels, such as an exact
    zero) stay as they are in the row. A number that would leave the bounds of the schema is reflected at them.

    Example:
        >>> import pandas as pd
        >>> X = pd.DataFrame({"age": [30.5, 41.2, 35.3, 52.9, 60.4]})
        >>> more, y = SmoothedBootstrap().fit_resample(X, ["no", "no", "no", "yes", "yes"])
        >>> len(more), y[-1]
        (6, 'yes')
    """

    name = "bootstrap"
    fewest: ClassVar[int] = 2
    state: ClassVar[dict[str, Any]] = {"numbers_": "n p", "codes_": "n q", "members_": ["*"], "widths_": "k p"}

    def _learn(self, rows: Encoded, y: np.ndarray) -> None:
        self.numbers_, self.codes_ = rows.numbers, rows.codes
        self.members_ = [np.flatnonzero(y == label) for label in range(len(self.classes_))]
        d = rows.numbers.shape[1]
        self.widths_ = np.zeros((len(self.classes_), d))
        moving = self._moving(rows.numbers)
        for label, n in enumerate(np.bincount(y, minlength=len(self.classes_))):
            mine = moving[y == label]
            sums = mine.sum(axis=0)
            x = np.where(mine, rows.numbers[y == label], 0.0)
            mean = x.sum(axis=0) / np.maximum(sums, 1)
            variance = (np.where(mine, x - mean, 0.0) ** 2).sum(axis=0) / np.maximum(sums - 1, 1)
            self.widths_[label] = np.sqrt(variance) * (4 / ((d + 2) * max(n, 1))) ** (1 / (d + 4))

    def _moving(self, numbers: np.ndarray) -> np.ndarray:
        """Return which numbers are moved: those that are neither missing nor a spike, bool, shape (n, p)."""
        moving = ~np.isnan(numbers)
        for j, column in enumerate(self.codec_.number_columns):
            moving[:, j] &= ~np.isin(numbers[:, j], column.spikes)
        return moving

    def _rows(self, label: int, n: int, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        chosen = rng.choice(self.members_[label], n)
        numbers = self.numbers_[chosen]
        noise = rng.standard_normal(numbers.shape) * self.widths_[label]
        moved = np.where(self._moving(numbers), numbers + noise, numbers)
        low, high = (np.array([getattr(c, end) for c in self.codec_.number_columns], float) for end in ("low", "high"))
        moved = np.where(moved < low, 2 * low - moved, moved)
        moved = np.where(moved > high, 2 * high - moved, moved)
        return Encoded(moved, self.codes_[chosen]), chosen[:, None]
