"""Tests of gensynth.fidelity.metrics.kernel: KID, its interval and its test."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.metrics.pairwise import polynomial_kernel
from torch_fidelity.metric_kid import kernel_mmd
from torchmetrics.image.kid import poly_mmd

from gensynth.fidelity import metrics
from gensynth.fidelity.metrics import distances, kernel


def normal(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def test_kid_of_a_case_worked_by_hand():
    real = np.array([[1.0, 0], [0, 1], [1, 1]])
    synthetic = np.array([[1.0, 0], [2, 0], [0, 2]])
    assert metrics.kid(real, synthetic) == pytest.approx(-3.3611111111, abs=1e-9)


def test_kid_agrees_with_torch_fidelity_and_torchmetrics():
    real, synthetic = normal(60, 40, 0), normal(60, 40, 1, shift=0.3)
    mine = metrics.kid(real, synthetic)
    assert mine == pytest.approx(kernel_mmd(real, synthetic), rel=1e-9)
    assert mine == pytest.approx(float(poly_mmd(torch.from_numpy(real), torch.from_numpy(synthetic))), rel=1e-9)


def test_kid_of_unequal_numbers_agrees_with_the_kernels_of_scikit_learn():
    real, synthetic = normal(30, 7, 0), normal(50, 7, 1, shift=0.3)
    within = [polynomial_kernel(x, degree=3) for x in (real, synthetic)]
    means = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in within]
    across = polynomial_kernel(real, synthetic, degree=3).mean()
    assert metrics.kid(real, synthetic) == pytest.approx(sum(means) - 2 * across, rel=1e-9)


def test_kid_is_unbiased():
    values = np.array([metrics.kid(normal(20, 16, s), normal(30, 16, s + 1000)) for s in range(300)])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), block=st.integers(1, 50))
def test_kid_depends_neither_on_blocks_nor_on_the_order_nor_on_rotation(seed, block):
    rng = np.random.default_rng(seed)
    real, synthetic = rng.normal(size=(40, 8)), rng.normal(size=(30, 8)) + 0.5
    whole, interval = metrics.kid(real, synthetic), metrics.kid_interval(real, synthetic)
    rotation = ortho_group.rvs(8, random_state=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "BLOCK", block)
        assert metrics.kid(real, synthetic) == pytest.approx(whole, rel=1e-9, abs=1e-12)
        moved = rng.permutation(real) @ rotation, rng.permutation(synthetic) @ rotation
        assert metrics.kid(*moved) == pytest.approx(whole, rel=1e-9, abs=1e-12)
        assert metrics.kid_interval(*moved) == pytest.approx(interval, rel=1e-9, abs=1e-12)
    assert metrics.kid_permutations(real, synthetic, 0, 1)[0] == pytest.approx(whole, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("make", [lambda x: x, np.abs, lambda x: 100 * x])
def test_single_precision_errs_by_less_than_a_millionth_of_the_mean_absolute_kernel(make, monkeypatch):
    real, synthetic = make(normal(600, 256, 0)), make(normal(600, 256, 1) * 1.02)
    single = metrics.kid(real, synthetic)
    monkeypatch.setattr(kernel, "MOST_DOUBLE", 10**9)
    mean = np.abs(polynomial_kernel(real, degree=3)[~np.eye(600, dtype=bool)]).mean()
    assert single != metrics.kid(real, synthetic)
    assert abs(single - metrics.kid(real, synthetic)) < 1e-6 * mean


def test_interval_agrees_with_leaving_out_each_row():
    real, synthetic = normal(12, 5, 0), normal(9, 5, 1, shift=0.5)
    variance = 0.0
    for x, value in [
        (real, lambda rest: metrics.kid(rest, synthetic)),
        (synthetic, lambda rest: metrics.kid(real, rest)),
    ]:
        left_out = np.array([value(np.delete(x, i, axis=0)) for i in range(len(x))])
        variance += (len(x) - 1) ** 2 / len(x) * left_out.var(ddof=1)
    low, high = metrics.kid_interval(real, synthetic)
    assert (low + high) / 2 == pytest.approx(metrics.kid(real, synthetic))
    assert (high - low) / 2 == pytest.approx(2.306004 * np.sqrt(variance), rel=1e-6)  # t of 8 degrees of freedom


@pytest.mark.parametrize("shift", [0.0, 0.5])
@pytest.mark.parametrize("n", [20, 100])
def test_interval_holds_the_truth(n, shift):
    pairs = [(normal(n, 32, s), normal(n, 32, s + 10**6, shift)) for s in range(300)]
    # KID is unbiased, so its mean is the truth.
    truth = 0.0 if shift == 0 else float(np.mean([metrics.kid(x, y) for x, y in pairs]))
    intervals = np.array([metrics.kid_interval(x, y) for x, y in pairs])
    held = ((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])).mean()
    assert held > 0.95 - 3 * np.sqrt(0.05 * 0.95 / len(pairs))


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="at least 2 real and 2 synthetic rows, got 1 and 5"):
        metrics.kid(normal(1, 3, 0), normal(5, 3, 1))
    with pytest.raises(ValueError, match="at least 3 real and 3 synthetic rows, got 5 and 2"):
        metrics.kid_interval(normal(5, 3, 0), normal(2, 3, 1))
    with pytest.raises(ValueError, match="at least 2 real and 2 synthetic rows, got 5 and 1"):
        metrics.kid_permutations(normal(5, 3, 0), normal(1, 3, 1), 0, 10)


def test_permutation_test_holds_its_size_and_sees_a_shift():
    rng = np.random.default_rng(12345)
    pairs = rng.normal(size=(200, 2, 20, 8))
    null = [metrics.kid_permutation_test(real, other, 10**6 + s, 99) for s, (real, other) in enumerate(pairs)]
    assert np.mean(np.array(null) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert metrics.kid_permutation_test(normal(30, 8, 0), normal(30, 8, 1, shift=1.0), 0, 199) == 1 / 200


def test_permutation_test_counts_ties_against_a_difference():
    same = np.ones((6, 2))
    assert metrics.kid_permutation_test(same, same, 0, 50) == 1.0
