"""Tests of gensynth.kinds.text.classifiers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checked import drawn
from made_reviews import reviews

from gensynth.evaluate.ways import OVERSAMPLED, REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.text.classifiers import text_classifiers
from gensynth.kinds.text.config import CLASSIFIERS, TextChooseConfig, TextEvaluateConfig
from gensynth.kinds.text.documents import Documents, array_of

ONE = np.ones((180, 1))


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_every_way_tells_the_classes_apart(model: str) -> None:
    train, test = reviews(0, 60, 12), reviews(1)
    (classifier,) = text_classifiers([model], 0, 3)
    found = {way: classifier.try_way(way, train, None, test, lambda _: None) for way in TextEvaluateConfig.ways}
    for way, outcome in found.items():
        assert outcome.score(ONE, 1)["average_precision"][0, 0] > 0.9, way
        assert outcome.raw.shape == (1, 180, 2) and outcome.positive == 0 and outcome.threshold is not None
    assert found[OVERSAMPLED].n_train == 120 and found[WEIGHTS].n_train == found[REAL].n_train == 72
    assert np.array_equal(found[THRESHOLD].raw, found[REAL].raw) and found[THRESHOLD].moved
    again = replace(classifier).try_way(WEIGHTS, train, None, test, lambda _: None)
    assert np.array_equal(again.raw, found[WEIGHTS].raw)


def test_what_is_made_from_a_held_out_document_is_not_learned_from() -> None:
    train, test = reviews(0, 60, 12), reviews(1)
    (classifier,) = text_classifiers(["logistic"], 0, 3)
    offer = np.flatnonzero(train.y == 0)
    lesson = classifier._lesson(
        train, drawn(train.x.take(offer), train.y[offer], train.classes, [train.ids[i] for i in offer])
    )
    left = lesson.without(offer[:4])
    assert len(left.y) == 72 + 12 - 8 and not {*offer[:4].tolist()} & set().union(*left.parents)
    foreign = drawn(Documents(array_of(["free prize"])), [0], train.classes)
    assert classifier.try_way(REAL, train, foreign, test, lambda _: None).n_train == 73


def test_three_classes_have_no_threshold() -> None:
    data = reviews(0, 40, 20)
    y = data.y.copy()
    y[:20] = 2
    train = replace(data, y=y, classes=("offer", "plain", "other"))
    (classifier,) = text_classifiers(["svm"], 0, 3)
    outcome = classifier.try_way(REAL, train, None, train, lambda _: None)
    assert outcome.threshold is None and outcome.positive is None and outcome.raw.shape == (1, 60, 3)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown classifiers 'logistc'"):
        TextEvaluateConfig(classifiers=("logistc",))
    with pytest.raises(ValueError, match="classifiers names none"):
        TextChooseConfig(classifiers=())
    with pytest.raises(ValueError, match="most_documents must be at least 100"):
        TextEvaluateConfig(most_documents=10)
