"""One contract for every sampler of documents that the catalog finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from stub_service import stub_service
from tiny_language_models import settings, usable

from gensynth.data.labeled import LabeledData
from gensynth.kinds.text.documents import from_documents, plain
from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.kinds.text.samplers.catalog import load_sampler, made_sampler, text_sampler_names
from gensynth.sampler.synthetic import Synthetic

NAMES = usable(text_sampler_names())
NEEDS_TWO = {"splice"}
"""Samplers that make a document of two."""
SPAM = [
    "Free entry, win the big prize now! Call 08712 today.",
    "Win free cash now; reply YES, or call the prize line. Not a joke!",
    "URGENT: your mobile won the big prize, call now. Free entry today!",
    "Claim your free cash prize now, reply to win. Call today; it is not long!",
    "Your free entry won! Reply now, claim the big cash prize today.",
]
HAM = [
    "See you at home, I will call you later. Not today!",
    "Are you at the office now? I will not be late, see you.",
    "I will be home late today, do not wait. See you there!",
    "Call me later, I am at work now; it will not take long.",
    "Is it far? I will see you at the office later, not at home.",
    "Let me know, will you be at work today? I am home now.",
    "Do not call now. I am late, see you at work!",
    "I am not far; will you wait at home for me? See you later.",
]
ODD = [
    "",
    " \r\n\t",
    "ok",
    "12345",
    "😀😀 👩\u200d👧, ❤\ufe0f. 1\ufe0f\u20e3!",
    "שלום, אני לא בבית. نعم، ليس اليوم! \u202eevil\u202c.",
    "我没有钱，你好吗？这是一个测试。我们走吧！",
    "\0NUL, here. And <script>alert('x')</script>; =1+1, @A1.",
    "हिन्दी में लिखा है, यह नहीं। ठीक है?",
    "word, " * 3_300 + "end.",
]


def data(spam: list[str] = SPAM) -> LabeledData:
    return from_documents([*spam, *HAM], ["spam"] * len(spam) + ["ham"] * len(HAM))


def same(a: Synthetic, b: Synthetic) -> bool:
    told = (a.parents, a.how, a.sampler, a.seed, a.classes) == (b.parents, b.how, b.sampler, b.seed, b.classes)
    return told and a.x[:] == b.x[:] and np.array_equal(a.y, b.y) and np.array_equal(a.index, b.index)


@pytest.fixture(scope="module")
def named() -> Iterator[dict[str, dict[str, Any]]]:
    """Settings of the samplers that need something of the user's."""
    with stub_service() as service:
        yield {"llm": {"url": service.url, "model": "stub"}}


@pytest.fixture(scope="module", params=NAMES)
def sampler(request: pytest.FixtureRequest, named: dict[str, dict[str, Any]]) -> TextSampler:
    return made_sampler(request.param, named.get(request.param) or settings(request.param)).fit(data())


class TestDraws:
    def test_sample_i_depends_on_its_number_only(self, sampler: TextSampler) -> None:
        whole = sampler.sample("spam", 30, seed=7)
        assert [whole.classes[label] for label in whole.y] == ["spam"] * 30
        assert same(whole, Synthetic.concat([sampler.sample("spam", 15, 7), sampler.sample("spam", 15, 7, start=15)]))
        assert same(whole, Synthetic.concat([sampler.sample("spam", 1, 7, start=i) for i in range(30)]))

    def test_seed_and_label_matter(self, sampler: TextSampler) -> None:
        drawn = sampler.sample("spam", 10, 0).x[:]
        assert drawn != sampler.sample("spam", 10, 1).x[:] and drawn != sampler.sample("ham", 10, 0).x[:]

    def test_texts_are_new_and_differ(self, sampler: TextSampler) -> None:
        texts = sampler.sample("ham", 40, 0).x[:]
        assert not {*map(plain, texts)} & {*map(plain, (*SPAM, *HAM))}
        assert len({*texts}) > len(HAM)

    def test_parents_are_of_the_class_and_taken_in_turn(self, sampler: TextSampler) -> None:
        drawn = sampler.sample("spam", 2 * len(SPAM), 3)
        own = {i for i, y in zip(sampler.data_.ids, sampler.data_.y, strict=True) if sampler.data_.classes[y] == "spam"}
        assert {parent for each in drawn.parents for parent in each} <= own
        first = [each[0] for each in drawn.parents if each]
        assert not first or sorted(first[: len(SPAM)]) == sorted(first[len(SPAM) :]) == sorted(own)

    def test_saved_and_loaded_it_draws_the_same(self, sampler: TextSampler, tmp_path: Path) -> None:
        sampler.save(tmp_path / "one.sampler")
        loaded = load_sampler(tmp_path / "one.sampler")
        drawn = loaded.sample("spam", 12, 5)
        assert same(drawn, sampler.sample("spam", 12, 5))
        assert {*drawn.checkpoint_sha256} == {loaded.sha256_} and len(loaded.sha256_) == 64

    def test_fitted_again_it_forgets(self, sampler: TextSampler) -> None:
        again = clone(sampler).fit(data())
        again.sample("spam", 3, 0)
        fewer = from_documents([*HAM, *SPAM[:3]], ["ham"] * len(HAM) + ["spam"] * 3)
        fresh = clone(sampler).fit(fewer).sample("spam", 9, 0)
        assert same(again.fit(fewer).sample("spam", 9, 0), fresh)

    def test_leaves_the_global_random_state_alone(self, sampler: TextSampler) -> None:
        before = np.random.get_state()[1].copy()  # type: ignore[index]
        clone(sampler).fit(data()).sample("ham", 5, 0)
        assert np.array_equal(np.random.get_state()[1], before)  # type: ignore[index]

    def test_says_what_is_wrong(self, sampler: TextSampler) -> None:
        with pytest.raises(ValueError, match="label 'eggs' is not one of the classes 'ham', 'spam'"):
            sampler.sample("eggs", 3, 0)
        with pytest.raises(ValueError, match=rf"sampler '{sampler.name}' has no setting 'colour'; it has "):
            made_sampler(sampler.name, {"colour": "red"})
        with pytest.raises(NotFittedError):
            clone(sampler).sample("spam", 1, 0)


class TestOddDocuments:
    @pytest.mark.parametrize("at", range(len(ODD)))
    def test_in_a_class_of_ordinary_ones(self, sampler: TextSampler, at: int, tmp_path: Path) -> None:
        odd = clone(sampler).fit(data([*SPAM[:3], ODD[at]]))
        drawn = odd.sample("spam", 8, 0)
        assert all(isinstance(text, str) and text.encode() for text in drawn.x[:])
        odd.save(tmp_path / "odd.sampler")
        assert same(load_sampler(tmp_path / "odd.sampler").sample("spam", 8, 0), Synthetic.concat([drawn]))

    def test_all_in_one_class(self, sampler: TextSampler) -> None:
        texts = clone(sampler).fit(data(ODD)).sample("spam", 30, 0).x[:]
        assert len(texts) == 30 and max(map(len, texts)) < 60_000

    @pytest.mark.parametrize("text", [SPAM[1], "", "ok"])
    def test_one_document_of_a_class(self, sampler: TextSampler, text: str) -> None:
        one = clone(sampler).fit(data([text]))
        try:
            drawn = one.sample("spam", 3, 0)
        except ValueError as error:
            assert sampler.name in NEEDS_TWO or text != SPAM[1]
            assert str(error).startswith("class 'spam' has ") and str(error).endswith("; use 'edits' instead.")
        else:
            assert sampler.name not in NEEDS_TWO and len(drawn) == 3


class TestResampling:
    X, Y = [*SPAM, *HAM], ["spam"] * len(SPAM) + ["ham"] * len(HAM)

    @pytest.mark.parametrize(
        "form",
        [
            list,
            pd.Series,
            lambda x: pd.Series(x, dtype="string", name="body"),
            lambda x: pd.DataFrame({"body": pd.Series(x, dtype="string")}),
            lambda x: np.array(x, dtype=object),
            np.array,
            lambda x: np.array(x, dtype=object)[:, None],
        ],
    )
    def test_keeps_the_form(self, sampler: TextSampler, form: Any) -> None:
        x = form(self.X)
        more, y = clone(sampler).fit_resample(x, self.Y)
        assert type(more) is type(x) and len(more) == len(y) == 2 * len(HAM)
        assert y == [*self.Y, *["spam"] * (len(HAM) - len(SPAM))] and type(y[-1]) is str
        texts = np.asarray(more, dtype=object).ravel().tolist()
        new = clone(sampler).fit(data()).sample("spam", len(HAM) - len(SPAM), 0).x[:]
        assert texts == [*self.X, *new]
        if isinstance(x, pd.DataFrame):
            assert more.dtypes.equals(x.dtypes)
        elif not isinstance(x, list):
            assert more.dtype.kind == x.dtype.kind and more.ndim == x.ndim

    @pytest.mark.parametrize("labels", [np.array, pd.Series, lambda y: pd.Series(y, dtype="category")])
    def test_labels_keep_theirs(self, sampler: TextSampler, labels: Any) -> None:
        y = labels([int(name == "spam") for name in self.Y])
        _, more = clone(sampler).set_params(sampling_strategy={1: 7}).fit_resample(self.X, y)
        assert type(more) is type(y) and more.dtype == y.dtype and (np.asarray(more) == 1).sum() == 7

    def test_nothing_to_add(self, sampler: TextSampler) -> None:
        x = np.array(self.X)
        assert np.array_equal(clone(sampler).set_params(sampling_strategy={"spam": 5}).fit_resample(x, self.Y)[0], x)

    def test_inside_a_pipeline(self, sampler: TextSampler) -> None:
        pipeline = make_pipeline(clone(sampler), TfidfVectorizer(), LogisticRegression())
        assert pipeline.fit(self.X, self.Y).predict(["free prize, call now"]) == ["spam"]

    def test_says_what_is_wrong(self, sampler: TextSampler) -> None:
        with pytest.raises(ValueError, match="X must be texts or one column of them, got shape"):
            clone(sampler).fit_resample(np.array([["a", "b"]]), ["x"])
        with pytest.raises(TypeError, match="texts must be str, got float; fill in what is missing"):
            clone(sampler).fit_resample(["a", float("nan")], ["x", "y"])
        with pytest.raises(ValueError, match="random_state must be a whole number"):
            clone(sampler).set_params(random_state=-1).fit_resample(self.X, self.Y)
