"""Tests of gensynth.kinds.text.classifiers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from checked import drawn
from made_reviews import reviews
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.model_classifier import ModelClassifier, Taught
from gensynth.evaluate.ways import OVERSAMPLED, REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.text.classifiers import classifiers_of
from gensynth.kinds.text.config import CLASSIFIERS, TextChooseConfig, TextEvaluateConfig
from gensynth.kinds.text.documents import Documents, array_of

ONE = np.ones((180, 1))


def made(model: str, train: LabeledData) -> ModelClassifier:
    (found,) = classifiers_of(train, TextEvaluateConfig(classifiers=(model,), folds=3))
    return found


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_every_way_tells_the_classes_apart(model: str) -> None:
    train, test = reviews(0, 60, 12), reviews(1)
    classifier = made(model, train)
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
    classifier, offer = made("logistic", train), np.flatnonzero(train.y == 0)
    same = drawn(train.x.take(offer), train.y[offer], train.classes, [train.ids[i] for i in offer])
    left = Taught.of(train, same, lambda x: list(x.texts)).without(offer[:4])
    assert len(left.y) == len(left.items) == 72 + 12 - 8 and left.n_real == 72 - 4
    assert not {train.x[int(i)] for i in offer[:4]} & {*left.items}
    foreign = drawn(Documents(array_of(["free prize"])), [0], train.classes)
    assert classifier.try_way(REAL, train, foreign, test, lambda _: None).n_train == 73


def test_an_estimator_of_the_users_takes_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = reviews(0, 60, 12), reviews(1)
    (own,) = classifiers_of(train, TextEvaluateConfig(folds=3), make_pipeline(TfidfVectorizer(), MultinomialNB()))
    assert own.name == "Pipeline" and own.settings is None and not own.lacks
    for way in TextEvaluateConfig.ways:
        assert own.try_way(way, train, None, test, lambda _: None).score(ONE, 1)["average_precision"] > 0.9, way
    monkeypatch.chdir(tmp_path)
    Path("my_words.py").write_text(
        "from sklearn.feature_extraction.text import TfidfVectorizer as T\n"
        "from sklearn.neighbors import KNeighborsClassifier as K\n"
        "from sklearn.pipeline import make_pipeline\n"
        "def build():\n    return make_pipeline(T(), K())\n"
    )
    both = classifiers_of(train, TextEvaluateConfig(classifier="my_words:build", classifiers=("svm",)))
    assert [c.name for c in both] == ["build", "svm"] and "sample_weight" in both[0].lacks["class weights"]
    with pytest.raises(TypeError, match="has predict_proba, or a function"):
        classifiers_of(train, TextEvaluateConfig(), LinearSVC())
    with pytest.raises(ValueError, match="cannot be imported"):
        classifiers_of(train, TextEvaluateConfig(classifier="my_words:nothing"))


def test_three_classes_have_no_threshold() -> None:
    data = reviews(0, 40, 20)
    y = data.y.copy()
    y[:20] = 2
    train = replace(data, y=y, classes=("offer", "plain", "other"))
    classifier = made("svm", train)
    outcome = classifier.try_way(REAL, train, None, train, lambda _: None)
    assert outcome.threshold is None and outcome.positive is None and outcome.raw.shape == (1, 60, 3)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown classifiers 'logistc'"):
        TextEvaluateConfig(classifiers=("logistc",))
    with pytest.raises(ValueError, match="unknown classifiers 'x'"):
        TextChooseConfig(classifiers=("x",))
    with pytest.raises(ValueError, match="most_documents must be at least 100"):
        TextEvaluateConfig(most_documents=10)
