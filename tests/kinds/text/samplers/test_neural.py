"""NeuralText: one network for all classes; the contract of all samplers stands in `test_base.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gensynth.data.labeled import LabeledData
from gensynth.kind import kinds
from gensynth.kinds.text.documents import from_documents, plain
from gensynth.kinds.text.samplers.catalog import load_sampler
from gensynth.kinds.text.samplers.neural import NeuralText

pytest.importorskip("tokenizers")
TINY = {"width": 16, "depth": 1, "dropout": 0.0, "lr": 0.02}


def data() -> LabeledData:
    """Documents of both classes say what they like; of the rare one that is another thing."""
    who, often = "I,you,we,they,all,some".split(","), "the,a,one,this,that".split(",")
    common = [f"{a} like {b} cat" for a in who for b in often]
    rare = [f"{a} like {b} dog" for a in who[:3] for b in often[:2]]
    return from_documents([*common, *rare], ["cats"] * len(common) + ["dogs"] * len(rare))


@pytest.fixture(scope="module")
def fitted() -> NeuralText:
    return NeuralText(model=TINY, pieces=320, epochs=65, batch_size=16).fit(data())


class TestDrawn:
    def test_a_rare_class_speaks_as_the_others_and_of_its_own(self, fitted: NeuralText) -> None:
        texts = fitted.sample("dogs", 64, 0).x[:]
        assert sum("dog" in text for text in texts) > 40 > 20 > sum("cat" in text for text in texts)
        borrowed = {text.split(" ")[0] for text in texts} & {"they", "all", "some"}
        assert borrowed, "words that stand in documents of the other class alone"

    def test_none_is_a_copy_while_there_are_others_nor_longer_than_real_ones(self, fitted: NeuralText) -> None:
        drawn, real = fitted.sample("dogs", 64, 1), {*map(plain, data().x.texts)}
        assert sum(plain(text) in real for text in drawn.x[:]) < 16
        longest = max(len(fitted.pieces_.numbers(text)) for text in data().x.texts)
        assert max(len(fitted.pieces_.numbers(text)) for text in drawn.x[:]) <= longest
        assert {*drawn.parents} == {()} and {*drawn.how} == {"top 0.95"}

    def test_curves_are_kept(self, fitted: NeuralText) -> None:
        assert fitted.history_["val/loss"][-1] < fitted.history_["val/loss"][0]


def test_a_file_with_other_weights_is_refused(fitted: NeuralText, tmp_path: Path) -> None:
    fitted.save(tmp_path / "one.sampler")
    with np.load(tmp_path / "one.sampler") as file:
        arrays = dict(file)
    at, wider = "weights_/norm.weight", str(arrays["json"]).replace('"width": 16', '"width": 4096')
    for wrong in ({at: arrays[at][:-1]}, {"json": np.array(wider)}):
        np.savez(tmp_path / "two.npz", **{**arrays, **wrong})
        (tmp_path / "two.npz").rename(tmp_path / "two.sampler")
        with pytest.raises(ValueError, match="does not fit this version .*: its (weights|settings) are .*; train"):
            load_sampler(tmp_path / "two.sampler")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pieces": 256}, "pieces must be a whole number from 257 to 50000, got 256"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"top_p": 0}, "top_p must be a number above 0, at most 1; got 0"),
        ({"model": {"widht": 8}}, "unknown settings .*'widht'.* known: .*width"),
        ({"generator": "vae"}, "'vae' is for images; for documents there are text_lm"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NeuralText(**settings).fit(data())  # type: ignore[arg-type]


def test_the_time_of_a_fit_grows_with_the_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10))
    monkeypatch.setattr("gensynth.kinds.text.samplers.neural.perf_counter", lambda: next(clock))
    monkeypatch.setattr("gensynth.kinds.text.samplers.neural.TIMED", 12)
    assert NeuralText(model=TINY, pieces=257, epochs=10).seconds_to_fit(data()) == 1 * 10 * 36 / 12


def test_a_choice_tries_it_on_many_documents_only() -> None:
    few, many = data(), from_documents(["one", "two"] * 10_000, ["a", "b"] * 10_000)
    tried, notes = kinds()["text"].tried(few)
    assert "text_lm" not in {sampler.name for sampler in tried} and len(notes) == 1
    assert notes[0].startswith("text_lm is left out: it takes ") and notes[0].endswith(" and there are 36.")
    tried, notes = kinds()["text"].tried(many)
    assert "text_lm" in {sampler.name for sampler in tried} and not notes
