"""Boosted trees that tell synthetic examples from real ones."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gensynth.fidelity.metrics.detection import detection_auc, detection_score, expected_detection_score


def test_detection_sees_what_differs_only_in_relations() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 1)) + 0.3 * rng.normal(size=(300, 2))
    real, same, shuffled = x[:150], x[150:], np.stack([rng.permutation(x[150:, j]) for j in range(2)], axis=1)
    auc = [detection_auc(real, other, seed=0) for other in (same, shuffled, same + 20)]
    assert 0.35 < auc[0] < 0.62 and auc[1] > 0.75 and auc[2] > 0.99
    assert [detection_score(a) for a in (0.3, 0.5, 0.75, 1.0)] == [1, 1, 0.5, 0]
    copies = detection_auc(real, real, seed=0)
    assert copies < 0.3


@pytest.mark.parametrize(("n", "m"), [(10, 10), (20, 200)])
def test_the_detection_yardstick_is_the_mean_score_of_guesses(n: int, m: int) -> None:
    rng, y = np.random.default_rng(0), np.arange(n + m) >= n
    scores = [detection_score(roc_auc_score(y, rng.random(n + m))) for _ in range(1000)]
    assert np.mean(scores) == pytest.approx(expected_detection_score(n, m), abs=0.01)
