"""Tests of gensynth.fidelity.judge."""

import numpy as np
import pytest

from gensynth.fidelity.judge import Judge


def test_judge_is_scored_on_images_it_did_not_see():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 30)), rng.integers(0, 2, 200)
    out_of_fold = Judge.fit(x, y, 3, seed=0).out_of_fold
    assert out_of_fold.shape == (200, 3) and out_of_fold.sum(1) == pytest.approx(1)
    assert (out_of_fold.argmax(1) == y).mean() < 0.65
