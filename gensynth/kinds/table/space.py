"""RowSpace: where the rows of a table are compared, fitted on real training rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import pandas as pd

from gensynth.data.labeled import LabeledData
from gensynth.data.words import some
from gensynth.fidelity.metrics import wilson_interval
from gensynth.fidelity.near_copies import NearCopies
from gensynth.fidelity.space import Found, Seen, Space, any_of
from gensynth.fidelity.verdict import Score
from gensynth.kinds.table.codec import Encoded, TableCodec
from gensynth.kinds.table.measures import Coordinates
from gensynth.kinds.table.numbers import dense, is_absent
from gensynth.kinds.table.rows import Rows, row_hashes, rows_of
from gensynth.kinds.table.schema import NOT_JUDGED, plain_level
from gensynth.kinds.table.scores import LIMITS, RowScores, score_of
from gensynth.kinds.table.values import read_values
from gensynth.sampler.synthetic import Synthetic

MOST_REFERENCES = 10_000
"""At most this many real rows of a class, drawn with the seed, are compared with; for exact copies it is all."""


@final
@dataclass(frozen=True, eq=False)
class SeenRows(Seen):
    """What the space sees in n rows.

    Attributes:
        rows: The rows as arrays; what cannot be read is replaced by a value of a real row.
        labels: Where classes are ranges of a number, the label that it says, int64, shape (n,).
    """

    rows: Encoded
    labels: np.ndarray | None


@final
class RowSpace(Space):
    """`Coordinates` of the columns, in which copies are looked for, too; equality is natural where many rows share it.

    Args:
        train: Real training rows.
        seed: Seed of the rows that are compared with and scored.

    Raises:
        ValueError: if there are no training rows.
    """

    equal_by_nature = True
    level = 0.03
    """Share of real rows that `atypical` may cost. A row is judged alike whatever else was drawn."""
    limits = LIMITS

    def __init__(self, train: LabeledData, seed: int = 0) -> None:
        real = rows_of(train)
        if not len(train):
            raise ValueError("there are no training rows to check against; add some.")
        self.train, self.seed, self.schema, self.frame = train, seed, real.schema, real.frame
        columns = [c for c in self.schema.columns if c.kind in ("categorical", "boolean", "constant")]
        self._levels = {c.name: {*c.levels, *map(plain_level, self.frame[c.name].dropna().unique())} for c in columns}
        self._may_miss = {
            c.name: any((c.missing or {}).values()) or bool(is_absent(self.frame[c.name], c).any())
            for c in self.schema.columns
        }
        rng = np.random.default_rng(seed)
        members = [np.flatnonzero(train.y == c) for c in range(len(train.classes))]
        self.at = np.concatenate([np.sort(rng.permutation(m)[:MOST_REFERENCES]) for m in members])
        compared = real.take(self.at)
        self.codec, self.hashes = TableCodec(self.frame, self.schema), real.hashes()
        self.coordinates = Coordinates.fit(self.codec.encode(self.typed(compared.frame)[0]), self.codec.cards)
        self.stamp = {"name": "table", "coordinates": "asinh and one-hot"}
        self.real: SeenRows = self.see(compared)
        self.copies = NearCopies.fit(train, self.at, self.real.points)
        self.near_held_out = np.zeros(len(train.classes))
        self.near_synthetic = self.copies.near_synthetic

    def see(self, x: Rows) -> SeenRows:
        """As `Space.see`; a fault is a column or a rule."""
        typed, faults = self.typed(x.frame)
        rows = self.codec.encode(typed)
        points = self.coordinates(rows)
        tail = self.schema.tail
        labels = None if tail is None else tail.labels(self.schema.numbers(typed))
        return SeenRows(row_hashes(typed, self.schema), points, points, points, faults, rows, labels)

    def hashes_of(self, x: Rows) -> tuple[bytes, ...]:
        """As `Space.hashes_of`."""
        return row_hashes(self.typed(x.frame)[0], self.schema)

    def readable(self, seen: Seen) -> np.ndarray:
        """As `Space.readable`: numbers as they are, levels as codes."""
        assert isinstance(seen, SeenRows)
        return seen.rows.array

    def found(
        self, seen: Seen, y: np.ndarray, parents: Sequence[tuple[str, ...]], distance: np.ndarray, closest: np.ndarray
    ) -> Found:
        """As `Space.found`; a number out of the range of its class is invalid."""
        assert isinstance(seen, SeenRows)
        found = self.copies(seen.points, y, parents, distance, closest)
        return found if seen.labels is None else replace(found, flags={**found.flags, "invalid": seen.labels != y})

    def scores(self, label: int, at: np.ndarray, synthetic: Synthetic, seen: Seen, tests: int) -> Iterable[Score]:
        """As `Space.scores`: of columns, of pairs of columns and of whole rows."""
        assert isinstance(seen, SeenRows)
        real = np.flatnonzero(self.train.y[self.at] == label)
        of = RowScores(self.codec, self.schema, self.real.rows.take(real), seen.rows.take(at), self.seed)
        frame = rows_of(synthetic).frame
        return (*of.distributions(), of.levels(), of.missing(), self._valid(real, at, seen, frame), self._dtypes(frame))

    def _valid(self, real: np.ndarray, at: np.ndarray, seen: Seen, frame: pd.DataFrame) -> Score:
        """Share of rows without a fault, and which one is most frequent."""
        sound = ~any_of(seen.faults, len(frame))[at]
        shares = {name: float(wrong[at].mean()) for name, wrong in seen.faults.items()}
        worst = max(shares, key=lambda name: shares[name], default="")
        column = next((c.name for c in self.schema.columns if f"column {c.name!r}" == worst), None)
        example = ""
        if column is not None and shares[worst]:
            row = int(at[seen.faults[worst][at]][0])
            example = f", such as {plain_level(frame[column].iloc[row])!r} in row {row}, counted from 0"
        note = "" if sound.all() else f"Most often wrong is {worst}, in {shares[worst]:.0%} of the rows{example}."
        yardstick = 1 - float(any_of(self.real.faults, len(self.at))[real].mean())
        return score_of("valid", float(sound.mean()), yardstick, wilson_interval(int(sound.sum()), len(at)), note)

    def _dtypes(self, frame: pd.DataFrame) -> Score:
        """Share of columns with the dtype of the real rows."""
        columns = [c.name for c in self.schema.columns if c.kind != "ignore"]
        other = [str(name) for name in columns if frame.dtypes[name] != self.frame.dtypes[name]]
        note = f"It differs in {some(other, 6)}." if other else ""
        return score_of("dtypes", 1 - len(other) / len(self.schema.columns), 1.0, note=note)

    def thresholds(self, labels: Sequence[int]) -> Mapping[str, float]:
        """As `Space.thresholds`."""
        return {f"near_duplicate:{self.train.classes[c]}": float(self.copies.near[c]) for c in labels}

    def typed(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Return rows in the training data's dtypes, and by column or rule, which of them break it, bool, shape (n,).

        Raises:
            ValueError: if it has other columns than the training rows.
        """
        if unlike := sorted(str(name) for name in {c.name for c in self.schema.columns} ^ set(frame.columns)):
            raise ValueError(f"the rows and the training rows differ in the columns {some(unlike)}.")
        columns: dict[Hashable, pd.Series] = {}
        faults = {}
        for c in self.schema.columns:
            given, real = dense(frame[c.name]), self.frame[c.name]
            if c.kind not in NOT_JUDGED:
                given, unreadable, wrong = read_values(given, real, c, self._levels.get(c.name, set()))
                if not self._may_miss[c.name]:
                    unreadable = unreadable | is_absent(given, c)
                faults[f"column {c.name!r}"] = unreadable | wrong
                if unreadable.any():
                    one = next(iter(real.dropna()), None)
                    given = given.astype(object).mask(unreadable, one)
                given = given.astype(real.dtype)
            columns[c.name] = given.reset_index(drop=True)
        typed = pd.DataFrame(columns)
        for rule, obeyed in zip(self.schema.rules, self.schema.obeyed(typed, self.frame).T, strict=True):
            faults[f"rule {rule.as_text()!r}"] = ~obeyed
        return typed, faults
