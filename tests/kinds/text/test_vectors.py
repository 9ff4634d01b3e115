"""Tests of gensynth.kinds.text.vectors: texts in pipelines of scikit-learn and imbalanced-learn."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from made_reviews import reviews
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from gensynth.kinds.text import Vectors


def test_smote_draws_between_vectors_in_a_pipeline() -> None:
    train, test = reviews(0), reviews(1)
    model = make_pipeline(Vectors(), SMOTE(k_neighbors=2), LogisticRegression()).fit(train.x[:], train.y)
    assert (model.predict(test.x[:]) == test.y).mean() > 0.9


def test_vectors_are_of_length_1_and_the_same_again() -> None:
    train = reviews(0)
    vectors = Vectors().fit(train.x[:])
    found = vectors.transform(["the cat", ""])
    assert np.allclose(np.linalg.norm(vectors.transform(train.x[:5]), axis=1), 1) and not found[1].any()
    assert np.array_equal(clone(vectors).fit(train.x[:]).transform(["the cat", ""]), found)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of tfidf, static, sentence, got 'word2vec'"):
        Vectors("word2vec").fit(["a b", "a c"])
    with pytest.raises(NotFittedError):
        Vectors().transform(["a"])
