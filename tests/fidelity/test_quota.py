"""Tests of gensynth.fidelity.quota."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from gensynth.fidelity import quota


def test_repeats_go_first_and_variety_stays():
    corners = np.array([[0.0, 0], [0, 9], [9, 0], [9, 9]])
    features = np.concatenate([corners, corners[:1] + np.linspace(0, 0.1, 20)[:, None]])
    kept = quota.choose(features, np.ones(24), 4)
    assert kept.sum() == 4 and {tuple(x.round()) for x in features[kept]} == {tuple(x) for x in corners}


def test_a_fifth_is_from_the_tail():
    rng = np.random.default_rng(0)
    # The tail lies in the middle of everything, where the farthest point is never looked for.
    features = np.concatenate([rng.normal(0, 0.01, (30, 3)), rng.normal(0, 5, (170, 3))])
    typicality = np.r_[np.full(30, 0.1), np.full(170, 0.8)]
    kept = quota.choose(features, typicality, 100)
    assert kept[:30].sum() >= 20
    assert quota.choose(features, np.ones(200), 100)[:30].sum() < 20


def test_what_is_kept_is_more_varied_than_the_first_ones():
    features = np.random.default_rng(1).normal(size=(125, 8))
    kept = features[quota.choose(features, np.ones(125), 100)]
    assert pdist(kept).mean() > pdist(features[:100]).mean()


@settings(max_examples=40)
@given(m=st.integers(0, 60), n=st.integers(0, 60), tail=st.floats(0, 1), seed=st.integers(0, 99))
def test_exactly_as_many_as_wanted_if_there_are_so_many(m, n, tail, seed):
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 3, (m, 2)).astype(float)  # many ties
    before, quota.BLOCK = quota.BLOCK, 17
    try:
        kept = quota.choose(features, np.where(rng.random(m) < tail, 0.01, 0.9), n)
    finally:
        quota.BLOCK = before
    assert kept.shape == (m,) and kept.sum() == min(m, n)
