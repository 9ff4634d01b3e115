"""Rewriters: which sentences are written anew, by models and by functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_language_models import shared_seq2seq

from gensynth.kinds.text.documents import from_documents
from gensynth.kinds.text.samplers.backtranslate import Backtranslate
from gensynth.kinds.text.samplers.paraphrase import Paraphrase
from gensynth.kinds.text.samplers.rewriter import TRIES, Rewriter


def drawn(sampler: Rewriter, text: str, n: int = 1) -> list[str]:
    found: list[str] = sampler.fit(from_documents([text], ["a"])).sample("a", n, 0).x[:]
    return found


def upper(texts: list[str]) -> list[str]:
    return [text.upper() for text in texts]


class TestFunctions:
    def test_take_sentences_and_the_rest_stays(self) -> None:
        seen = list[list[str]]()

        def there(texts: list[str]) -> list[str]:
            seen.append(texts)
            return [f"<{text}>" for text in texts]

        text = "One two.  Three!\n\n3.14! \U0001f600 Four?"
        assert drawn(Backtranslate(there, upper), text) == ["<ONE TWO.>  <THREE!>\n\n3.14! <\U0001f600 FOUR?>"]
        assert seen == [["One two.", "Three!", "\U0001f600 Four?"]]

    def test_need_no_transformers_and_no_folders(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gensynth.kinds.text.samplers.language_models.find_spec", lambda name: None)
        sampler = Backtranslate(upper, lambda texts: [f"{text}!" for text in texts])
        assert drawn(sampler, "one") == ["ONE!"] and sampler.weights_.sha256 == {}
        assert sampler.sample("a", 1, 0).how == ("functions",)

    def test_an_empty_answer_leaves_the_sentence(self) -> None:
        assert drawn(Backtranslate(upper, lambda texts: ["", *["new"] * (len(texts) - 1)]), "One. Two.") == ["One. new"]

    def test_a_copy_is_written_again(self) -> None:
        answers = iter(["One. ", "ONE.", "another", "never asked"])
        assert drawn(Backtranslate(upper, lambda texts: [next(answers)]), "One.") == ["another"]
        asked = list[str]()
        assert drawn(Backtranslate(upper, lambda texts: [*texts] if not asked.append("") else []), "One.") == ["ONE."]
        assert len(asked) == TRIES

    @pytest.mark.parametrize("answer", [None, "one", ["one"], ["one", 2]])
    def test_of_wrong_answers_are_refused(self, answer: Any) -> None:
        with pytest.raises(ValueError, match="there and back must return a list of str, one for each of the 2"):
            drawn(Backtranslate(lambda texts: answer, upper), "One. Two.")

    def test_cannot_be_saved(self, tmp_path: Path) -> None:
        sampler = Backtranslate(upper, upper).fit(from_documents(["one"], ["a"]))
        with pytest.raises(TypeError):
            sampler.save(tmp_path / "one.sampler")

    def test_one_without_the_other_is_refused(self) -> None:
        with pytest.raises(ValueError, match="backtranslate needs the folders of two models that translate"):
            drawn(Backtranslate(upper), "one")


class TestModels:
    def test_change_every_sentence_that_they_read(self) -> None:
        pytest.importorskip("transformers")
        long, text = "see you " * 40 + "now.", "See you at home.\n\nWin a prize!"
        folder = str(shared_seq2seq(1))
        for sampler in (Paraphrase(folder, template="{text}"), Backtranslate(folder, str(shared_seq2seq(2)))):
            for made in drawn(sampler, f"{long} {text}", 5):
                first, second = made.split("\n\n")
                assert first.startswith(f"{long} ") and (first, second) != (f"{long} See you at home.", "Win a prize!")
            with pytest.raises(ValueError, match="class 'a' has 0 documents with a sentence that its model reads, "):
                drawn(sampler, long)

    def test_the_template_is_what_the_model_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("transformers")
        told = list[str]()
        monkeypatch.setattr(
            "gensynth.kinds.text.samplers.paraphrase.written",
            lambda model, texts, seed, **settings: told.append((*texts, *settings.values())) or ["new", "newer"],
        )
        sampler = Paraphrase(str(shared_seq2seq(1)), template="say {text} anew", temperature=2, top_p=0.5)
        assert drawn(sampler, "One {text}. Two.") == ["new newer"]
        assert told == [("say One {text}. anew", "say Two. anew", 2.0, 0.5)]

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"top_p": 0}, "top_p must be a number above 0, got 0"),
            ({"top_p": 1.1}, "top_p must be a number from 0 to 1, got 1.1"),
            ({"temperature": "hot"}, "temperature must be a number above 0, got 'hot'"),
            ({"template": {"paraphrase": None}}, r"template must be text with \{text\} once, .* quotes of its own"),
            ({"template": "say it"}, "template must be text with {text} once, where the sentence goes, got 'say it'"),
        ],
    )
    def test_wrong_settings_are_refused(self, settings: dict[str, Any], said: str) -> None:
        pytest.importorskip("transformers")
        with pytest.raises(ValueError, match=said):
            drawn(Paraphrase(str(shared_seq2seq(1)), **settings), "one")
