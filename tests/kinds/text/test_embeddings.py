"""Tests of gensynth.kinds.text.embeddings: weights at hand, in tiny folders made here, as space and as classifier."""

from __future__ import annotations

import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from checked import drawn, of_class
from made_reviews import THINGS, reviews

from gensynth.evaluate.ways import REAL
from gensynth.fidelity.checker import FidelityChecker
from gensynth.kind import kinds
from gensynth.kinds.text.classifiers import classifiers_of
from gensynth.kinds.text.config import TextCheckConfig, TextChooseConfig, TextEvaluateConfig
from gensynth.kinds.text.embeddings import pretrained


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of vectors in which the words of an offer point one way, and all others another."""
    model2vec, tokenizers = pytest.importorskip("model2vec"), pytest.importorskip("tokenizers")
    words = sorted({word for data in (reviews(0), reviews(1)) for text in data.x.texts for word in text.split()})
    tokens = {word: i for i, word in enumerate(["?", *words])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(tokens, unk_token="?"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    vectors = np.random.default_rng(0).normal(size=(len(tokens), 16)).astype(np.float32)
    vectors[[i for word, i in tokens.items() if word in THINGS["offer"]], 0] += 9
    folder = tmp_path_factory.mktemp("table")
    model2vec.StaticModel(vectors, tokenizer).save_pretrained(folder)
    return folder


def test_a_table_of_vectors_is_read_once_for_each_text(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedding, asked = pretrained("static", table), []
    digest = sha256((table / "model.safetensors").read_bytes()).hexdigest()
    assert embedding.stamp == {"features": f"static embedding {table.name}", "weights_sha256": digest}
    encode = embedding._encode
    monkeypatch.setattr(embedding, "_encode", lambda texts: asked.extend(texts) or encode(texts))
    found = embedding(["a free prize", "", "the cat", "a free prize"])
    assert found.shape == (4, 16) and np.allclose(np.linalg.norm(found, axis=1), [1, 0, 1, 1])
    assert np.array_equal(embedding(["the cat"])[0], found[2]) and asked == ["a free prize", "", "the cat"]


def test_documents_are_checked_in_an_embedding_that_is_stamped(table: Path) -> None:
    train, config = reviews(0), TextCheckConfig("static", table)
    space = kinds()["text"].check_space(train, config, None)
    assert space.stamp == {"name": "text", **pretrained("static", table).stamp}
    gate = FidelityChecker(train, space=space).gate
    x = of_class(reviews(1), "offer").x
    right, wrong = (gate(drawn(x, [label] * len(x), train.classes)) for label in (0, 1))
    assert right.accepted.mean() > 0.8 and np.mean([reason == "label" for reason in wrong.reason]) > 0.8
    plain = kinds()["text"].check_space(train, TextCheckConfig(), None)
    assert plain.stamp["features"] == "hashed TF-IDF of words and characters"


def test_an_embedding_is_a_classifier_where_it_is_named(table: Path) -> None:
    train, test = reviews(0, 60, 12), reviews(1)
    assert [c.name for c in classifiers_of(train, TextEvaluateConfig())] == ["logistic", "svm"]
    config = TextEvaluateConfig(classifiers=("logistic", "static"), weights=str(table), folds=3)
    words, vectors = classifiers_of(train, config)
    assert not words.notes and table.name in vectors.notes[0] and table.name in str(vectors.settings)
    outcome = vectors.try_way(REAL, train, None, test, lambda _: None)
    assert outcome.score(np.ones((180, 1)), 1)["average_precision"][0, 0] > 0.9


def test_a_network_of_sentences_is_read_from_its_folder(tmp_path: Path) -> None:
    parts = pytest.importorskip("sentence_transformers.models")
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel, BertTokenizer

    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "free", "prize"]))
    tiny = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    BertModel(BertConfig(vocab_size=7, **tiny)).save_pretrained(tmp_path / "bert")
    BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "bert")
    bert = parts.Transformer(str(tmp_path / "bert"))
    SentenceTransformer(modules=[bert, parts.Pooling(8)], device="cpu").save(str(tmp_path / "whole"))
    embedding = pretrained("sentence", tmp_path / "whole")
    found = embedding(["free prize", "prize free", "free prize"])
    assert found.shape == (3, 8) and np.array_equal(found[0], found[2]) and not np.allclose(found[0], found[1])
    modules = tmp_path / "whole" / "modules.json"
    modules.write_text(modules.read_text().replace("sentence_transformers.", "strangers_module.", 1))
    with pytest.raises(ValueError, match="does not hold the weights of a sentence embedding"):
        pretrained("sentence", tmp_path / "whole")


@pytest.mark.skipif(find_spec("wordllama") is None, reason="its weights are not at hand")
def test_the_vectors_of_a_package_are_found() -> None:
    pytest.importorskip("model2vec")
    found = pretrained("static")(["a dog barks", "puppies bark", "the share price fell"])
    near, far = found[1:] @ found[0]
    assert near > far + 0.2


def test_what_is_missing_or_wrong_is_said(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="not on this machine .no folder .*nowhere.; run 'pip"):
        pretrained("static", tmp_path / "nowhere")
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="does not hold the weights of a static embedding in safetensors"):
        pretrained("static", tmp_path)
    with pytest.raises(ValueError, match="embedding tfidf reads no weights"):
        TextCheckConfig(weights=table)
    for config in (TextEvaluateConfig, TextChooseConfig):
        with pytest.raises(ValueError, match="got none of them; name one"):
            config(weights=str(table))
        with pytest.raises(ValueError, match="got static and sentence; name one"):
            config(weights=str(table), classifiers=("static", "sentence"))
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs model2vec; run 'pip install gensynth\[static\]'"):
        pretrained("static", table)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "wordllama" else find_spec(name))
    with pytest.raises(FileNotFoundError, match=r"no package.; run 'pip install --no-deps wordllama==0.4.0.post1'"):
        pretrained("static")
