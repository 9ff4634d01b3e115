"""1-NN accuracy against its exact null, scikit-learn, and what ties and copies make of it."""

import numpy as np
import pytest
from checked import normal
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from gensynth.fidelity import metrics
from gensynth.fidelity.metrics.two_sample import nearest_ties


def test_it_is_the_leave_one_out_accuracy_of_a_nearest_neighbour_classifier():
    real, synthetic = normal(30, 4, 0), normal(45, 4, 1, shift=0.5)
    rows, labels = np.concatenate([real, synthetic]), np.repeat([0, 1], [30, 45])
    peer = cross_val_score(KNeighborsClassifier(1), rows, labels, cv=LeaveOneOut()).mean()
    assert metrics.nn_accuracy(real, synthetic) == pytest.approx(peer)


@pytest.mark.parametrize(("n", "m"), [(10, 10), (20, 50)])
def test_its_mean_over_all_labellings_is_the_formula(n, m):
    values = [metrics.nn_accuracy(normal(n, 3, s), normal(m, 3, s + 10**6)) for s in range(400)]
    assert abs(np.mean(values) - metrics.expected_nn_accuracy(n, m)) < 3 * np.std(values) / np.sqrt(len(values))


def test_sets_apart_give_one_and_copies_give_less_than_chance():
    real = normal(20, 8, 0)
    assert metrics.nn_accuracy(real, normal(20, 8, 1, shift=30)) == 1
    assert metrics.nn_accuracy(real, real) == 0
    assert metrics.nn_permutation_test(real, real + 1e-3 * normal(20, 8, 2), seed=0) == 1


def test_tied_neighbours_share_the_vote():
    real, synthetic = np.array([[0.0], [0.0], [0.0]]), np.array([[0.0], [9.0]])
    # Of the rows tied with each of the three 2 of 3 are of its own kind, of those with the others 0 of 3 and 1 of 4.
    assert metrics.nn_accuracy(real, synthetic) == pytest.approx((3 * 2 / 3 + 0 + 1 / 4) / 5)


def test_permuted_values_are_those_of_the_shuffled_rows():
    rows, seed = normal(25, 3, 0), 4
    values = metrics.nn_permutations(rows[:10], rows[10:], seed, 3)
    rng, is_real = np.random.default_rng(seed), np.arange(25) < 10
    for value in values[1:]:
        split = rng.permutation(is_real)
        assert metrics.nn_accuracy(rows[split], rows[~split]) == pytest.approx(value)


def test_nearest_ties_marks_all_rows_at_the_smallest_distance():
    found = np.concatenate(
        [near.toarray() for near in nearest_ties(np.array([[0.0], [5.0]]), np.array([[1.0], [-1], [6]]))]
    )
    assert found.tolist() == [[1, 1, 0], [0, 0, 1]]
