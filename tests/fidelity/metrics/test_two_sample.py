"""1-NN accuracy against its exact null, scikit-learn, and what ties and copies make of it."""

import numpy as np
import pytest
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from gensynth.fidelity import metrics
from gensynth.fidelity.metrics import distances
from gensynth.fidelity.metrics.two_sample import nearest_ties


def normal(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def test_it_is_the_leave_one_out_accuracy_of_a_nearest_neighbour_classifier():
    real, synthetic = normal(30, 4, 0), normal(45, 4, 1, shift=0.5)
    rows, labels = np.concatenate([real, synthetic]), np.repeat([0, 1], [30, 45])
    peer = cross_val_score(KNeighborsClassifier(1), rows, labels, cv=LeaveOneOut()).mean()
    assert metrics.nn_accuracy(real, synthetic) == pytest.approx(peer)


@pytest.mark.parametrize(("n", "m"), [(10, 10), (20, 50)])
def test_its_mean_over_all_labellings_is_the_formula(n, m):
    values = [metrics.nn_accuracy(normal(n, 3, s), normal(m, 3, s + 10**6)) for s in range(400)]
    assert abs(np.mean(values) - metrics.expected_nn_accuracy(n, m)) < 3 * np.std(values) / np.sqrt(len(values))


def test_the_null_mean_at_equal_numbers():
    assert metrics.expected_nn_accuracy(20, 20) == pytest.approx(19 / 39)


def test_sets_apart_give_one_and_copies_give_less_than_chance():
    real = normal(20, 8, 0)
    assert metrics.nn_accuracy(real, normal(20, 8, 1, shift=30)) == 1
    assert metrics.nn_accuracy(real, real) == 0
    assert metrics.nn_permutation_test(real, real + 1e-3 * normal(20, 8, 2), seed=0) == 1


def test_tied_neighbours_share_the_vote():
    real, synthetic = np.array([[0.0], [0.0], [0.0]]), np.array([[0.0], [9.0]])
    # Of the rows tied with each of the three 2 of 3 are of its own kind, of those with the others 0 of 3 and 1 of 4.
    assert metrics.nn_accuracy(real, synthetic) == pytest.approx((3 * 2 / 3 + 0 + 1 / 4) / 5)


def test_identical_rows_cannot_be_told_apart():
    same = np.ones((8, 2))
    assert metrics.nn_permutation_test(same, same, seed=0) == 1


def test_the_permutation_test_holds_its_size_and_sees_a_shift():
    p = np.array([metrics.nn_permutation_test(normal(20, 6, s), normal(20, 6, s + 10**6), s, 99) for s in range(300)])
    for at in (0.05, 0.2, 0.5):
        assert np.mean(p <= at) < at + 3 * np.sqrt(at * (1 - at) / len(p))
    assert metrics.nn_permutation_test(normal(20, 6, 0), normal(20, 6, 1, shift=1.5), 0) < 0.01


def test_permuted_values_are_those_of_the_shuffled_rows():
    rows, seed = normal(25, 3, 0), 4
    values = metrics.nn_permutations(rows[:10], rows[10:], seed, 3)
    rng, is_real = np.random.default_rng(seed), np.arange(25) < 10
    for value in values[1:]:
        split = rng.permutation(is_real)
        assert metrics.nn_accuracy(rows[split], rows[~split]) == pytest.approx(value)


def test_it_does_not_depend_on_the_block_size(monkeypatch):
    real, synthetic = normal(30, 3, 0), normal(21, 3, 1)
    whole = metrics.nn_permutations(real, synthetic, 0, 5)
    monkeypatch.setattr(distances, "BLOCK", 8)
    assert metrics.nn_permutations(real, synthetic, 0, 5) == pytest.approx(whole)


def test_nearest_ties_marks_all_rows_at_the_smallest_distance():
    found = np.concatenate(
        [near.toarray() for near in nearest_ties(np.array([[0.0], [5.0]]), np.array([[1.0], [-1], [6]]))]
    )
    assert found.tolist() == [[1, 1, 0], [0, 0, 1]]


def test_it_needs_a_row_of_each_kind():
    with pytest.raises(ValueError, match="a row of each kind and 3 in all, got 1 real, 1 synthetic"):
        metrics.nn_accuracy(np.zeros((1, 2)), np.ones((1, 2)))
