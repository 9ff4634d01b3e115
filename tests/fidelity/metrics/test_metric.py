"""What holds for every metric: how it is read, on what it does not depend, and what it refuses."""

import math
from dataclasses import astuple

import numpy as np
import pytest
import torch
from checked import normal
from scipy.stats import ortho_group

from gensynth.fidelity import metrics
from gensynth.fidelity.metrics import distances

FEW = normal(5, 3, 0)
OF_ROWS = metrics.all_metrics() | {
    "prdc": lambda *rows: astuple(metrics.prdc(*rows)),
    "kid_interval": metrics.kid_interval,
    "kid_permutations": lambda *rows: metrics.kid_permutations(*rows, 0, 1)[0],
    "nn_permutations": lambda *rows: metrics.nn_permutations(*rows, 0, 1)[0],
}


def test_all_metrics_are_found_by_name():
    found = metrics.all_metrics()
    assert {"kid", "density", "coverage", "nn_accuracy", "vendi_ratio", "authenticity", "nearest_real"} <= found.keys()
    assert list(metrics.all_metrics("images")) == ["ssim_diversity"]
    for name in found:
        assert getattr(metrics, name) is found[name]


@pytest.mark.parametrize("name", metrics.all_metrics())
def test_what_a_metric_says_of_itself_holds_at_its_smallest_n(name):
    m = metrics.all_metrics()[name]
    rng = np.random.default_rng(0)
    values = [m(*rng.normal(size=(2, m.smallest_n, 8))) for _ in range(60)]
    assert all(math.isfinite(v) and m.lowest <= v <= m.highest for v in values)
    assert m.smallest_n >= 2 and m.citation and m.__doc__
    if m.ideal is not None and not m.sized:
        assert abs(np.mean(values) - m.ideal) < 4 * np.std(values) / np.sqrt(len(values)) + 0.15


@pytest.mark.parametrize("name", [k for k, m in metrics.all_metrics().items() if m.higher_is_better is not None])
def test_the_direction_of_a_metric_is_that_of_a_large_shift(name):
    m = metrics.all_metrics()[name]
    rng = np.random.default_rng(0)
    real, same, far = rng.normal(size=(3, 60, 4)) + np.array([0, 0, 6])[:, None, None]
    assert (m(real, same) > m(real, far)) is m.higher_is_better


@pytest.mark.parametrize("block", [7, 1024])
@pytest.mark.parametrize("name", OF_ROWS)
def test_values_depend_neither_on_blocks_nor_on_the_order_nor_on_rotation(name, block, monkeypatch):
    real, synthetic, rng = normal(40, 70, 0), normal(40, 70, 1, shift=0.2), np.random.default_rng(2)
    value, whole = OF_ROWS[name], OF_ROWS[name](real, synthetic)
    monkeypatch.setattr(distances, "BLOCK", block)
    monkeypatch.setattr(distances, "FEW_NUMBERS", 0)
    assert value(rng.permutation(real), rng.permutation(synthetic)) == pytest.approx(whole, rel=1e-7, abs=1e-12)
    rotation = ortho_group.rvs(70, random_state=3)
    assert value(real @ rotation, synthetic @ rotation) == pytest.approx(whole, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("name", ["kid", "density", "coverage"])
def test_the_mean_under_one_distribution_is_the_ideal_at_unequal_numbers(name):
    m = metrics.all_metrics()[name]
    values = np.array([m(normal(20, 6, s), normal(35, 6, s + 1000)) for s in range(300)])
    assert abs(values.mean() - m.ideal) < 3 * values.std() / np.sqrt(len(values))


@pytest.mark.parametrize("test", [metrics.kid_permutation_test, metrics.nn_permutation_test])
def test_permutation_tests_hold_their_size_see_a_shift_and_count_ties_against_a_difference(test):
    p = np.array([test(normal(20, 6, s), normal(20, 6, s + 10**6), s, 99) for s in range(300)])
    for at in (0.05, 0.2, 0.5):
        assert np.mean(p <= at) < at + 3 * np.sqrt(at * (1 - at) / len(p))
    assert test(normal(30, 8, 0), normal(30, 8, 1, shift=1.5), 0, 199) == 1 / 200
    assert test(np.ones((8, 2)), np.ones((8, 2)), 0, 50) == 1


def test_diversity_is_a_ratio_of_spreads():
    real = normal(400, 8, 0)
    assert metrics.diversity(real, 3 * real + 1) == pytest.approx(3) and metrics.diversity(real, 0 * real) == 0


@pytest.mark.parametrize(
    ("function", "given", "says"),
    [
        (metrics.all_metrics, ("tables",), "'features' or of 'images', got 'tables'"),
        (metrics.kid, (FEW[:1], FEW), "KID needs at least 2 real and 2 synthetic rows, got 1 and 5"),
        (metrics.kid_interval, (FEW, FEW[:2]), "at least 3 real and 3 synthetic rows, got 5 and 2"),
        (metrics.kid_permutations, (FEW, FEW[:1], 0, 10), "at least 2 real and 2 synthetic rows, got 5 and 1"),
        (metrics.fid, (FEW[:1], FEW), "FID needs at least 2 real and 2 synthetic rows, got 1 and 5"),
        (metrics.nn_accuracy, (FEW[:1], FEW[:1]), "a row of each kind and 3 in all, got 1 real, 1 synthetic"),
        (metrics.clipped_density, (FEW, FEW), "k must lie in 1..4 for 5 reference rows, got 5"),
        (metrics.expected_clipped_coverage, (5, 5, 5), "k must lie in 1..4 for 5 real rows, got 5"),
        (metrics.prdc, (FEW, FEW, 5), "k must lie in 1..4 for 5 reference rows, got 5"),
        (metrics.expected_coverage, (5, 5, 5), "k must lie in 1..n_real - 1"),
        (metrics.copying_test, (FEW, FEW[:0], FEW), "holdout has no rows"),
        (metrics.smallest_detectable_shift, (np.ones(4), 1, 20), "got 1 real and 20 synthetic rows and the level 0.05"),
        (metrics.wilson_interval, (0, 0), "got 0 hits of 0"),
        (metrics.wilson_interval, (5, 4), "got 5 hits of 4"),
        (metrics.wilson_interval, (-1, 4), "got -1 hits of 4"),
        (metrics.mean_pairwise_ssim, (torch.zeros(1, 1, 8, 8, dtype=torch.uint8),), "at least 2 images, got 1"),
    ],
)
def test_what_says_nothing_is_refused(function, given, says):
    with pytest.raises(ValueError, match=says):
        function(*given)


def test_images_of_another_dtype_are_refused():
    with pytest.raises(TypeError, match="must be uint8"):
        metrics.mean_pairwise_ssim(torch.rand(4, 1, 8, 8))
