"""Ranks: closed forms of normal scores and quantiles, and an order of levels that a person would give."""

import numpy as np
from scipy.special import ndtri

from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.samplers.ranks import evenly, level_places, quantile_points, scores


def test_scores_are_conditional_means_of_a_normal():
    assert np.allclose(scores(np.array([3.0, 1.0, 2.0])), [1.0908, -1.0908, 0.0], atol=1e-4)
    half = scores(np.array([0.0, 0.0, 5.0, 5.0, np.nan]))
    assert np.allclose(half[:4], np.sqrt(2 / np.pi) * np.array([-1, -1, 1, 1])) and np.isnan(half[4])
    assert (scores(np.full(7, 3.0)) == 0).all()
    many = scores(np.random.default_rng(0).normal(size=999))
    assert np.allclose(np.sort(many), ndtri((np.arange(999) + 0.5) / 999), atol=0.1) and abs(many.mean()) < 1e-12


def test_quantile_points_join_numbers_and_keep_spikes():
    u, values = quantile_points(np.array([4.0, 0.0, 0.0, 2.0]), (0.0,))
    assert np.allclose(np.interp([0.0, 0.3, 0.5, 0.625, 0.75, 0.875, 1.0], u, values), [0, 0, 0, 2, 3, 4, 4])
    assert np.isnan(quantile_points(np.array([]), ())[1]).all()
    assert quantile_points(np.arange(10**5, dtype=float), ()).shape == (2, 1000)


def test_levels_are_ordered_by_what_they_go_with():
    size = np.random.default_rng(6).integers(0, 4, 400)
    chest = 80 + 10.0 * size + np.random.default_rng(7).normal(size=400)
    code_of_size = np.array([2, 0, 3, 1])  # S, M, L, XL
    (places,) = level_places(Encoded(chest[:, None], code_of_size[size][:, None]), [4])
    assert places[code_of_size].tolist() in ([0, 1, 2, 3], [3, 2, 1, 0])


def test_evenly_keeps_the_ends_and_all_where_there_are_few():
    assert evenly(np.arange(100), 4).tolist() == [0, 33, 66, 99]
    assert evenly(np.arange(3), 4).tolist() == [0, 1, 2]
