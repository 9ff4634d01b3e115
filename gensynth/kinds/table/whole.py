"""A table as rows of one class, the label column being one like all others; which match a condition; what is given.

Also who draws one under a privacy bound, and the levels of a column by which its worth is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from gensynth.data.labeled import LabeledData
from gensynth.data.words import did_you_mean, some
from gensynth.kinds.table.codec import TableCodec
from gensynth.kinds.table.config import WholeTableConfig
from gensynth.kinds.table.files import RowFiles
from gensynth.kinds.table.given import Given
from gensynth.kinds.table.labels import NO_TARGET
from gensynth.kinds.table.private import budget_of
from gensynth.kinds.table.rows import Rows, rows_of
from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.samplers.mst import PrivateTree
from gensynth.kinds.table.schema import Schema
from gensynth.kinds.table.tables import from_frame, read_frame
from gensynth.sampler.synthetic import Synthetic


def as_one(train: LabeledData) -> Callable[[Any], Any]:
    """As `Kind.as_one`."""
    rows = rows_of(train)
    if rows.schema.target == NO_TARGET:
        return lambda data: data
    frame = RowFiles().frame_of(train, train)
    label = from_frame(frame[[rows.schema.target]], None)
    columns = {c.name: c for c in (*rows.schema.columns, *rows_of(label).schema.columns)}
    schema = Schema(NO_TARGET, tuple(columns[name] for name in frame.columns), rows.schema.rules)
    like = rows_of(label).label_values

    def turned(data: Any) -> Any:
        x = Rows(RowFiles().frame_of(data, train), schema, like)
        return replace(data, x=x, y=np.zeros(len(data), dtype=np.int64), classes=label.classes)

    return turned


def matching(data: LabeledData | Synthetic, where: str) -> np.ndarray:
    """As `Kind.matching`."""
    rows = rows_of(data)
    try:
        rule = Rule("predicate", expression=where)
    except ValueError as error:
        raise ValueError(
            f"--where: {error} Names with blanks or signs in them stand in backquotes: `full age` > 60."
        ) from error
    held = Schema(NO_TARGET, rows.schema.columns, (rule,)).obeyed(rows.frame)[:, 0]
    known: np.ndarray = rows.frame[list(rule.columns)].notna().all(axis=1).to_numpy()
    return held & known


def given(source: str, train: LabeledData) -> tuple[pd.DataFrame, dict[str, int]]:
    """As `Kind.given`."""
    rows = rows_of(train)
    cells = read_frame(source, rows.schema)
    y = Given.of(cells, TableCodec(rows.frame, rows.schema), train).y
    return cells, {train.classes[label]: int(n) for label, n in enumerate(np.bincount(y)) if n}


def private(epsilon: float, delta: float, config: WholeTableConfig) -> PrivateTree:
    """As `Kind.private`."""
    if config.schema is None:
        raise ValueError(
            "--epsilon needs --schema FILE, whose levels and ranges count as public: no bound would cover what is told "
            "from the rows. 'gensynth explore TABLE --target COLUMN --out FILE' writes one to correct: put in what is "
            "known without the rows."
        )
    if config.group is not None:
        raise ValueError(
            "--epsilon is for one row, and no bound for groups is known here; leave --group out, and make its column "
            "'ignore' in the schema: a group of 5 rows has 5 times epsilon."
        )
    budget_of(epsilon, delta)  # refuses what cannot be before any work
    return PrivateTree(epsilon, delta, schema=Schema.load(config.schema))


def levels(data: LabeledData, column: str) -> np.ndarray:
    """As `Kind.levels`; a missing value is a level."""
    frame = rows_of(data).frame
    names = {str(name): name for name in frame.columns}
    if column not in names:
        near = did_you_mean(column, names)
        raise ValueError(f"--by {column!r} is not one of the columns beside the label; they are {some(names)}.{near}")
    values = frame[names[column]]
    return np.where(values.isna(), "(missing)", values.astype(str))
