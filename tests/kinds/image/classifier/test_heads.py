"""What is fitted to features: against scikit-learn, and where classes are rare or missing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression

from gensynth.kinds.image.classifier.heads import (
    HEADS,
    PULL,
    TRUST,
    Basis,
    Head,
    Lesson,
    bayesian,
    logistic,
)


def rows(counts: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features of classes that lie apart and have one covariance."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.normal(size=(len(y), 6)) @ np.random.default_rng(9).normal(size=(6, 6)) + 1.5 * np.eye(6)[y]
    return x.astype(np.float32), y


def test_logistic_regression_is_that_of_scikit_learn() -> None:
    x, y = rows((60, 40, 20))
    theirs = LogisticRegression(C=5 / len(y), tol=1e-8, max_iter=5000).fit(x, y).predict_proba(x)
    ours = logistic(Lesson(x, y, np.ones(len(y)), False, np.bincount(y)), (0.1, 5.0))[1].predict(x)
    assert ours == pytest.approx(theirs, abs=0.01)
    balanced = LogisticRegression(C=5 / len(y), tol=1e-8, max_iter=5000, class_weight="balanced").fit(x, y)
    ours = logistic(Lesson(x, y, np.full(len(y), 0.5), True, np.ones(3)), (5.0,))[0].predict(x)
    assert ours == pytest.approx(balanced.predict_proba(x), abs=0.01)


def test_a_class_of_few_examples_is_drawn_to_the_centre_and_is_wider() -> None:
    x, y = rows((500, 500, 2))
    kept = Lesson(x, y, np.ones(len(y)), True, np.bincount(y))
    found = bayesian(kept, (0.1,))[0]
    raw = np.stack([x[y == k].mean(0) for k in range(3)]) @ found.axes
    centre = x.mean(0) @ found.axes
    left = np.linalg.norm(found.means - centre, axis=1) / np.linalg.norm(raw - centre, axis=1)
    assert left[2] < 0.9 < 0.99 < left[:2].min() and (found.variances[2] > found.variances[0] + 0.05).all()
    assert kept.shares == pytest.approx([1 / 3] * 3)


def test_densities_are_those_of_normal_classes_with_normal_means() -> None:
    """Against the conjugate posterior with whole matrices, in the coordinates of the features."""
    x, y = rows((60, 40, 3))
    n, eye = np.bincount(y), np.eye(6)
    means = np.stack([x[y == k].mean(0, dtype=np.float64) for k in range(3)])
    within = (x - means[y]).T @ (x - means[y]) / len(y)
    within = 0.8 * within + 0.2 * np.trace(within) / 6 * eye
    white = np.linalg.inv(np.linalg.cholesky(within))
    centre = n @ means / len(y)
    off = (means - centre) @ white.T
    each = (len(y) - (n**2).sum() / len(y)) / 2  # Searle, Casella and McCulloch 1992, section 3.6
    values, vectors = np.linalg.eigh(((off * n[:, None]).T @ off / 2 - eye) / each)
    values = (1 - PULL) * values.clip(0) + PULL * values.clip(0).mean()
    precise = (vectors / values) @ vectors.T
    expected = []
    for k in range(3):
        spread = np.linalg.inv(n[k] * eye + precise)
        normal = multivariate_normal(spread @ (n[k] * off[k]), eye + spread)
        expected.append(normal.logpdf((x - centre) @ white.T))
    lesson = Lesson(x, y, np.ones(len(y)), False, np.bincount(y))
    found = bayesian(lesson, [0.9, 0.2])[1]
    assert np.diff(found.log_density(x)) == pytest.approx(np.diff(np.stack(expected, 1)), abs=1e-3)
    linear = logistic(lesson, [1 / 12, 3])[1]
    logits = x @ linear.coef + linear.intercept + TRUST * np.stack(expected, 1)
    assert found.predict(x) == pytest.approx(softmax(logits, 1), abs=1e-3)


def test_rare_classes_are_raised_where_all_count_alike_by_their_real_images_alone() -> None:
    x, y = rows((40, 40, 40))
    real = np.array([40, 40, 4])
    for head in HEADS:
        plain, raised = (
            np.log(head.fit(Lesson(x, y, np.ones(len(y)), True, n), [head.usual])[0].predict(x))
            for n in (np.full(3, 40), real)
        )
        if head.name == "trunk logistic":
            off = (raised - plain) - (raised - plain)[:, :1]
            assert off == pytest.approx(np.tile([0, 0, 0.15 * np.log(10)], (len(x), 1)), abs=1e-4)
        assert (np.exp(raised)[:, 2] >= np.exp(plain)[:, 2] - 1e-6).mean() > 0.9
    assert Lesson(x, y, np.ones(len(y)), False, real).raised == pytest.approx([0, 0, 0])


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)
def test_a_class_without_rows_is_never_predicted(head: Head) -> None:
    x, y = rows((20, 0, 10))
    for balanced in (False, True):
        p = head.fit(Lesson(x, y, np.ones(len(y)), balanced, np.bincount(y, minlength=3)), [head.usual])[0].predict(x)
        assert (p[:, 1] == 0).all() and p.sum(1) == pytest.approx(1) and ((p.argmax(1) == y).mean()) > 0.6
    assert head.usual in head.strengths


def test_rows_count_as_they_weigh() -> None:
    x, y = rows((30, 10))
    twice = Lesson(np.concatenate([x, x[:5]]), np.append(y, y[:5]), np.ones(45), False, np.bincount(y))
    weight = np.ones(40)
    weight[:5] = 2
    for head in HEADS:
        one, other = (
            head.fit(lesson, [head.usual])[0].predict(x)
            for lesson in (twice, Lesson(x, y, weight, False, np.bincount(y)))
        )
        assert one == pytest.approx(other, abs=1e-3)


def test_components_keep_what_varies_most() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(50, 3)), np.full((50, 1), 7.0)], axis=1)
    basis = Basis.of(x)
    assert np.isfinite(basis(x)).all() and basis(x).mean(0) == pytest.approx(0, abs=1e-5)
    assert np.diff(basis(x).var(0)[1:]).min() > -1e-6 and basis(x)[:, 1:].var(0).sum() == pytest.approx(3, abs=0.01)
