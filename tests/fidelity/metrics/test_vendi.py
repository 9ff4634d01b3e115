"""The Vendi score against the constants of its reference implementation and closed forms."""

import numpy as np
import pytest

from gensynth.fidelity import metrics


def test_constants_of_the_reference():
    assert metrics.vendi_of_kernel(np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])) == pytest.approx(2.1573, abs=5e-5)
    x = np.array([0, 0, 10, 10, 20, 20])
    assert metrics.vendi_of_kernel(np.exp(-np.abs(x[:, None] - x))) == pytest.approx(2.9999, abs=1e-4)


def test_it_counts_different_directions():
    assert metrics.vendi_score(np.eye(7)) == pytest.approx(7)
    assert metrics.vendi_score(np.repeat(np.eye(7)[:3], 5, axis=0) * np.arange(1, 16)[:, None]) == pytest.approx(3)
    assert metrics.vendi_score(np.ones((9, 4))) == pytest.approx(1)


@pytest.mark.parametrize(("n", "d"), [(40, 5), (5, 40)])
def test_the_smaller_matrix_gives_what_the_kernel_gives(n, d):
    x = np.random.default_rng(0).normal(size=(n, d))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert metrics.vendi_score(x) == pytest.approx(metrics.vendi_of_kernel(unit @ unit.T), rel=1e-10)


def test_rows_of_zeros_are_alike_and_unlike_others():
    assert metrics.vendi_score(np.zeros((4, 3))) == pytest.approx(1)
    assert metrics.vendi_score(np.array([[0.0, 0], [0, 0], [1, 0], [2, 0]])) == pytest.approx(2)


def test_the_ratio_is_one_under_one_distribution_at_unequal_numbers():
    rng = np.random.default_rng(0)
    values = [metrics.vendi_ratio(rng.normal(size=(20, 8)), rng.normal(size=(80, 8))) for _ in range(100)]
    assert np.mean(values) == pytest.approx(1, abs=0.03)


def test_the_ratio_sees_one_row_repeated():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(20, 8))
    assert metrics.vendi_ratio(real, np.repeat(real[:1], 20, axis=0)) == pytest.approx(1 / metrics.vendi_score(real))


def test_the_cut_depends_on_the_seed_alone():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(20, 4)), rng.normal(size=(60, 4))
    assert metrics.vendi_ratio(real, synthetic, seed=3) == metrics.vendi_ratio(real, synthetic, seed=3)
    assert metrics.vendi_ratio(real, synthetic, seed=3) != metrics.vendi_ratio(real, synthetic, seed=4)
