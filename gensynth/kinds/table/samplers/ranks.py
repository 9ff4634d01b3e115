"""Columns by their order: normal scores, quantile functions, and an order for levels, which have none of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from gensynth.kinds.table.codec import Encoded

POINTS = 1000
"""Points by which the distribution of a number is described, its spikes not counted."""
ROUNDS = 20
"""Steps in which the main axis is found."""


def scores(x: np.ndarray) -> np.ndarray:
    """Return E[z | x] if x is a non-decreasing function of z ~ N(0, 1): normal scores that know ties.

    Values that fill the probabilities a to b get (phi(Phi^-1(a)) - phi(Phi^-1(b))) / (b - a).

    Args:
        x: Numbers, shape (n,); NaN where missing.

    Returns:
        Shape (n,), mean 0, NaN where x is missing; 0 if it is constant.
    """
    out, present = np.full(len(x), np.nan), ~np.isnan(x)
    _, tie, counts = np.unique(x[present], return_inverse=True, return_counts=True)
    edges = np.concatenate([[0], np.cumsum(counts)])
    density = np.exp(-np.square(ndtri(edges / max(edges[-1], 1))) / 2) / np.sqrt(2 * np.pi)
    out[present] = (-np.diff(density) / counts * edges[-1])[tie]
    return out


def quantile_points(x: np.ndarray, spikes: Sequence[float | str]) -> np.ndarray:
    """Return points of the quantile function of a sample, to be joined by straight lines.

    A value stands in the middle of the 1/n that it makes up; a spike fills all that it makes up.

    Args:
        x: Numbers, shape (n,), none of them missing.
        spikes: Values that keep their exact share.

    Returns:
        Probabilities (ascending) and values, shape (2, k); one missing value if n is 0.
    """
    if not len(x):
        return np.array([[0.5], [np.nan]])
    x, flat = np.sort(x), np.array(spikes, dtype=np.float64)
    at = evenly(np.arange(len(x)), POINTS)
    at = at[~np.isin(x[at], flat)]
    low, high = (np.searchsorted(x, flat, side=side) / len(x) for side in ("left", "right"))
    u = np.concatenate([(at + 0.5) / len(x), low[high > low], high[high > low]])
    values = np.concatenate([x[at], flat[high > low], flat[high > low]])
    return np.stack([u, values])[:, np.lexsort((values, u))]


def level_places(rows: Encoded, cards: Sequence[int]) -> list[np.ndarray]:
    """Put the levels of each column in the order of the main axis of the table.

    The axis is the first one of a principal component analysis of mixed data (Kiers 1991; Pagès 2004): rows get the
    score that agrees best with all columns, numbers by their correlation with it and levels by its mean over their
    rows. It is found by power iteration.

    Args:
        rows: Some rows.
        cards: Number of levels of each column of `rows.codes`.

    Returns:
        For each of these columns the place of every code, int64, shape (card,).
    """
    numbers = np.nan_to_num(np.array([scores(x) for x in rows.numbers.T])).reshape(-1, len(rows))
    score = numbers.sum(axis=0) + sum(scores(code.astype(float)) for code in rows.codes.T)
    means = [np.zeros(card) for card in cards]
    for _ in range(ROUNDS):
        score = (score - score.mean()) / (score.std() or 1.0)
        means = [
            np.bincount(code, score, minlength=card) / np.maximum(np.bincount(code, minlength=card), 1)
            for code, card in zip(rows.codes.T, cards, strict=True)
        ]
        agreement = np.einsum("jn,n->j", numbers, score) / len(score)
        score = np.einsum("jn,j->n", numbers, agreement)
        for mean, code in zip(means, rows.codes.T, strict=True):
            score = score + mean[code]
    return [np.argsort(np.argsort(mean, kind="stable")) for mean in means]


def evenly(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most that many of some rows, evenly spaced, the first and the last among them."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
