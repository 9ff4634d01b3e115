"""The smallest detectable shift is the one that the test detects."""

import numpy as np
import pytest

from gensynth.fidelity import metrics


def power(spread: np.ndarray, n: int, m: int, level: float, shift: float, draws: int = 150) -> float:
    """Share of simulated pairs of sets that the permutation test itself tells apart."""
    rng = np.random.default_rng(11)
    found = 0
    for seed in range(draws):
        real, synthetic = rng.normal(size=(n, len(spread))) * spread, rng.normal(shift, 1, (m, len(spread))) * spread
        found += metrics.kid_permutation_test(real, synthetic, seed, 199) <= level
    return found / draws


@pytest.mark.parametrize(
    ("d", "decay", "n", "m", "level"), [(8, 0, 20, 20, 0.05), (16, 0.5, 20, 40, 0.01), (64, 0.5, 15, 15, 0.05)]
)
def test_the_test_finds_the_shift_about_four_times_in_five(d, decay, n, m, level):
    spread = np.arange(1.0, d + 1) ** -decay
    spread /= np.sqrt((spread**2).mean())
    shift = metrics.smallest_detectable_shift(spread, n, m, level)
    assert power(spread, n, m, level, shift) == pytest.approx(0.8, abs=0.13)
    assert power(spread, n, m, level, shift / 2) < 0.6


def test_more_rows_and_laxer_levels_find_smaller_shifts():
    spread = np.ones(8)
    shifts = [metrics.smallest_detectable_shift(spread, n, n) for n in (10, 20, 50)]
    assert shifts == sorted(shifts, reverse=True)
    assert metrics.smallest_detectable_shift(spread, 20, 20, 0.001) > shifts[1]


def test_beyond_the_simulated_rows_it_falls_with_the_root():
    spread = np.ones(8)
    at_100, at_400 = (metrics.smallest_detectable_shift(spread, n, n) for n in (100, 400))
    assert at_400 == pytest.approx(at_100 / 2)


def test_it_is_infinite_where_no_split_is_rare_enough():
    assert metrics.smallest_detectable_shift(np.ones(4), 3, 3, 0.01) == float("inf")
