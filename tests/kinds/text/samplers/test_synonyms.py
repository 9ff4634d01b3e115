"""Synonyms: which words replace which, from the corpus and from WordNet's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gensynth.kinds.text.documents import from_documents
from gensynth.kinds.text.samplers.catalog import load_sampler
from gensynth.kinds.text.samplers.near_words import near_words
from gensynth.kinds.text.samplers.synonyms import Synonyms
from gensynth.kinds.text.samplers.wordnet import PARTS, synonyms

SENSES = {
    "noun": [("car", "auto", "motor_car"), ("car", "rail_car")],
    "verb": [("win", "gain"), ("cat", "retch")],
    "adj": [("ready(p)", "prepared", "not"), ("quick", "fast(a)", "Quick")],
    "adv": [],
}


def written(folder: Path) -> Path:
    """Write a WordNet of some senses, in the format of wndb(5WN), its licence before the first line."""
    folder.mkdir()
    for part in PARTS:
        data, offsets = b"  1 This software and database is being provided to you ...\n", dict[str, list[str]]()
        for words in SENSES[part]:
            offset = f"{len(data):08d}"
            for word in words:
                offsets.setdefault(word.partition("(")[0].lower(), []).append(offset)
            told = " ".join(f"{word} {at}" for at, word in enumerate(words))
            data += f"{offset} 06 n {len(words):02x} {told} 001 @ 00001740 n 0000 | a gloss  \n".encode()
        lines = ["  1 This software and database is being provided to you ..."]
        for word in sorted(offsets):
            at = offsets[word]
            lines.append(f"{word} n {len(at)} 2 @ ~ {len(at)} 0 {' '.join(at)}  ")
        (folder / f"data.{part}").write_bytes(data)
        (folder / f"index.{part}").write_text("\n".join(lines) + "\n")
    return folder


class TestWordNet:
    def test_synonyms_of_the_commonest_senses_come_first(self, tmp_path: Path) -> None:
        found = synonyms(written(tmp_path / "wn"), {"car", "win", "ready", "quick", "boat", "this"}, k=5)
        assert found == {
            "car": ("auto", "motor car", "rail car"),
            "win": ("gain",),
            "ready": ("not", "prepared"),
            "quick": ("fast",),
        }
        assert synonyms(tmp_path / "wn", {"car"}, k=1) == {"car": ("auto",)}

    def test_says_what_is_wrong(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="there is no file '.*index.noun'; give the folder of WordNet's index"):
            synonyms(tmp_path, {"car"}, 1)
        folder = written(tmp_path / "wn")
        for line in (
            "car n 9 2 @\n",
            "car \n",
            "car n 1 0 1 0 00000003\n",
            "car n x\n",
            f"car n 1 0 1 0 {10**30}\n",
            "car n 1 0 1 0 -5\n",
        ):
            (folder / "index.noun").write_text(line)
            with pytest.raises(ValueError, match=r"are no files of WordNet 3; get them again\."):
                synonyms(folder, {"car"}, 1)


def test_words_of_the_same_company_are_near() -> None:
    rng = np.random.default_rng(0)
    groups = [["red", "blue", "green"], ["car", "bus", "van"], ["fast", "slow", "well"]]
    documents = [["a", *(str(rng.choice(group)) for group in groups), "today"] for _ in range(300)]
    found = near_words(documents, k=2)
    for group in groups:
        assert all({*found[word]} == {*group} - {word} for word in group)


@pytest.mark.parametrize(
    "documents", [[], [[]], [["a", "a", "a"]], [["a"], ["b"]], [["a", "b"] * 3], [["a"], ["b"]] * 3]
)
def test_small_corpora_have_few_near_words(documents: list[list[str]]) -> None:
    found = near_words(documents, k=5)
    assert {word: {*near} for word, near in found.items()} in ({}, {"a": {"b"}, "b": {"a"}})


class TestSynonyms:
    def test_replaces_words_as_they_are_written(self, tmp_path: Path) -> None:
        data = from_documents(["WIN a Car, not 3 cars! Ready?"], ["a"])
        sampler = Synonyms(rate=1, wordnet=str(written(tmp_path / "wn")), k=1).fit(data)
        assert sampler.sample("a", 1, 0).x[:] == ["GAIN a Auto, not 3 cars! Ready?"]
        assert sampler.sample("a", 1, 0).how == ("wordnet",)
        assert Synonyms(rate=1, wordnet=sampler.wordnet, keep="car").fit(data).sample("a", 1, 0).x[:] == [
            "GAIN a Car, not 3 cars! Prepared?"
        ]

    def test_needs_wordnet_when_fitted_only(self, tmp_path: Path) -> None:
        data = from_documents(["win a car"], ["a"])
        sampler = Synonyms(wordnet=str(written(tmp_path / "wn"))).fit(data)
        sampler.save(tmp_path / "one.sampler")
        (tmp_path / "wn").rename(tmp_path / "gone")
        assert load_sampler(tmp_path / "one.sampler").sample("a", 5, 0).x[:] == sampler.sample("a", 5, 0).x[:]

    def test_neither_replaces_nor_puts_in_what_is_never_touched(self) -> None:
        rng = np.random.default_rng(0)
        texts = [" ".join(rng.permutation(["it", "was", "not", "good", "bad", "5", "fine", "so"])) for _ in range(40)]
        sampler = Synonyms(rate=1, keep=["good"]).fit(from_documents(texts, ["a"] * 40))
        used = {*sampler.similar_.to} | {word for near in sampler.similar_.to.values() for word in near}
        assert used == {"it", "was", "bad", "fine", "so"}
        for text in sampler.sample("a", 40, 0).x[:]:
            assert all(text.split().count(word) == 1 for word in ("not", "5", "good"))

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"k": 0}, "k must be a whole number, at least 1; got 0"),
            ({"rate": -1}, "rate must be a number from 0 to 1, got -1"),
            ({"keep": False}, "keep must be words"),
        ],
    )
    def test_wrong_settings_are_refused(self, settings: dict[str, object], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            Synonyms(**settings).fit(from_documents(["a b"], ["a"]))  # type: ignore[arg-type]

    def test_a_corpus_without_repeated_words_is_refused(self) -> None:
        sampler = Synonyms().fit(from_documents(["one two", "three four"], ["a", "b"]))
        with pytest.raises(ValueError, match="class 'a' has 0 documents with a word that has similar ones, and 'syn"):
            sampler.sample("a", 1, 0)
