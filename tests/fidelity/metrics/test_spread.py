"""Diversity as a ratio of spreads."""

import numpy as np
import pytest

from gensynth.fidelity import metrics


def test_diversity_is_a_ratio_of_spreads():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 8))
    assert metrics.diversity(real, 3 * real + 1) == pytest.approx(3.0)
    assert metrics.diversity(real, np.zeros((5, 8))) == 0.0
    assert metrics.diversity(real, rng.normal(size=(400, 8))) == pytest.approx(1.0, abs=0.05)
