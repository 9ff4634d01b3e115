"""GaussianCopula: each column as in the real rows, tied together by the correlations of a normal distribution."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
from scipy.special import ndtr
from sklearn.covariance import oas
from threadpoolctl import threadpool_limits

from gensynth.fidelity.metrics.distances import blocks
from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.ranks import evenly, level_places, quantile_points, scores

FEWEST_CORRELATED = 3
"""Rows of a class below which its columns are drawn independently: two rows are always perfectly correlated."""
ROWS_PER_CLASS = 10_000
"""Rows of a class that the order of the levels is learned from, at most."""


@final
class GaussianCopula(TableSampler):
    r"""Gaussian copula, one for each class (Nelsen 2006, section 2.3; Patki, Wedge & Veeramachaneni 2016 for tables).

    A row is drawn as z ~ N(0, R) with unit variances, and column j takes the value Q_j(Phi(z_j)), where Q_j is the
    quantile function of the column among the rows of the class. So every column has the distribution it has in the
    class, and R says how columns go together:

    - Numbers and times: between the observed values Q_j is a straight line, so new values occur, all inside the range
      of the class. Spikes of the schema (an exact zero that is frequent, say) keep their exact value and share.
    - Missing numbers: a variable of its own with two levels, with the share that the class has.
    - Levels and truth values: thresholds on z_j. Names have no order, and a copula needs one: they are put in the
      order of the main axis of the table (`level_places`), so that levels that go with the same values of the other
      columns are neighbours. A missing level is a level.

    R is estimated by correlations of conditional mean scores (`scores`). Ties weaken these; dividing by the variances
    of the scores undoes it to first order (as a biserial correlation does). It is then shrunk towards independence by
    the oracle approximating shrinkage (Chen et al. 2010, eq. 23), all the more the fewer rows there are, and made
    positive definite. A class with two rows gets independent columns: two rows always look perfectly correlated.

    What is learned holds no whole row, but it does hold single values of real rows.

    Example:
        >>> import pandas as pd
        >>> X = pd.DataFrame({"age": [30.5, 41.2, 35.3, 52.9, 60.4]})
        >>> more, y = GaussianCopula().fit_resample(X, ["no", "no", "no", "yes", "yes"])
        >>> bool(more["age"].iloc[-1] >= 52.9)
        True
    """

    name = "copula"
    fewest: ClassVar[int] = 2
    state: ClassVar[dict[str, Any]] = {
        "places_": ["*"],
        "gaps_": "g",
        "copulas_": [{"quantiles": ["2 points"], "present": "g", "levels": ["*"], "factor": "f f"}],
    }

    def _learn(self, rows: Encoded, y: np.ndarray) -> None:
        some = np.concatenate([evenly(np.flatnonzero(y == label), ROWS_PER_CLASS) for label in np.unique(y)])
        self.places_ = level_places(rows.take(some), self.codec_.cards)
        self.gaps_ = np.flatnonzero(np.isnan(rows.numbers).any(axis=0))
        self.copulas_ = [self._copula(rows.take(y == label)) for label in range(len(self.classes_))]

    def _copula(self, rows: Encoded) -> dict[str, Any]:
        """Return what is learned from the rows of one class."""
        n, missing = len(rows), np.isnan(rows.numbers)
        if n == 0:
            return {}
        places = [place[code] for place, code in zip(self.places_, rows.codes.T, strict=True)]
        columns = [*rows.numbers.T, *missing[:, self.gaps_].T.astype(float), *places]
        latent = np.stack([scores(x) for x in columns], axis=1) if columns else np.empty((n, 0))
        return {
            "quantiles": [
                quantile_points(x[~gap], c.spikes)
                for x, gap, c in zip(rows.numbers.T, missing.T, self.codec_.number_columns, strict=True)
            ],
            "present": 1 - missing[:, self.gaps_].mean(axis=0),
            "levels": [
                np.cumsum(np.bincount(at, minlength=len(p))) / n for at, p in zip(places, self.places_, strict=True)
            ],
            "factor": factor(correlation(latent)) if n >= FEWEST_CORRELATED else np.eye(len(columns)),
        }

    def _rows(self, label: int, n: int, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        copula = self.copulas_[label]
        normal = rng.standard_normal((n, len(copula["factor"])))
        # Not `@`: its rounding may depend on the number of threads.
        u = ndtr(np.einsum("nk,jk->jn", normal, copula["factor"]))
        p, g = len(copula["quantiles"]), len(self.gaps_)
        numbers = np.empty((n, p))
        for j, (at, values) in enumerate(copula["quantiles"]):
            numbers[:, j] = np.interp(u[j], at, values)
        numbers[:, self.gaps_] = np.where(u[p : p + g].T < copula["present"], numbers[:, self.gaps_], np.nan)
        codes = np.empty((n, len(self.places_)), dtype=np.int64)
        for j, (place, shares) in enumerate(zip(self.places_, copula["levels"], strict=True)):
            codes[:, j] = np.argsort(place)[
                np.searchsorted(shares, u[p + g + j], side="right").clip(max=len(place) - 1)
            ]
        return Encoded(numbers, codes), np.empty((n, 0), dtype=np.int64)


def correlation(latent: np.ndarray) -> np.ndarray:
    """Return the shrunken correlations of the normal variables behind some scores.

    Args:
        latent: `scores` of every column, shape (n, d), NaN where missing: pairs with one are left out.

    Returns:
        Shape (d, d), ones on the diagonal.
    """
    known = np.nan_to_num(latent)
    varies = np.flatnonzero(known.any(axis=0))
    known, present = known[:, varies], ~np.isnan(latent[:, varies])
    pairs = sum(part.T @ part for part in (present[rows].astype(float) for rows in blocks(len(latent))))
    with threadpool_limits(1, "blas"):  # rounding depends on the number of threads
        covariance = known.T @ known / np.maximum(pairs, 1)
        variance = np.diag(covariance)
        shrinkage = oas(known / np.sqrt(variance), assume_centered=True)[1] if len(varies) > 1 else 0.0
    result = np.zeros((latent.shape[1],) * 2)
    result[np.ix_(varies, varies)] = (1 - shrinkage) * np.clip(covariance / np.outer(variance, variance), -1, 1)
    np.fill_diagonal(result, 1)
    return result


def factor(correlations: np.ndarray) -> np.ndarray:
    """Return F with F F^T near the correlations, which need not be positive definite; every row has length 1."""
    with threadpool_limits(1, "blas"):
        values, vectors = np.linalg.eigh(correlations)
    loose = vectors * np.sqrt(np.maximum(values, 0))
    return loose / np.linalg.norm(loose, axis=1, keepdims=True)
