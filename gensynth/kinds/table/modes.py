"""Modes: numbers as levels and offsets, so that a network meets neither skewed scales nor spikes.

    numbers (n, p), NaN where missing  <->  levels (n, p) and offsets (n, p)

Mode-specific normalisation (Xu, Skoularidou, Cuesta-Infante & Veeramachaneni 2019, "Modeling Tabular Data using
Conditional GAN", section 4.2): a Gaussian mixture is fitted to each column; the level of a number is one of its modes,
drawn by its responsibilities, and its offset is how far from the mode's mean it lies, in four standard deviations. What
a mixture cannot hold are levels of their own, with an offset of 0: a missing value, numbers so frequent that the schema
calls them spikes, and all numbers of a column that has only a few.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture

MOST_MODES = 10
LIGHTEST = 0.005
"""Modes of less weight are dropped (as in the paper's code)."""
WIDTH = 4.0
"""Standard deviations in one unit of the offset."""
FEW = 25
"""A column with at most this many different numbers has a level for each of them."""
ROWS = 3_000
"""Rows that a mixture is fitted to, at most."""


@dataclass(frozen=True, eq=False)
class Modes:
    """How one column of numbers is cut into levels: first the modes, then the exact numbers, then 'missing'.

    Attributes:
        means: Of the modes, shape (k,).
        deviations: Of the modes, shape (k,), positive.
        log_weights: Of the modes, shape (k,).
        exact: Numbers that are levels of their own, ascending, shape (e,).
        has_missing: Whether 'missing' is a level.
    """

    means: np.ndarray
    deviations: np.ndarray
    log_weights: np.ndarray
    exact: np.ndarray
    has_missing: bool

    @property
    def card(self) -> int:
        """Number of levels."""
        return len(self.means) + len(self.exact) + self.has_missing

    @staticmethod
    def fit(x: np.ndarray, spikes: Sequence[float], rows: np.ndarray) -> Modes:
        """Fit to a column.

        Args:
            x: Numbers, shape (n,); NaN where missing.
            spikes: Numbers that are levels of their own.
            rows: Positions of the rows to fit the mixture to, at most `ROWS` are used.
        """
        missing, none = np.isnan(x), np.empty(0)
        different = np.unique(x[~missing])
        if len(different) <= FEW:
            return Modes(none, none, none, different, bool(missing.any()))
        exact = np.unique(np.array(spikes, dtype=np.float64))
        some = x[rows][~np.isnan(x[rows]) & ~np.isin(x[rows], exact)][:ROWS]
        if len(np.unique(some)) < 2:
            some = different[~np.isin(different, exact)]
        centre, scale = some.mean(), some.std()
        mixture = BayesianGaussianMixture(
            n_components=min(MOST_MODES, len(np.unique(some))),
            weight_concentration_prior=0.001,
            # The defaults, made for modes as wide as the column, widen narrow ones.
            mean_precision_prior=1e-3,
            covariance_prior=[[1e-4]],
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a little short of the optimum, it serves as well
            mixture.fit(((some - centre) / scale)[:, None])
        kept = mixture.weights_ > LIGHTEST
        return Modes(
            means=mixture.means_[kept, 0] * scale + centre,
            deviations=np.sqrt(mixture.covariances_[kept, 0, 0]) * scale,
            log_weights=np.log(mixture.weights_[kept]),
            exact=exact,
            has_missing=bool(missing.any()),
        )

    def encode(self, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return levels, int64, and offsets, float64, each of shape (n,)."""
        k, missing = len(self.means), np.isnan(x)
        level, offset = np.full(len(x), self.card - 1), np.zeros(len(x))
        exact = np.zeros(len(x), dtype=bool)
        if len(self.exact):
            nearest = np.abs(x[:, None] - self.exact).argmin(axis=1)
            # A column without modes has no place for a number that it never held but the nearest one.
            exact = ~missing & ((self.exact[nearest] == x) | (k == 0))
            level[exact] = k + nearest[exact]
        if k and len(ordinary := np.flatnonzero(~missing & ~exact)):
            z = (x[ordinary, None] - self.means) / self.deviations
            shares = np.cumsum(softmax(self.log_weights - np.log(self.deviations) - z**2 / 2, axis=1), axis=1)
            mode = (rng.random(len(ordinary))[:, None] > shares).sum(axis=1).clip(max=k - 1)
            level[ordinary], offset[ordinary] = mode, z[np.arange(len(z)), mode] / WIDTH
        return level, offset

    def decode(self, level: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Return the numbers, shape (n,); NaN where missing."""
        k = len(self.means)
        numbers = np.concatenate([np.zeros(k), self.exact, [np.nan]])[level]
        mode = level < k
        numbers[mode] = self.means[level[mode]] + WIDTH * offset[mode] * self.deviations[level[mode]]
        return numbers
