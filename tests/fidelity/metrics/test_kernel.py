"""Tests of gensynth.fidelity.metrics.kernel: KID, its interval and its test."""

import numpy as np
import pytest
import torch
from checked import normal
from sklearn.metrics.pairwise import polynomial_kernel
from torch_fidelity.metric_kid import kernel_mmd
from torchmetrics.image.kid import poly_mmd

from gensynth.fidelity import metrics
from gensynth.fidelity.metrics import kernel


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
