"""Near words: of each word of a corpus those that stand in the same company."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.extmath import randomized_svd

WINDOW = 2
"""How far a word sees to each side."""
LEAST, MOST = 3, 10_000
"""How often a word must occur, and how many words, the most frequent ones, are looked at."""
DIMENSIONS = 100


def near_words(documents: Sequence[Sequence[str]], k: int) -> dict[str, tuple[str, ...]]:
    """Return the k nearest words of each word, the nearest first.

    Words are compared by the cosine of an embedding: positive pointwise mutual information of a word and those left and
    right of it, max(0, log(p(w, c) / (p(w) p(c)))), reduced by a singular value decomposition (Levy, Goldberg and Dagan
    2015, "Improving distributional similarity with lessons learned from word embeddings").

    Args:
        documents: The words of each document, in their order.
        k: How many.
    """
    counts = Counter(word for document in documents for word in document)
    words = [word for word, n in counts.most_common(MOST) if n >= LEAST]
    if len(words) < 2:
        return {}
    number = {word: at for at, word in enumerate(words)}
    gap = [""] * WINDOW  # so that no word sees into another document
    row = np.array([number.get(word, -1) for document in documents for word in (*document, *gap)], dtype=np.int64)
    axes, values, _ = randomized_svd(_information(row, len(words)), min(DIMENSIONS, len(words)), random_state=0)
    known = np.flatnonzero(np.linalg.norm(axes * values, axis=1) > 1e-9)  # the others keep no company
    if len(known) < 2:
        return {}
    nearest = NearestNeighbors(n_neighbors=min(k, len(known) - 1), metric="cosine", algorithm="brute")
    found = nearest.fit((axes * values)[known]).kneighbors(return_distance=False)
    return {words[at]: tuple(words[known[i]] for i in near) for at, near in zip(known, found, strict=True)}


def _information(row: np.ndarray, n: int) -> coo_array:
    """Return positive pointwise mutual information of n words and their neighbours.

    Args:
        row: All words in their order as numbers from 0 to n - 1, int64; -1 is none.
        n: How many words there are.

    Returns:
        Shape (n, 2 n): those right of a word come before those left of it.
    """
    pairs = []
    for step in range(1, WINDOW + 1):
        left, right = row[:-step], row[step:]
        both = (left >= 0) & (right >= 0)
        pairs += [(left[both], right[both]), (right[both], left[both] + n)]
    at, beside = (np.concatenate(side) for side in zip(*pairs, strict=True))
    counts = coo_array((np.ones(len(at)), (at, beside)), (n, 2 * n)).tocsr().tocoo()  # sums what is equal
    total, of_word, of_beside = counts.sum(), counts.sum(axis=1), counts.sum(axis=0)
    share = counts.data * total / (of_word[counts.row] * of_beside[counts.col])
    return coo_array((np.log(np.maximum(share, 1)), (counts.row, counts.col)), counts.shape)
