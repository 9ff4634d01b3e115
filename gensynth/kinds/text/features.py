"""Features: documents as hashed TF-IDF of words and characters, and the leading directions of features.

Counts need no vocabulary (Weinberger et al. 2009, "Feature hashing for large scale multitask learning"), so that
nothing is downloaded and memory does not grow with the language; characters serve typing errors and scripts without
blanks. Latent semantic analysis (Deerwester et al. 1990) of them is where documents are compared.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, final

import numpy as np
from scipy.sparse import csr_matrix, hstack, issparse, vstack
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from gensynth.kinds.text.documents import plain
from gensynth.kinds.text.shingles import SEEN

Matrix: TypeAlias = Any
"""An array, or a sparse matrix, of shape (n, p)."""
Reader: TypeAlias = Callable[[Sequence[str]], Matrix]
"""Takes n texts, returns their features."""
SIZE = 2**17
"""Columns that words and pairs of them are hashed to, and as many for characters."""
WIDE, MOST_COLUMNS = 128, 30_000
"""Directions, and columns that they are found in: the most frequent ones."""
# A word, or one character of a script that writes no blanks.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_]+(?:['\u2019][^\W_]+)*")
_OPTIONS = {"n_features": SIZE, "alternate_sign": False, "norm": None, "dtype": np.float32, "lowercase": False}


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared; of a script without blanks its characters."""
    return WORD.findall(plain(text))


_WORDS = HashingVectorizer(analyzer="word", tokenizer=words, token_pattern=None, ngram_range=(1, 2), **_OPTIONS)
_CHARACTERS = HashingVectorizer(analyzer="char_wb", preprocessor=plain, ngram_range=(3, 5), **_OPTIONS)


class Features(ABC):
    """Features of texts, worked out once for each; texts are read up to `SEEN` characters.

    A concrete one writes `_features`, and `fitted` if models read something else.

    Args:
        stamp: What they depend on beside the texts.
        nothing: The features of no text, shape (0, p).
    """

    def __init__(self, stamp: Mapping[str, str], nothing: Matrix) -> None:
        self.stamp = stamp
        self._at: dict[str, int] = {}
        self._rows = nothing

    @abstractmethod
    def _features(self, texts: Sequence[str]) -> Matrix:
        """Work out the features of n >= 1 different texts, shape (n, p)."""

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Return features, shape (n, p)."""
        seen = [text[:SEEN] for text in texts]
        if new := [text for text in dict.fromkeys(seen) if text not in self._at]:
            found = self._features(new)
            self._at |= {text: len(self._at) + i for i, text in enumerate(new)}
            join = np.concatenate if isinstance(found, np.ndarray) else partial(vstack, format="csr")
            self._rows = join([self._rows, found])
        return self._rows[[self._at[text] for text in seen]]

    def fitted(self, texts: Sequence[str], most: int | None = None) -> Reader:  # noqa: ARG002
        """Return what models read, fitted to training texts; by default the features as they are.

        Args:
            texts: Training texts.
            most: Of more columns the most frequent ones are used, where columns are words; None for all.
        """
        return self


@final
class Counts(Features):
    """How often hashed words and characters occur; models read their TF-IDF.

    Counts are float32, shape (n, 2 * SIZE): words, then characters.
    """

    def __init__(self) -> None:
        nothing = csr_matrix((0, 2 * SIZE), dtype=np.float32)
        super().__init__({"features": "hashed TF-IDF of words and characters"}, nothing)

    def _features(self, texts: Sequence[str]) -> Matrix:
        return hstack([_WORDS.transform(texts), _CHARACTERS.transform(texts)], format="csr")

    def fitted(self, texts: Sequence[str], most: int | None = None) -> Reader:
        """As `Features.fitted`."""
        tfidf = Tfidf(self(texts), most)
        return lambda asked: tfidf(self(asked))


@final
class Tfidf:
    """Weighs counts by how few training documents have them; words and characters are of length 1 each.

    Args:
        counts: Of training documents. What a single one has is left out.
        most: Of more columns the most frequent ones are used.

    Attributes:
        columns: Which are used, int64, ascending.
    """

    def __init__(self, counts: csr_matrix, most: int | None = None) -> None:
        n = np.bincount(counts.indices, minlength=counts.shape[1])
        self.columns = np.sort(np.argsort(-n, kind="stable")[: int((n > 1).sum())][:most])
        self._of = [TfidfTransformer(sublinear_tf=True).fit(half) for half in self._halves(counts)]

    def __call__(self, counts: csr_matrix) -> csr_matrix:
        """Return features, shape (n, number of columns)."""
        halves = zip(self._of, self._halves(counts), strict=True)
        return hstack([of.transform(half) for of, half in halves], format="csr")

    def _halves(self, counts: csr_matrix) -> tuple[csr_matrix, csr_matrix]:
        used, words = counts[:, self.columns], int(np.searchsorted(self.columns, SIZE))
        return used[:, :words], used[:, words:]


@final
@dataclass(frozen=True, eq=False)
class Embedding:
    """Documents as directions; build it with `Embedding.fit`.

    Attributes:
        stamp: What the features depend on.
        read: Returns features.
        leading: Finds their leading directions.
    """

    stamp: Mapping[str, str]
    read: Reader
    leading: TruncatedSVD | PCA

    @staticmethod
    def fit(texts: Sequence[str], seed: int, features: Features | None = None) -> Embedding:
        """Fit to training documents.

        Args:
            texts: The documents.
            seed: Seed of the search for directions.
            features: Whose directions; by default those of `Counts`.

        Raises:
            ValueError: if there are not two different ones.
        """
        features = features or Counts()
        read = features.fitted(texts, MOST_COLUMNS)
        found = read(texts)
        n = found.shape[1]
        if len({*map(plain, texts)}) < 2 or n < 2:
            raise ValueError("a text space needs two different training documents with common words; add documents.")
        d = max(1, min(WIDE, len(texts) - 1, n - 1))
        # What all documents have in common tells nothing of one; from a sparse matrix it cannot be taken.
        leading = (TruncatedSVD if issparse(found) else PCA)(d, random_state=seed)
        with threadpool_limits(1, "blas"):
            leading.fit(found.astype(np.float64))
        return Embedding(features.stamp, read, leading)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return directions of length 1 (0 for a document of which nothing is known), float64, shape (n, d)."""
        with threadpool_limits(1, "blas"):
            return normalize(self.leading.transform(self.read(texts).astype(np.float64)))


def scaled(directions: np.ndarray) -> np.ndarray:
    """Return directions of length 1 at about unit variance, as a judge wants them."""
    return directions * np.sqrt(directions.shape[1])
