"""Features: documents as hashed TF-IDF of words and characters, and their leading directions.

Counts need no vocabulary (Weinberger et al. 2009, "Feature hashing for large scale multitask learning"), so that
nothing is downloaded and memory does not grow with the language; characters serve typing errors and scripts without
blanks. Latent semantic analysis (Deerwester et al. 1990) of them is where documents are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from gensynth.kinds.text.documents import plain
from gensynth.kinds.text.shingles import SEEN

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


@final
class Counts:
    """How often hashed words and characters occur; what was counted once is known.

    Documents are counted up to `SEEN` characters.
    """

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._rows = csr_matrix((0, 2 * SIZE), dtype=np.float32)

    def __call__(self, texts: Sequence[str]) -> csr_matrix:
        """Return counts, float32, shape (n, 2 * SIZE): words, then characters."""
        seen = [text[:SEEN] for text in texts]
        if new := [text for text in dict.fromkeys(seen) if text not in self._at]:
            counted = hstack([_WORDS.transform(new), _CHARACTERS.transform(new)], format="csr")
            self._at |= {text: len(self._at) + i for i, text in enumerate(new)}
            self._rows = vstack([self._rows, counted], format="csr")
        return self._rows[[self._at[text] for text in seen]]


@final
class Tfidf:
    """Weighs counts by how few training documents have them; words and characters are of length 1 each.

    Args:
        counts: Of training documents. What a single one has is left out.
        most: Of more columns the most frequent ones are used.

    Attributes:
        columns: Which are used, int64, ascending.
    """

    def __init__(self, counts: csr_matrix, most: int = 10**9) -> None:
        n = np.bincount(counts.indices, minlength=counts.shape[1])
        self.columns = np.sort(np.argsort(-n, kind="stable")[: min(most, int((n > 1).sum()))])
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
        counts: Counts words and characters.
        tfidf: Weighs them.
        svd: Finds the directions.
    """

    counts: Counts
    tfidf: Tfidf
    svd: TruncatedSVD

    @staticmethod
    def fit(texts: Sequence[str], seed: int) -> Embedding:
        """Fit to training documents.

        Raises:
            ValueError: if there are not two different ones.
        """
        counts = Counts()
        found = counts(texts)
        tfidf = Tfidf(found, MOST_COLUMNS)
        n = len(tfidf.columns)
        if len({*map(plain, texts)}) < 2 or n < 2:
            raise ValueError("a text space needs two different training documents with common words; add documents.")
        d = max(1, min(WIDE, len(texts) - 1, n - 1))
        svd = TruncatedSVD(d, random_state=seed)
        with threadpool_limits(1, "blas"):
            svd.fit(tfidf(found).astype(np.float64))
        return Embedding(counts, tfidf, svd)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return directions of length 1 (0 for a document of which nothing is known), float64, shape (n, d)."""
        with threadpool_limits(1, "blas"):
            return normalize(self.svd.transform(self.tfidf(self.counts(texts)).astype(np.float64)))
