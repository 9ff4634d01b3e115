"""TextSampler: what all samplers of documents share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from imblearn.utils import check_sampling_strategy

from gensynth.data.labeled import LabeledData
from gensynth.data.plain import typed
from gensynth.data.words import counted
from gensynth.kinds.text.documents import Documents, Form, array_of, from_documents
from gensynth.sampler.base import check_seed
from gensynth.sampler.kept import KeptSampler
from gensynth.sampler.synthetic import Synthetic

Made = tuple[str, str, Sequence[int]]
"""A new text, how it was made, and the positions of the real documents that it was made from."""


class TextSampler(KeptSampler):
    """Draws documents, alone or as imbalanced-learn's samplers do, from texts.

    The documents of a class are taken in turn, in random order: none is changed twice before each was once.

    A concrete sampler writes `name` and `_made`, or `_made_at` if it makes many at once; `_suits`, `suited` and
    `fewest` if not every document will do or one is not enough; what `KeptSampler` says if it learns more than the
    documents; `recipes` if it changes real ones; and the constructor if it adds arguments.

    Args:
        sampling_strategy: Which classes `fit_resample` fills, and how far, as in imbalanced-learn.
        random_state: Seed of `fit_resample`, a whole number of at least 0.
    """

    kind: ClassVar[str] = "text"
    fewest: ClassVar[int] = 1
    """Documents of a class that are needed to draw from it."""
    suited: ClassVar[str] = "that will do"
    """Which documents these are, in words, where `_suits` does not take every one."""

    def __init__(self, sampling_strategy: Any = "auto", random_state: int = 0) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        """Make one document of a class.

        Args:
            label: The class.
            turn: Position of the real document whose turn it is to be changed.
            rng: All that is random comes from it.
        """
        raise NotImplementedError

    @classmethod
    def recipes(cls) -> dict[str, Self]:
        """Return, by name and unfitted, the ways in which it changes real documents, to measure which keep the label.

        By default there are none: it changes no real document, or `needs` something; such a one is measured where it is
        given to `gensynth.kinds.text.samplers.recipe_safety`.
        """
        return {}

    def on(self, data: LabeledData) -> Self:
        """Return the same, with all that it has learned, but drawing from other documents of the same classes."""
        other = copy(self)
        other.data_ = data
        other._check()
        return other

    def _suits(self, text: str) -> bool:
        """Return whether a new document can be made of a real one; by default of each."""
        return True

    def _check(self) -> None:
        """As `KeptSampler._check`; what was worked out of other documents is forgotten."""
        self._pools: dict[int, np.ndarray] = {}

    def _pool(self, label: int) -> np.ndarray:
        """Return the positions of the documents of a class that new ones are made of, int64.

        Raises:
            ValueError: if there are too few.
        """
        if label not in self._pools:
            own = np.flatnonzero(self.data_.y == label)
            pool = own[np.array([self._suits(text) for text in self.data_.x.texts[own]], dtype=bool)]
            if len(pool) < self.fewest:
                raise ValueError(
                    f"class {self.data_.classes[label]!r} has {counted(len(pool), 'document')} {self.suited}, and "
                    f"{self.name!r} needs at least {self.fewest}; use 'edits' instead."
                )
            self._pools[label] = pool
        return self._pools[label]

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        texts, how, parents = zip(*self._made_at(self.data_.label_of(label), index, seed), strict=True)
        return self.made(Documents(array_of(texts), self.data_.x.form), label, index, seed, how, parents)

    def _made_at(self, label: int, index: np.ndarray, seed: int) -> Sequence[Made]:
        """Make the documents of a class that are numbered `index`, by default one after the other."""
        turns = _turns(self._pool(label), index, (seed, label))
        rngs = (np.random.default_rng([seed, label, int(i)]) for i in index)
        return [self._made(label, turn, rng) for turn, rng in zip(turns, rngs, strict=True)]

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:  # noqa: N803
        """Fit on texts and labels, and add synthetic ones, with imbalanced-learn's meaning of `sampling_strategy`.

        Args:
            X: Texts: a list or a Series of str, a column of them as a DataFrame, or an array of objects.
            y: Labels, shape (n,).

        Returns:
            X and y in the same form: the real ones first and untouched, then the synthetic ones.

        Raises:
            TypeError: if X holds something else than str.
            ValueError: if X has more than one column, or not as many rows as y.
        """
        check_seed(self.random_state)
        values = np.asarray(X, dtype=object)
        if values.ndim > 2 or (values.ndim == 2 and values.shape[1] != 1):
            raise ValueError(f"X must be texts or one column of them, got shape {values.shape}.")
        self.fit(from_documents(values.ravel().tolist(), y))
        wanted = check_sampling_strategy(self.sampling_strategy, np.asarray(y), "over-sampling")
        real = {str(value): value for value in y}  # a new label is that of a real document, whatever labels are
        texts, labels = list[str](), list[Any]()
        for name, n in ((str(value), n) for value, n in wanted.items() if n):
            texts += self.sample(name, n, self.random_state).x[:]
            labels += [real[name]] * n
        return _joined(X, texts), _joined(y, labels)

    @staticmethod
    def packed(x: Documents) -> np.ndarray:
        """As `KeptSampler.packed`: one text of JSON, as bytes."""
        text = json.dumps({"form": asdict(x.form), "texts": list(x.texts)})
        return np.frombuffer(text.encode(), dtype=np.uint8)

    @staticmethod
    def unpacked(array: np.ndarray) -> Documents:
        """As `KeptSampler.unpacked`."""
        plain = json.loads(array.tobytes())
        return Documents(array_of(typed(list[str], plain["texts"])), typed(Form, plain["form"]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags


def _turns(pool: np.ndarray, index: np.ndarray, key: tuple[int, ...]) -> list[int]:
    """Return which document's turn it is in each sample: after each round of all of them comes another order."""
    n = len(pool)
    rounds = {r: np.random.default_rng([*key, r, 1]).permutation(pool) for r in np.unique(index // n).tolist()}
    return [int(rounds[i // n][i % n]) for i in index.tolist()]


def _joined(given: Any, more: Sequence[Any]) -> Any:
    """Return what was given, with more below it, in the same form."""
    if isinstance(given, pd.DataFrame):
        column = pd.Series(more, dtype=given.dtypes.iloc[0])
        return pd.concat([given, pd.DataFrame({given.columns[0]: column})], ignore_index=True)
    if isinstance(given, pd.Series):
        return pd.concat([given, pd.Series(more, name=given.name, dtype=given.dtype)], ignore_index=True)
    if isinstance(given, np.ndarray):
        dtype = "U" if given.dtype.kind == "U" else given.dtype  # a new text may be longer than all real ones
        return np.concatenate([given, np.array(more, dtype=dtype).reshape(-1, *given.shape[1:])])
    return [*given, *more]
