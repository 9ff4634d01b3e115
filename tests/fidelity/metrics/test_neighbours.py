"""Tests of gensynth.fidelity.metrics.neighbours: precision, recall, density and coverage."""

import numpy as np
import pytest
import torch
from checked import normal
from prdc import compute_prdc
from sklearn.neighbors import NearestNeighbors
from torch_fidelity.metric_prc import prc_features_to_metric

from gensynth.fidelity import metrics


def torch_fidelity(real: np.ndarray, synthetic: np.ndarray, k: int) -> dict[str, float]:
    generated, real = torch.from_numpy(synthetic), torch.from_numpy(real)
    return prc_features_to_metric(generated, real, prc_neighborhood=k, verbose=False)


@pytest.mark.parametrize(
    ("n_real", "n_synthetic", "k", "expected"),
    [
        (20, 20, 3, 0.893971),
        (20, 20, 5, 0.979804),
        (50, 50, 5, 0.973339),
        (100, 100, 5, 0.971070),
        (200, 200, 5, 0.969916),
        (20, 100, 5, 0.999936),
        (10000, 10000, 5, 0.968773),
    ],
)
def test_expected_coverage(n_real, n_synthetic, k, expected):
    assert metrics.expected_coverage(n_real, n_synthetic, k) == pytest.approx(expected, abs=1e-6)


def test_density_and_coverage_see_a_far_set_and_a_collapsed_one():
    real = normal(60, 6, 0)
    assert metrics.density(real, normal(60, 6, 1, shift=9.0)) == 0
    assert metrics.coverage(real, np.repeat(real[:1], 60, axis=0)) < 0.5


@pytest.mark.parametrize(("n", "m", "d", "k"), [(60, 40, 8, 3), (400, 450, 400, 5)])
def test_all_four_agree_with_prdc_and_torch_fidelity(n, m, d, k, capsys):
    real, synthetic = normal(n, d, 0), normal(m, d, 1, shift=0.1)
    ours, theirs = metrics.prdc(real, synthetic, k), compute_prdc(real, synthetic, nearest_k=k)
    plain = ours.coverage * metrics.expected_coverage(n, m, k)
    mine = {"precision": ours.precision, "recall": ours.recall, "density": ours.density, "coverage": plain}
    assert mine == pytest.approx(theirs, abs=1e-12)
    pr = torch_fidelity(real, synthetic, k)
    assert (ours.precision, ours.recall) == pytest.approx((pr["precision"], pr["recall"]), abs=1e-6)
    assert ours == metrics.Prdc(
        metrics.precision(real, synthetic, k=k),
        metrics.recall(real, synthetic, k=k),
        pytest.approx(metrics.density(real, synthetic, k=k)),
        metrics.coverage(real, synthetic, k=k),
    )
    assert (metrics.coverage_counts(real, synthetic, k) > 0).mean() == pytest.approx(theirs["coverage"])


def test_counts_agree_with_scikit_learn():
    real, synthetic = normal(50, 5, 0), normal(40, 5, 1)
    radii = NearestNeighbors(n_neighbors=4).fit(real).kneighbors(real)[0][:, -1]  # the first is the row itself
    balls = [
        NearestNeighbors(radius=r).fit(synthetic).radius_neighbors([x])[1][0] for x, r in zip(real, radii, strict=True)
    ]
    assert metrics.coverage_counts(real, synthetic, 3).tolist() == [len(ball) for ball in balls]
    held = np.bincount(np.concatenate(balls), minlength=40)
    assert metrics.density_counts(real, synthetic, 3) == pytest.approx(held / 3)


def test_copies_of_repeated_rows_are_precise_but_neither_dense_nor_covering(capsys):
    """Balls of radius 0: the rim counts for precision and recall (paper, torch-fidelity), nowhere in prdc."""
    real = np.repeat(normal(5, 4, 0), 5, axis=0)  # 25 rows: from 26 on torch.cdist gives no exact zeros
    found = metrics.prdc(real, real[::5].repeat(4, axis=0), 3)
    assert found == metrics.Prdc(1.0, 1.0, 0.0, 0.0)
    theirs = torch_fidelity(real, real[::5].repeat(4, axis=0), 3)
    assert (theirs["precision"], theirs["recall"]) == (1, 1)
    assert set(compute_prdc(real, real[::5].repeat(4, axis=0), nearest_k=3).values()) == {0}


def test_narrow_samples_are_precise_and_recall_little():
    # The convention of torch-fidelity's own test: swapped arguments would swap the two.
    rng = np.random.default_rng(42)
    synthetic, real = 0.1 * rng.normal(size=(200, 16)), 3 * rng.normal(size=(200, 16))
    assert metrics.precision(real, synthetic) > 0.8
    assert metrics.recall(real, synthetic) < 0.3
