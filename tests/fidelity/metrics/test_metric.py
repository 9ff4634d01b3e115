"""Metrics say how they are read, and are found without a list."""

import math

import numpy as np
import pytest

from gensynth.fidelity import metrics


def test_all_metrics_are_found_by_name():
    found = metrics.all_metrics()
    assert {"kid", "density", "coverage", "nn_accuracy", "vendi_ratio", "authenticity", "nearest_real"} <= found.keys()
    assert list(metrics.all_metrics("images")) == ["ssim_diversity"]
    for name in found:
        assert getattr(metrics, name) is found[name]


def test_metrics_of_neither_are_refused():
    with pytest.raises(ValueError, match="'features' or of 'images', got 'tables'"):
        metrics.all_metrics("tables")


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
