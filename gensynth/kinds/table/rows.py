"""Rows: the rows of a table, with what its columns are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
import pandas as pd

from gensynth.data.examples import Examples
from gensynth.data.labeled import LabeledData
from gensynth.kinds.table.numbers import as_numbers, different_texts
from gensynth.kinds.table.schema import NOT_JUDGED, Schema
from gensynth.kinds.table.times import as_times, ticks
from gensynth.sampler.synthetic import Synthetic


@final
@dataclass(frozen=True, eq=False)
class Rows(Examples):
    """Rows of a table without their label.

    Attributes:
        frame: The rows, numbered from 0.
        schema: What the columns are.
        label_values: The value of each class in the label column, with that column's name and dtype.
    """

    kind: ClassVar[str] = "table"
    noun: ClassVar[str] = "row"
    frame: pd.DataFrame
    schema: Schema
    label_values: pd.Series

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, at: Any) -> pd.DataFrame:
        return self.frame.iloc[at].reset_index(drop=True)

    def take(self, at: np.ndarray) -> Rows:
        """As `Examples.take`."""
        return replace(self, frame=self[at])

    def join(self, others: Sequence[Rows]) -> Rows:
        """As `Examples.join`."""
        return replace(self, frame=pd.concat([self.frame, *(other.frame for other in others)], ignore_index=True))

    def hashes(self) -> tuple[bytes, ...]:
        """As `Examples.hashes`; ids and ignored columns are left out."""
        return row_hashes(self.frame, self.schema)

    @property
    def layout(self) -> tuple[str, ...]:
        """Names of the columns, sorted."""
        return tuple(sorted(map(str, self.frame.columns)))

    @property
    def stamp(self) -> str:
        """Columns, dtypes and schema."""
        return repr(([(name, str(dtype)) for name, dtype in self.frame.dtypes.items()], self.schema))

    def of(self, other: Rows) -> Rows:
        """As `Examples.of`: schema and label values are those of `other`."""
        return replace(self, schema=other.schema, label_values=other.label_values)

    def equal_by_chance(self) -> bool:
        """As `Examples.equal_by_chance`."""
        possible = 1
        for c in self.schema.columns:
            if c.kind not in NOT_JUDGED and possible < len(self):  # seldom are more than two columns looked at
                possible *= self.frame[c.name].nunique(dropna=False)
        return possible < len(self)


def rows_of(data: LabeledData | Synthetic) -> Rows:
    """Return the rows of real or synthetic data; TypeError if they are no table."""
    if not isinstance(data.x, Rows):
        raise TypeError(f"rows of a table are wanted, and these data are of kind {data.x.kind!r}.")
    return data.x


def row_hashes(frame: pd.DataFrame, schema: Schema) -> tuple[bytes, ...]:
    """Return 8 bytes for every row that stand for its content: equal ones are exact copies, whatever their ids."""
    plain: dict[int, Any] = {}
    for j, c in enumerate(schema.columns):
        values = frame[c.name]
        if c.kind == "datetime":
            times = as_times(values, c.format)
            plain[j] = np.where(times.isna(), 0, ticks(times, "us"))
        elif c.kind in ("numeric", "integer"):
            plain[j] = as_numbers(values, c) + 0.0
        elif c.kind not in NOT_JUDGED:
            codes, texts = different_texts(values)
            place, texts = pd.factorize(np.append(texts, ""))  # what is missing, -1, is an empty text
            plain[j] = pd.Categorical.from_codes(place[codes], texts)  # each text is hashed once
    hashes = pd.util.hash_pandas_object(pd.DataFrame(plain, index=range(len(frame))), index=False)
    return tuple(hashes.to_numpy().astype(">u8").view("V8").tolist())
