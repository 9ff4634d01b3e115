"""Which examples are held out of a training; what holds for a whole one stands with rows and documents."""

from __future__ import annotations

import numpy as np

from gensynth.generator.held_out import held_out


def test_a_tenth_of_each_class_is_held_out_unless_it_is_small() -> None:
    y = np.repeat([0, 1, 2], [200, 30, 19])
    assert np.bincount(y[held_out(y, seed=0, most=2_000)], minlength=3).tolist() == [20, 3, 0]
    assert held_out(np.zeros(100_000, dtype=np.int64), seed=0, most=2_000).size == 2_000
