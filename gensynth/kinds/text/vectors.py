"""Vectors: documents as points, for pipelines of scikit-learn and imbalanced-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, final

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from gensynth.kinds.text.config import EMBEDDINGS, TFIDF
from gensynth.kinds.text.embeddings import pretrained
from gensynth.kinds.text.features import Embedding, Reader


@final
class Vectors(TransformerMixin, BaseEstimator):
    """Turns texts into vectors, between which SMOTE and the like can draw.

    **What they draw are vectors, not texts**: nobody can read or check one, and none can be written into a data set. A
    classifier of vectors can learn from them, inside its pipeline.

    Args:
        embedding: `tfidf` for leading directions of hashed TF-IDF of the texts it is fitted to, or an embedding that
            others have trained, `static` or `sentence`, whose weights have to be at hand.
        weights: Folder of these; None for those of their package.
        random_state: Seed of the search for directions.

    Example:
        >>> from imblearn.over_sampling import SMOTE
        >>> from imblearn.pipeline import make_pipeline
        >>> from sklearn.linear_model import LogisticRegression
        >>> texts = ["win a free prize", "a free prize now", "see you at home", "call me at home", "home now, see you"]
        >>> model = make_pipeline(Vectors(), SMOTE(k_neighbors=1), LogisticRegression())
        >>> model.fit(texts, ["spam", "spam", "ham", "ham", "ham"]).predict(["free prize", "see you"]).tolist()
        ['spam', 'ham']
    """

    def __init__(self, embedding: str = TFIDF, weights: str | None = None, random_state: int = 0) -> None:
        self.embedding = embedding
        self.weights = weights
        self.random_state = random_state

    def fit(self, X: Sequence[str], y: Any = None) -> Self:  # noqa: ARG002, N803
        """Fit to texts, length n.

        Raises:
            FileNotFoundError: if there are no weights of the embedding.
            ModuleNotFoundError: if the package that reads them is missing.
            ValueError: if there is no such embedding, or two different texts with common words are missing.
        """
        if self.embedding not in (TFIDF, *EMBEDDINGS):
            known = ", ".join((TFIDF, *EMBEDDINGS))
            raise ValueError(f"embedding must be one of {known}, got {self.embedding!r}.")
        plain = self.embedding == TFIDF
        self.read_: Reader = (
            Embedding.fit(list(X), self.random_state) if plain else pretrained(self.embedding, self.weights)
        )
        return self

    def transform(self, X: Sequence[str]) -> np.ndarray:  # noqa: N803
        """Return vectors of length 1 (0 for a text of which nothing is known), float64, shape (n, d)."""
        check_is_fitted(self)
        found: np.ndarray = self.read_(list(X))
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags
