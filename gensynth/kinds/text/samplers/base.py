"""TextSampler: what all samplers of documents share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from imblearn.utils import check_sampling_strategy

from gensynth.data.plain import typed
from gensynth.kinds.text.documents import Documents, Form, array_of, from_documents
from gensynth.sampler.base import check_seed
from gensynth.sampler.in_turn import InTurn


class TextSampler(InTurn):
    """Draws documents, alone or as imbalanced-learn's samplers do, from texts.

    A concrete sampler writes `name`, what `InTurn` says, and the constructor if it adds arguments.

    Args:
        sampling_strategy: Which classes `fit_resample` fills, and how far, as in imbalanced-learn.
        random_state: Seed of `fit_resample`, a whole number of at least 0.
    """

    kind: ClassVar[str] = "text"
    instead: ClassVar[str] = "edits"

    def __init__(self, sampling_strategy: Any = "auto", random_state: int = 0) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def _examples(self, made: Sequence[str]) -> Documents:
        """As `InTurn._examples`."""
        return Documents(array_of(made), self.data_.x.form)

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
