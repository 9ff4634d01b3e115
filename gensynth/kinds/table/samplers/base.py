"""TableSampler: what all samplers for tables share. A concrete one learns from arrays and draws arrays."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy
from scipy import sparse

from gensynth.data.labeled import LabeledData
from gensynth.data.plain import used
from gensynth.data.words import some
from gensynth.kinds.table.codec import Encoded, TableCodec
from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.given import Given
from gensynth.kinds.table.labels import check_labels
from gensynth.kinds.table.packed import save_packed
from gensynth.kinds.table.rows import Rows, rows_of
from gensynth.kinds.table.schema import Schema
from gensynth.kinds.table.tables import as_pandas, to_frame, without_notes
from gensynth.sampler.base import Sampler, check_seed
from gensynth.sampler.synthetic import Synthetic

BLOCK = 256
"""Rows that are drawn together from one random stream; aligned blocks make sample i independent of the rest."""
ATTEMPTS = 100
"""How often a row that breaks a rule is drawn again."""


class RulesBroken(ValueError):
    """Some rows broke a rule in every draw."""


class Learned(TypedDict):
    """What every sampler has learned; a saved one holds it beside its own `TableSampler.state`."""

    classes_: tuple[str, ...]
    counts_: np.ndarray
    ids_: np.ndarray
    label_values_: pd.Series
    codec_: TableCodec
    pools_: list[Any]


class Saved(TypedDict):
    """What the file of a sampler holds."""

    sampler: str
    settings: dict[str, Any]
    state: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Wanted:
    """Rows that are to be drawn.

    Attributes:
        y: Their labels, int64, shape (n,).
        index: Their numbers, int64, ascending, shape (n,).
        given: What is given of them; None for nothing.
    """

    y: np.ndarray
    index: np.ndarray
    given: Given | None = None

    def take(self, at: np.ndarray) -> Wanted:
        """Return some of them."""
        return Wanted(self.y[at], self.index[at], self.given and self.given.take(at))


class TableSampler(Sampler, BaseOverSampler):
    """Learns the rows of a table, class by class, and draws new ones in the same dtypes.

    A concrete sampler writes `name`, `_learn` and `_rows`, and repeats the constructor if it adds arguments; one that
    `conditions` writes `_complete`, too.

    Args:
        sampling_strategy: Which classes `fit_resample` fills, and how far, as in imbalanced-learn.
        random_state: Seed of `fit_resample`.
        schema: What the columns are; None to detect it, or to take that of the data.

    Attributes:
        classes_: Class names; a label is a position in them.
        counts_: Rows of each class, int64.
        codec_: Turns rows into arrays and back.
        rejected_: By class, the share of rows that broke a rule of the schema and were drawn again, in the last draw.
    """

    fewest: ClassVar[int] = 1
    """Rows of a class that are needed to draw from it."""
    widest: ClassVar[int] = 10**6
    """Columns of a table beyond which it takes too long to be tried beside others."""
    state: ClassVar[dict[str, Any]] = {}
    """Attributes that `save` keeps: arrays and plain values, also in lists, tuples and dicts; and their shapes."""

    def __init__(self, sampling_strategy: Any = "auto", random_state: int = 0, schema: Schema | None = None) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state
        self.schema = schema

    @abstractmethod
    def _learn(self, rows: Encoded, y: np.ndarray) -> None:
        """Learn from the training rows and their labels; all randomness must come from `random_state` or constants."""

    @abstractmethod
    def _rows(self, label: int, n: int, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        """Draw n rows of a label.

        Returns:
            The rows, and the positions of the training rows that each was made from, int64, shape (n, k); k may be 0.
        """

    def _complete(self, label: int, given: Given, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        """Draw the rest of rows of a label around what is `known` of them; returns what `_rows` does.

        A row must not depend on what is given of others.
        """
        raise NotImplementedError

    def unsuited(self, data: LabeledData) -> str:
        """As `Sampler.unsuited`."""
        width = len(rows_of(data).schema.columns)
        return f"it is too slow for {width} columns" if width > self.widest else ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes it has learned."""
        if not hasattr(self, "classes_"):
            raise ValueError(f"sampler {self.name!r} was not fitted; call fit first, or load one.")
        return tuple(name for name, n in self.class_counts.items() if n)

    @property
    def class_counts(self) -> dict[str, int]:
        """As `Sampler.class_counts`."""
        return dict(zip(self.classes_, self.counts_.tolist(), strict=True))

    @property
    def like(self) -> LabeledData:
        """No rows, but classes, columns and dtypes of the real table."""
        nothing = self._as_rows(self.codec_.empty.reset_index(drop=True))
        return LabeledData(nothing, np.empty(0, dtype=np.int64), self.classes_, ids=())

    def _as_rows(self, frame: pd.DataFrame) -> Rows:
        return Rows(frame, self.codec_.schema, self.label_values_)

    def _fit(self, data: LabeledData) -> None:
        rows = rows_of(data)
        if self.schema is not None:
            given = replace(self.schema, tail=rows.schema.tail)
            rows = replace(rows, schema=detect_schema(to_frame(data, data), rows.schema.target, given))
            data = replace(data, x=rows)
        self._begin(data)
        self._learn(self.codec_.encode(rows.frame), data.y)

    def _begin(self, data: LabeledData) -> None:
        """Note all that a sampler knows of a table beside what it learns."""
        rows = rows_of(data)
        self.data_ = data
        self.classes_ = data.classes
        self.counts_ = np.bincount(data.y, minlength=len(data.classes))
        self.ids_ = np.array(data.ids, dtype=np.str_)
        self.label_values_ = rows.label_values
        self.codec_ = TableCodec(rows.frame, rows.schema)
        self.pools_ = [self.codec_.pools(data.y == label) for label in range(len(data.classes))]
        self.rejected_: dict[str, float] = {}
        self.sha256_ = self.file_ = ""

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        return self._drawn(Wanted(np.full(len(index), self.classes_.index(label), dtype=np.int64), index), seed)

    def _given(self, cells: pd.DataFrame, start: int, seed: int) -> Synthetic:
        given = Given.of(as_pandas(cells), self.codec_, self.like)
        return self._drawn(Wanted(given.y, np.arange(start, start + len(given)), given), seed)

    def _drawn(self, wanted: Wanted, seed: int) -> Synthetic:
        for label in np.unique(wanted.y):
            self._check_enough(self.classes_[label], self.counts_[label])
        with used(self.file_, "fit the sampler again", (RulesBroken,)):
            return self._obeying(wanted, seed)

    def _obeying(self, wanted: Wanted, seed: int) -> Synthetic:
        """Draw samples, those that break a rule again and again."""
        rows, rest, parents = self._draw(wanted, seed, attempt=0)
        frame = self._frame(rows, rest, wanted)
        wrong = np.flatnonzero(self._wrong(frame, wanted.y))
        n = len(wanted.y)
        drawn, rejected = n, 0
        for attempt in range(1, ATTEMPTS):
            if not len(wrong):
                break
            drawn, rejected = drawn + len(wrong), rejected + len(wrong)
            part = wanted.take(wrong)
            again, rest[wrong], parents[wrong] = self._draw(part, seed, attempt)
            rows.numbers[wrong], rows.codes[wrong] = again.numbers, again.codes
            redrawn = self._frame(again, rest[wrong], part)
            wrong = wrong[self._wrong(redrawn, part.y)]
        names = [self.classes_[label] for label in np.unique(wanted.y)]
        self.rejected_ |= dict.fromkeys(names, (rejected + len(wrong)) / drawn)
        if len(wrong):
            rules = names if self.codec_.schema.tail is not None else []
            rules = [*rules, *(rule.as_text() for rule in self.codec_.schema.rules)]
            raise RulesBroken(
                f"{len(wrong)} of {n} rows of class {some(map(repr, names))} broke a rule in each of {ATTEMPTS} draws: "
                f"{'; '.join(rules)}; loosen the rules"
                f"{'' if wanted.given is None else ', or give other cells'}."
            )
        return Synthetic(
            x=self._as_rows(self._frame(rows, rest, wanted) if rejected else frame),
            y=wanted.y,
            classes=self.classes_,
            index=wanted.index,
            sampler=self.name,
            seed=seed,
            how=("row" if wanted.given is None else "given",) * n,
            parents=tuple(map(tuple, self.ids_.astype(object)[parents].tolist())),  # shares the texts
            checkpoint_sha256=(self.sha256_,) * n,
        )

    def _frame(self, rows: Encoded, rest: np.ndarray, wanted: Wanted) -> pd.DataFrame:
        """Return rows in their dtypes, given cells as they stand."""
        frame = self.codec_.decode(rows, wanted.index * len(self.classes_) + wanted.y, rest)
        for name, values in {} if wanted.given is None else wanted.given.cells.items():
            frame[name] = values
        return frame

    def _wrong(self, frame: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Return which rows break a rule, or hold a number out of the range of their class, bool, shape (n,)."""
        schema = self.codec_.schema
        wrong = (~schema.obeyed(frame)).any(axis=1)
        if schema.tail is not None:
            wrong |= schema.tail.labels(schema.numbers(frame)) != y
        return np.asarray(wrong)

    def _check_enough(self, label: str, n: int) -> None:
        if n < self.fewest:
            raise ValueError(
                f"class {label!r} has {n} row, and {self.name!r} needs at least {self.fewest}; use 'random' instead."
            )

    def _draw(self, wanted: Wanted, seed: int, attempt: int) -> tuple[Encoded, np.ndarray, np.ndarray]:
        """Return rows, what 'other' stands for in each, and their parents."""
        parts, places = [], []
        for label in np.unique(wanted.y).tolist():
            mine = np.flatnonzero(wanted.y == label)
            blocks, starts = np.unique(wanted.index[mine] // BLOCK, return_index=True)
            for block, at in zip(blocks, np.split(mine, starts[1:]), strict=True):
                key = f"{seed}/{self.classes_[label]}/{block}/{attempt}{'' if wanted.given is None else '/given'}"
                rng = np.random.default_rng(list(hashlib.sha256(key.encode()).digest()))
                place = wanted.index[at] % BLOCK
                if wanted.given is None:
                    rows, parents = self._rows(label, BLOCK, rng)
                else:  # always the whole block, so that a row does not depend on how many there are
                    filled = np.full(BLOCK, at[0])
                    filled[place] = at
                    rows, parents = self._complete(label, wanted.given.take(filled), rng)
                rest = self._rest(label, parents, rng)
                parts.append((rows.numbers[place], rows.codes[place], rest[place], parents[place]))
                places.append(at)
        order = np.argsort(np.concatenate(places))
        numbers, codes, rest, parents = (np.concatenate(part)[order] for part in zip(*parts, strict=True))
        return Encoded(numbers, codes), rest, parents

    def _rest(self, label: int, parents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return what 'other' stands for in each row of a block, that of a parent where it has one."""
        rest = np.empty((BLOCK, len(self.pools_[label])), dtype=np.int64)
        for j, pool in enumerate(self.pools_[label]):
            rest[:, j] = rng.choice(pool, BLOCK)
            for k in range(parents.shape[1])[::-1]:
                of_parent = self.codec_.rest[parents[:, k], j]
                rest[:, j] = np.where(of_parent >= 0, of_parent, rest[:, j])
        return rest

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:  # noqa: N803
        """Fit on (X, y) and add synthetic rows, with imbalanced-learn's meaning of `sampling_strategy`.

        Args:
            X: Rows: a table of pandas, Arrow or polars, an array or a list of shape (n, p), or a sparse matrix.
            y: Class labels, shape (n,), or one column per class that is 1 for rows of the class.

        Returns:
            X and y in the same form and dtypes (pandas for Arrow and polars): the real rows first and untouched, then
            the synthetic ones; rows are numbered from 0.

        Raises:
            ValueError: if labels are missing, there is one class only, they are no classes but quantities, or a class
                has too few rows for this method.
        """
        frame, labels = _table_of(X), _labels_of(y)
        if len(frame) != len(labels):
            raise ValueError(f"X has {len(frame)} rows and y has {len(labels)} labels; they must agree.")
        check_labels(labels)
        check_seed(self.random_state)
        self.n_features_in_ = frame.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        if not isinstance(X, np.ndarray | list) and all(isinstance(name, str) for name in frame.columns):
            self.feature_names_in_ = np.array(frame.columns, dtype=object)
        self.sampling_strategy_ = self._plan(labels.to_numpy())
        target = "label" if labels.name is None else labels.name
        while target in frame.columns:
            target = f"{target}_"
        labeled = frame.copy(deep=False)
        labeled[target] = labels.array
        data = without_notes(labeled, target, self.schema)
        wanted = {str(value): n for value, n in self.sampling_strategy_.items() if n}
        for name in wanted:
            self._check_enough(name, data.class_counts[name])
        self.fit(data)
        drawn = [self.sample(name, n, self.random_state) for name, n in wanted.items()]
        # A new label is that of a real row of its class, whatever the labels are.
        like = [np.full(len(part), np.argmax(data.y == part.y[0])) for part in drawn]
        rows = np.concatenate([np.arange(len(frame)), *like])
        return _joined(X, frame, [part.x.frame for part in drawn]), _taken(y, rows)

    def _fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:  # noqa: N803
        """Imbalanced-learn's hook behind its own `fit_resample`, which knows arrays only."""
        return self.fit_resample(X, y)

    def _plan(self, y: np.ndarray) -> dict[Any, int]:
        """Return how many rows to draw of each class."""
        strategy = self.sampling_strategy
        labels, counts = np.unique(y, return_counts=True)
        share = isinstance(strategy, int | float | np.floating) and not isinstance(strategy, bool)
        if share and 0 < strategy <= 1 and len(labels) == 2:
            # imbalanced-learn cuts 100 * 0.29 to 28; the nearest whole number is 29.
            strategy = {labels[counts.argmin()]: round(counts.max() * float(strategy))}
        return check_sampling_strategy(strategy, y, "over-sampling")

    def save(self, path: str | Path) -> None:
        """Write what was learned and the settings into one file, without the real rows unless the method keeps them.

        Raises:
            TypeError: if a setting is no plain value, such as a function as `sampling_strategy`.
        """
        kept = (*Learned.__annotations__, *self.state)
        state = {name: getattr(self, name) for name in kept}
        save_packed(path, {"sampler": self.name, "settings": self.get_params(deep=False), "state": state})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags


def _table_of(X: Any) -> pd.DataFrame:  # noqa: N803
    if sparse.issparse(X):
        return pd.DataFrame(X.toarray())
    if isinstance(X, np.ndarray | list):
        if np.ndim(X[:1]) != 2:
            raise ValueError("X must have two dimensions, rows and columns.")
        return pd.DataFrame(X)
    return as_pandas(X).reset_index(drop=True)


def _labels_of(y: Any) -> pd.Series:
    """Return the label of each row; one column per class becomes the number of the column that is 1."""
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        return y.iloc[:, 0].reset_index(drop=True)
    if isinstance(y, pd.Series):
        return y.reset_index(drop=True)
    values = np.asarray(y.to_pandas() if hasattr(y, "to_pandas") else y)
    if values.ndim == 2 and values.shape[1] > 1:
        if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()):
            raise ValueError(f"y has {values.shape[1]} columns; give one, or one per class that is 1 for its rows.")
        values = values.argmax(axis=1)
    return pd.Series(values.ravel())


def _joined(X: Any, frame: pd.DataFrame, parts: list[pd.DataFrame]) -> Any:  # noqa: N803
    """Return the real rows and the new ones in the form of X."""
    for part in parts:
        part.columns = frame.columns
    if isinstance(X, list):
        return X + [row for part in parts for row in part.to_numpy().tolist()]
    if isinstance(X, np.ndarray):
        return np.concatenate([X, *(part.to_numpy(dtype=X.dtype) for part in parts)])
    if sparse.issparse(X):
        return sparse.vstack([X, *(sparse.csr_matrix(part.to_numpy(dtype=X.dtype)) for part in parts)], format=X.format)
    return pd.concat([frame, *parts], ignore_index=True)


def _taken(y: Any, rows: np.ndarray) -> Any:
    if isinstance(y, list):
        return [y[row] for row in rows]
    if isinstance(y, pd.Series | pd.DataFrame):
        return y.iloc[rows].reset_index(drop=True)
    return y.to_pandas().iloc[rows].reset_index(drop=True) if hasattr(y, "to_pandas") else np.asarray(y)[rows]
