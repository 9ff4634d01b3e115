"""MixedMixture: known groups are found, no more than there are, and levels keep to their group."""

import numpy as np
import pandas as pd

from gensynth.kinds.table.samplers.mixture import MixedMixture, best_groups, group_quantiles
from gensynth.kinds.table.tables import from_frame


def groups(n, seed=0):
    """Two groups that differ in all columns, and nothing else that holds columns together."""
    rng = np.random.default_rng(seed)
    second = rng.random(n) < 0.3
    z = rng.normal(size=(n, 2)) * 0.5 + np.where(second, 2.0, -1.0)[:, None]
    codes = np.where(rng.random((n, 1)) < 0.95, second[:, None], ~second[:, None]).astype(int)
    return z, codes, second


def test_two_groups_are_found_with_their_shares_means_and_variances():
    z, codes, _ = groups(2000)
    found = best_groups(z, codes, [np.bincount(codes[:, 0]) / 2000])
    order = np.argsort(found.means[:, 0])
    assert len(order) == 2
    assert np.allclose(found.weights[order], [0.7, 0.3], atol=0.03)
    assert np.allclose(found.means[order], [[-1, -1], [2, 2]], atol=0.1)
    assert np.allclose(found.variances, 0.25, atol=0.05)
    assert np.allclose(found.levels[0][order], [[0.95, 0.05], [0.05, 0.95]], atol=0.03)


def test_independent_columns_are_one_group():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, (1000, 2))
    found = best_groups(rng.normal(size=(1000, 3)), codes, [np.bincount(c) / 1000 for c in codes.T])
    assert (
        len(found.weights) == 1 and np.allclose(found.means, 0, atol=0.1) and np.allclose(found.variances, 1, atol=0.1)
    )


def test_few_rows_are_one_group_and_a_missing_number_says_nothing():
    z, codes, _ = groups(30)
    assert len(best_groups(z, codes, [np.bincount(codes[:, 0]) / 30]).weights) == 1
    z, codes, _ = groups(2000)
    z[::2, 0] = np.nan
    found = best_groups(z, codes, [np.bincount(codes[:, 0]) / 2000])
    # By chance, a group may be split in two.
    for second, mean in ((False, -1), (True, 2)):
        mine = (found.means[:, 1] > 0.5) == second
        assert abs(found.weights[mine].sum() - (0.3 if second else 0.7)) < 0.03
        assert np.allclose(found.weights[mine] @ found.means[mine] / found.weights[mine].sum(), mean, atol=0.1)


def test_the_numbers_of_a_group_are_those_of_its_rows():
    x = np.r_[np.linspace(70, 90, 100), np.nan, np.linspace(1, 5, 100)]
    second, first = group_quantiles(x, np.stack([x > 10, ~(x > 10)], axis=1) * 1.0)
    assert abs(np.median(first) - 3) < 0.1 and abs(np.median(second) - 80) < 0.5
    # The prior counts for one row in a hundred.
    assert (first <= 5).mean() > 0.97 and (second >= 70).mean() > 0.97
    assert first.min() >= 1 and second.max() <= 90
    assert np.isnan(group_quantiles(np.full(3, np.nan), np.ones((3, 2)))).all()


def test_a_level_that_no_row_of_a_group_has_stays_possible_in_it():
    z, codes, second = groups(2000)
    codes = np.column_stack([codes, second])
    found = best_groups(z, codes, [np.bincount(c) / 2000 for c in codes.T])
    assert (found.levels[1] > 0).all() and found.levels[1].min() < 0.01
    assert np.allclose(found.levels[1].sum(axis=1), 1)


def test_drawn_rows_keep_numbers_and_names_together():
    z, codes, _ = groups(1000)
    frame = pd.DataFrame({"u": np.exp(z[:, 0]), "v": z[:, 1], "name": np.array(["k", "l"])[codes[:, 0]], "y": "a"})
    frame = pd.concat([frame, frame.head(2).assign(y="b")], ignore_index=True)
    new = MixedMixture().fit(from_frame(frame, "y")).sample("a", 2048, 0).x.frame
    for table in (new, frame):
        assert abs((table["name"][table["v"] > 0.5] == "l").mean() - 0.95) < 0.05
    assert abs(new["u"].corr(new["v"], "spearman") - frame["u"].corr(frame["v"], "spearman")) < 0.1
