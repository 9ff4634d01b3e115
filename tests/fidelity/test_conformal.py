"""Tests of gensynth.fidelity.conformal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensynth.fidelity.conformal import DISCOVERIES, FEW_LEVEL, MOST, SMALL, conformal_p, cutoff


def test_p_value_is_the_share_of_real_scores_at_least_as_large():
    real = np.array([1.0, 2.0, 3.0])
    assert conformal_p(real, np.array([0.0, 2.0, 2.5, 9.0])) == pytest.approx([1, 3 / 4, 2 / 4, 1 / 4])


def test_p_values_of_fresh_real_images_are_uniform():
    rng = np.random.default_rng(0)
    p = np.concatenate([conformal_p(np.sort(rng.normal(size=99)), rng.normal(size=1)) for _ in range(2000)])
    for level in (0.01, 0.05, 0.2):
        assert abs((p <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / len(p))


@settings(max_examples=50, deadline=None)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_from_fifty_references_on_it_is_the_procedure_of_benjamini_and_hochberg(p):
    values, limit = np.array(p), cutoff(np.array(p), SMALL)
    rejected = int((values <= limit).sum())
    assert limit <= MOST
    # What is rejected is a set that the step-up rule rejects, or a part of it: never more than the level.
    if rejected:
        assert np.sort(values)[rejected - 1] <= DISCOVERIES * (values <= DISCOVERIES).sum() / len(values)


def test_few_false_discoveries_and_next_to_nothing_lost_without_fault():
    rng = np.random.default_rng(1)
    lost, false, found = [], [], []
    for _ in range(200):
        real = np.sort(rng.normal(size=200))
        genuine = conformal_p(real, rng.normal(size=100))
        lost.append((genuine <= cutoff(genuine, 200)).mean())
        both = np.concatenate([genuine, conformal_p(real, rng.normal(4, 1, size=50))])
        hit = both <= cutoff(both, 200)
        false.append(hit[:100].sum() / max(1, hit.sum()))
        found.append(hit[100:].mean())
    assert np.mean(lost) < 0.01 and np.mean(false) < DISCOVERIES and np.mean(found) > 0.9


def test_under_fifty_references_it_is_fixed():
    assert cutoff(np.linspace(0, 1, 100), SMALL - 1) == cutoff(np.array([0.9]), 20) == FEW_LEVEL
