"""Counts with noise, and the choice of the worst of several things: what a privacy bound of rows is made of.

Noise, its accounting and the chance behind both (the operating system's, kept nowhere) are OpenDP's. Budgets are rho of
zero-concentrated differential privacy (Bun & Steinke 2016, arXiv:1605.02065), which add up; the neighbour of a table
has one row more or less.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

LEAST, MOST = 0.01, 100
"""Epsilons: below, nothing but noise is left; above, hardly anything is promised."""
ROUNDING = 1e-9
"""Share of a budget that is not spent, so that sums of its parts, rounded, do not exceed it."""


def opendp() -> Any:
    """Return OpenDP.

    Raises:
        ModuleNotFoundError: if it is not installed; the message says how to install it.
    """
    try:
        import opendp.prelude as dp
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "--epsilon needs OpenDP, which is not installed; pip install 'gensynth[dp]'."
        ) from error
    dp.enable_features("contrib")  # so OpenDP calls what is not vetted to the end
    return dp


def budget_of(epsilon: float, delta: float) -> float:
    """Return the largest rho that implies (epsilon, delta)-differential privacy.

    Raises:
        ModuleNotFoundError: as `opendp`.
        ValueError: if they are out of range.
    """
    if not (LEAST <= epsilon <= MOST and 0 < delta < 1):
        raise ValueError(
            f"epsilon must lie between {LEAST} and {MOST} and delta between 0 and 1, got {epsilon:g} and {delta:g}; 3 "
            "and 1e-6 are usual."
        )
    dp = opendp()
    one = dp.atom_domain(T="i64"), dp.absolute_distance(T="f64")

    def noised(scale: float) -> Any:
        return dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*one, scale=scale)), delta)

    scale = dp.binary_search_param(noised, d_in=1.0, d_out=(epsilon, delta), T=float)
    return (1 - ROUNDING) / (2 * scale**2)


def deviation(tables: int, rho: float) -> float:
    """Return the deviation of the noise in tables of counts in each of which a row counts once."""
    return sqrt(tables / (2 * rho))


def noisy(counts: np.ndarray, tables: int, rho: float) -> np.ndarray:
    """Return counts with discrete Gaussian noise (Canonne, Kamath & Steinke 2020), float64, shape (n,).

    Args:
        counts: All cells of some tables, int64, shape (n,).
        tables: Number of these; a row counts once in each, so that it moves all cells by sqrt(tables) at most.
        rho: What this costs.
    """
    dp = opendp()
    cells = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    release = dp.m.make_gaussian(*cells, scale=deviation(tables, rho))
    return np.array(release(counts.tolist()), dtype=np.float64)


def about_highest(scores: np.ndarray, rho: float) -> int:
    """Return the position of about the highest score (report noisy max), where a row moves each score by at most 1."""
    dp = opendp()
    space = dp.vector_domain(dp.atom_domain(T="f64", nan=False)), dp.linf_distance(T="f64")
    zcdp = dp.zero_concentrated_divergence()
    choice = dp.binary_search_chain(
        lambda scale: dp.m.make_noisy_max(*space, zcdp, scale), d_in=1.0, d_out=rho, T=float
    )
    return int(choice(scores.tolist()))
