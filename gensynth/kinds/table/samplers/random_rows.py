"""RandomRows: real rows again, as they are: the baseline that adds nothing new."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np

from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.samplers.base import TableSampler


@final
class RandomRows(TableSampler):
    """Random oversampling: each new row is a real row of the class, drawn with replacement; only ids are new.

    Example:
        >>> import pandas as pd
        >>> X, y = RandomRows().fit_resample(pd.DataFrame({"age": [30, 41, 35]}), ["no", "no", "yes"])
        >>> X["age"].tolist(), y
        ([30, 41, 35, 35], ['no', 'no', 'yes', 'yes'])
    """

    name = "random"
    state: ClassVar[dict[str, Any]] = {"numbers_": "n p", "codes_": "n q", "members_": ["*"]}

    def _learn(self, rows: Encoded, y: np.ndarray) -> None:
        self.numbers_, self.codes_ = rows.numbers, rows.codes
        self.members_ = [np.flatnonzero(y == label) for label in range(len(self.classes_))]

    def _rows(self, label: int, n: int, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        chosen = rng.choice(self.members_[label], n)
        return Encoded(self.numbers_[chosen], self.codes_[chosen]), chosen[:, None]
