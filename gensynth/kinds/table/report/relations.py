"""How strongly every two columns of a table go together, in [0, 1]."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2_contingency, rankdata
from scipy.stats.contingency import crosstab

from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.measures import _binned, _common


def associations(rows: Encoded, chosen: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the association of every two of some columns among some of the rows.

    |r|, r being the correlation of ranks (Spearman), of two numbers; Cramer's V for others, numbers being cut into the
    quantiles of all rows.

    Args:
        rows: All rows, whose quantiles and levels count.
        chosen: Those that the association is of, bool, shape (n,), at least 2.
        kept: Positions of the k columns, the numbers first, ascending.

    Returns:
        float64, shape (k, k); 0 where a column is constant.
    """
    p = rows.numbers.shape[1]
    numbers, p_kept = rows.numbers[chosen][:, kept[kept < p]], int((kept < p).sum())
    columns = [(_binned(rows.numbers[:, j]) if j < p else _common(rows.codes[:, j - p]))[chosen] for j in kept]
    found = np.eye(len(columns))
    for b in range(len(columns)):
        for a in range(b):
            both = b < p_kept
            strength = _rank_correlation(numbers[:, a], numbers[:, b]) if both else cramers_v(columns[a], columns[b])
            found[a, b] = found[b, a] = strength
    return found


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    given = ~np.isnan(x) & ~np.isnan(y)
    if given.sum() < 3:
        return 0.0
    ranks = [rankdata(v[given]) for v in (x, y)]
    if min(r.std() for r in ranks) == 0:
        return 0.0
    return abs(float(np.corrcoef(*ranks)[0, 1]))


def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    """Return Cramer's V with the correction for few rows.

    Bergsma 2013, "A bias-correction for Cramer's V and Tschuprow's T": without it, columns of ten levels that have
    nothing to do with each other seem to in a class of thirty rows.

    Args:
        a: Codes, int64, shape (n,), n at least 2.
        b: Codes, likewise.
    """
    counts, n = crosstab(a, b).count, len(a)
    phi = float(chi2_contingency(counts, correction=False).statistic / n)
    phi = max(0.0, phi - (counts.shape[0] - 1) * (counts.shape[1] - 1) / (n - 1))
    sides = [s - (s - 1) ** 2 / (n - 1) for s in counts.shape]
    return float(min(1.0, np.sqrt(phi / (min(sides) - 1)))) if min(sides) > 1 else 0.0
