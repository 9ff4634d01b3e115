"""Tests of gensynth.fidelity.metrics.frechet: FID."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torchmetrics.image.fid import FrechetInceptionDistance

from gensynth.fidelity import metrics


def whitened(n: int, d: int, seed: int) -> np.ndarray:
    """Rows whose mean is exactly 0 and whose covariance exactly the identity."""
    x = np.random.default_rng(seed).normal(size=(n, d))
    left = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[0]
    return left * np.sqrt(n - 1)


def torch_fidelity(real: np.ndarray, synthetic: np.ndarray) -> float:
    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (real, synthetic)]
    return fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]


def torchmetrics(real: np.ndarray, synthetic: np.ndarray) -> float:
    class Features(torch.nn.Identity):
        num_features = real.shape[1]

    fid = FrechetInceptionDistance(feature=Features()).set_dtype(torch.float64)
    fid.update(torch.from_numpy(real), real=True)
    fid.update(torch.from_numpy(synthetic), real=False)
    return float(fid.compute())


def test_fid_of_known_gaussians():
    x, y = whitened(400, 64, 0), whitened(300, 64, 1)
    assert metrics.fid(x, y) == pytest.approx(0, abs=1e-9)
    assert metrics.fid(x, y + 1) == pytest.approx(64, rel=1e-9)  # N(0, I) and N(1, I): d
    assert metrics.fid(x, 2 * y) == pytest.approx(64, rel=1e-9)  # N(0, I) and N(0, 4 I): d


def test_equal_covariances_of_2048_features_leave_the_squared_difference_of_means():
    x = np.random.default_rng(0).normal(size=(50, 2048))
    assert metrics.fid(x, x + 1) == pytest.approx(2048, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(20, 512), (60, 60), (200, 30)])
def test_equal_sets_are_at_distance_0(n, d):
    x = np.random.default_rng(0).normal(size=(n, d))
    assert abs(metrics.fid(x, x)) < 1e-9


def test_fid_agrees_with_torchmetrics_and_torch_fidelity():
    torch.manual_seed(0)
    a = torch.randn(64, 32, dtype=torch.float64).numpy()
    b = (1.3 * torch.randn(50, 32, dtype=torch.float64) + 0.4).numpy()
    mine = metrics.fid(a, b)
    assert mine == pytest.approx(20.20069615439, abs=1e-9)
    assert mine == pytest.approx(torchmetrics(a, b), rel=1e-9)
    assert mine == pytest.approx(torch_fidelity(a, b), rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(20, 50), (50, 20), (20, 10)])
def test_fid_agrees_where_rows_are_fewer_than_features(n, m):
    # Theirs takes roots of eigenvalues that are 0 but for rounding, 1e-16: each adds about 1e-8. Hence not 1e-9.
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(n, 32)), 1.3 * rng.normal(size=(m, 32)) + 0.4
    assert metrics.fid(a, b) == pytest.approx(torch_fidelity(a, b), rel=1e-6)


def test_constant_and_repeated_features_do_no_harm():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(500, 40)), 2 * rng.normal(size=(400, 40))
    a[:, 3], a[:, 4], b[:, 7] = 1, a[:, 5], 0
    assert metrics.fid(a, b) == pytest.approx(torch_fidelity(a, b), rel=1e-6)
    assert metrics.fid(np.ones((50, 3)), np.ones((60, 3))) == 0
    assert metrics.fid(np.ones((50, 3)), np.zeros((60, 3))) == 3
