"""Modes: numbers come back from levels and offsets, exact where they must, and mixtures are found."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from gensynth.kinds.table.modes import FEW, Modes

RNG = np.random.default_rng(0)


def fit(x: np.ndarray, spikes: tuple[float, ...] = ()) -> Modes:
    return Modes.fit(x, spikes, np.arange(len(x)))


def test_numbers_come_back() -> None:
    x = np.concatenate([RNG.normal(-50, 1, 500), np.exp(RNG.normal(5, 1, 500)), np.zeros(400), [np.nan] * 100])
    modes = fit(x, (0.0,))
    level, offset = modes.encode(x, np.random.default_rng(1))
    assert np.allclose(modes.decode(level, offset), x, equal_nan=True, rtol=1e-9)
    assert 0 <= level.min() and level.max() == modes.card - 1 and modes.has_missing
    assert (modes.decode(level, offset)[x == 0] == 0).all(), "a spike comes back exactly"
    assert np.quantile(np.abs(offset), 0.99) < 1, "four standard deviations are one unit"


def test_two_heaps_are_two_modes_with_normal_offsets() -> None:
    x = np.concatenate([RNG.normal(0, 1, 2000), RNG.normal(100, 5, 1000)])
    modes = fit(x)
    heavy = modes.means[np.exp(modes.log_weights) > 0.05]
    assert np.minimum(np.abs(heavy), np.abs(heavy - 100)).max() < 15, "none lies between the heaps"
    level, _ = modes.encode(x, np.random.default_rng(1))
    again = modes.decode(level, np.random.default_rng(2).normal(0, 0.25, len(x)))
    assert ks_2samp(x, again).statistic < 0.03, "levels with normal offsets have the distribution of the numbers"


def test_a_column_of_few_numbers_has_a_level_for_each() -> None:
    x = RNG.integers(0, FEW, 300).astype(float)
    modes = fit(x)
    level, offset = modes.encode(x, np.random.default_rng(0))
    assert not len(modes.means) and not offset.any() and (modes.exact[level] == x).all()
    unseen, _ = modes.encode(np.array([3.4, -7.0]), np.random.default_rng(0))
    assert modes.exact[unseen].tolist() == [3, 0], "a number that never occurred counts as the nearest one"


def test_without_missing_values_none_can_be_drawn() -> None:
    modes = fit(RNG.normal(size=100))
    assert not modes.has_missing
    assert not np.isnan(modes.decode(np.arange(modes.card), np.zeros(modes.card))).any()


@given(
    st.lists(st.floats(-1e12, 1e12, allow_subnormal=False) | st.just(float("nan")) | st.just(0.0), max_size=60),
    st.booleans(),
)
@settings(max_examples=40)
def test_any_column_comes_back(values: list[float], spiky: bool) -> None:
    x = np.array(values, dtype=np.float64)
    modes = fit(x, (0.0,) if spiky and (x == 0).any() else ())
    level, offset = modes.encode(x, np.random.default_rng(0))
    assert ((level >= 0) & (level < max(modes.card, 1))).all()
    scale = np.nanmax(np.abs(x), initial=1.0)
    assert np.allclose(modes.decode(level, offset), x, equal_nan=True, rtol=1e-6, atol=1e-9 * scale)
