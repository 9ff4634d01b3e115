"""Numbers on the page."""

from __future__ import annotations

import numpy as np

from gensynth.report.markup import NOTHING, percent, points


def test_shares_of_numpy_are_written_without_a_warning_however_large() -> None:
    assert points(np.float64(-0.04)) == "\u22124.0" and points(np.float64(np.nan)) == NOTHING
    for value in (np.float64(1e308), np.float64(1e307), np.float32(1e38)):
        assert points(value) and percent(value)  # warnings are errors here
