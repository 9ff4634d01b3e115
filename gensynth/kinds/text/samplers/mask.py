"""Mask: real documents of the class, some words filled in anew by a masked language model of the user's."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, ClassVar, final

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from gensynth.data.labeled import LabeledData
from gensynth.kinds.text.features import Counts, Tfidf
from gensynth.kinds.text.samplers.language_models import LanguageModel, ModelSampler
from gensynth.kinds.text.samplers.words import (
    as_written,
    check_count,
    check_positive,
    check_share,
    cut,
    listed,
    never,
    sentences,
    touchable,
)
from gensynth.sampler.in_turn import Made

BEGINS, GOES_ON = ("\u2581", "\u0120"), "##"
"""What marks a token that begins a word (SentencePiece, byte-level pairs), and one that does not (WordPiece)."""


@final
@dataclass(frozen=True, eq=False)
class Filler:
    """A masked language model, and the whole words among its tokens.

    Attributes:
        model: The model.
        ids: Numbers of the tokens that are words which may be filled in, int64, ascending.
        words: These words.
    """

    model: LanguageModel
    ids: np.ndarray
    words: Sequence[str]

    @staticmethod
    @lru_cache(maxsize=1)
    def of(model: LanguageModel, kept: frozenset[str]) -> Filler:
        """Return the filler of a model that never fills in the words `kept`.

        Raises:
            ValueError: if it has no token for a mask, or not two that are words.
        """
        tokenizer, known = model.tokenizer, min(len(model.tokenizer), model.network.config.vocab_size)
        tokens = tokenizer.convert_ids_to_tokens(list(range(known)))
        begins = tuple(mark for mark in BEGINS if any(token.startswith(mark) for token in tokens))
        words = {
            number: tokenizer.convert_tokens_to_string([token]).strip()
            for number, token in enumerate(tokens)
            if (token.startswith(begins) if begins else not token.startswith(GOES_ON))
        }
        # A number, a special token such as [SEP], and part of one are none.
        words = {number: w for number, w in words.items() if w.isalpha() and cut(w)[1:] == [w, ""]}
        words = {number: w for number, w in words.items() if touchable(w, kept)}
        if tokenizer.mask_token is None or len({w.casefold() for w in words.values()}) < 2:
            raise ValueError("mask needs a masked language model whose tokenizer has a mask and whole words; name one.")
        return Filler(model, np.array([*words]), [*words.values()])

    def reads(self, text: str) -> bool:
        """Return whether the model reads a text, which must not hold a mask itself."""
        return self.model.tokenizer.mask_token not in text and self.model.reads(text)

    def scores(self, pieces: Sequence[str], places: Sequence[int]) -> np.ndarray:
        """Return how well each word fits at some places of a text, as logits, float32, shape (places, words).

        Args:
            pieces: The text as `cut` returns it.
            places: Positions of the words that the model does not see, ascending.
        """
        import torch

        mask, number = self.model.tokenizer.mask_token, self.model.tokenizer.mask_token_id
        inputs = self.model.encoded(["".join(mask if at in places else piece for at, piece in enumerate(pieces))])
        with torch.inference_mode():
            logits = self.model.network(**inputs).logits[0]
        found: np.ndarray = logits[inputs["input_ids"][0] == number].cpu().numpy()[:, self.ids]
        return found


@final
@dataclass(frozen=True, eq=False)
class Judge:
    """Logistic regression on TF-IDF of words and characters: says how likely a text is of a class.

    Attributes:
        tfidf: Of the training documents.
        model: None where nothing tells classes apart.
    """

    tfidf: Tfidf | None
    model: LogisticRegression | None

    @staticmethod
    def of(data: LabeledData) -> Judge:
        """Fit to training documents."""
        counts = Counts()(list(data.x.texts))
        try:
            tfidf = Tfidf(counts)
        except ValueError:  # no two documents have a word in common
            return Judge(None, None)
        if len(np.unique(data.y)) < 2:
            return Judge(tfidf, None)
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            warnings.simplefilter("ignore", ConvergenceWarning)  # a little short of the optimum it ranks as well
            return Judge(tfidf, LogisticRegression(max_iter=300).fit(tfidf(counts), data.y))

    def best(self, texts: Sequence[str], label: int) -> str:
        """Return the text that is most likely of a class; the first one where all are alike."""
        if self.tfidf is None or self.model is None:
            return texts[0]
        # Counted by themselves: `Counts` remembers what it has seen, and these come once.
        p = self.model.predict_proba(self.tfidf(Counts()(texts)))
        return texts[int(p[:, self.model.classes_ == label].argmax())]


@final
class Mask(ModelSampler):
    """Each document is a real one of the class in which a masked language model replaced some words.

    The model sees the document without these words and says which ones fit there; from the `k` that fit best each is
    drawn, all at once (Kobayashi 2018, "Contextual augmentation: Data augmentation by words with paradigmatic
    relations"). It knows no classes, and would put `bad` where `good` was. Wu et al. 2019 ("Conditional BERT contextual
    augmentation") and Kumar, Choudhary and Cho 2020 ("Data augmentation using pre-trained transformer models") train it
    with the labels; here it stays as it is, and of several candidates the one is kept that a logistic regression,
    fitted to the training documents, finds most of the class. Negations and numbers are neither replaced nor put in.

    A document that is longer than the model reads is taken sentence by sentence; a longer sentence stays as it is.

    Args:
        weights: The folder of the model, such as a BERT or a RoBERTa, as transformers saves it, with safetensors; or
            OWNER/MODEL on Hugging Face.
        rate: Share of the words that are replaced, from 0 to 1; one word at least.
        k: Words that are drawn from, for each word.
        temperature: The higher, the less likely words are drawn.
        candidates: Documents that are made for each that is kept; 1 for no judge.
        keep: Further words that are never touched, also as text with commas.
        download: Whether a model on Hugging Face that is not at hand is downloaded.
        sampling_strategy: As in `TextSampler`.
        random_state: As in `TextSampler`.
    """

    name = "mask"
    suited: ClassVar[str] = "with a word that its model can replace"
    needs: ClassVar[str] = "the folder of a masked language model: --settings.weights FOLDER"

    def __init__(
        self,
        weights: str | None = None,
        rate: float = 0.15,
        k: int = 20,
        temperature: float = 1.0,
        candidates: int = 4,
        keep: Sequence[str] | str = (),
        download: bool = False,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.weights, self.download, self.rate, self.keep = weights, download, rate, keep
        self.k, self.temperature, self.candidates = k, temperature, candidates

    @property
    def _folders(self) -> Sequence[Any]:
        return [self.weights]

    def _check(self) -> None:
        super()._check()
        check_share("rate", self.rate)
        check_count("k", self.k)
        check_count("candidates", self.candidates)
        check_positive("temperature", self.temperature)
        self._never = never(listed(self.keep, "keep"))
        self._judge: Judge | None = None

    def _filler(self) -> Filler:
        return Filler.of(self.model("AutoModelForMaskedLM", str(self.weights)), self._never)

    def _places(self, text: str) -> tuple[list[list[str]], list[tuple[int, int]]]:
        """Return a text in parts that the model reads, each cut into words, and the places of words to replace."""
        reads = self._filler().reads
        parts = [text] if reads(text) else sentences(text)
        cuts = [cut(part) for part in parts]
        read = [at for at, part in enumerate(parts) if len(cuts[at]) > 1 and reads(part)]
        return cuts, [(p, at) for p in read for at in range(1, len(cuts[p]), 2) if touchable(cuts[p][at], self._never)]

    def _suits(self, text: str) -> bool:
        return bool(self._places(text)[1])

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        cuts, places = self._places(self.data_.x[turn])
        n = max(1, round(self.rate * sum(len(pieces) // 2 for pieces in cuts)))
        chosen = sorted(places[i] for i in rng.permutation(len(places))[:n].tolist())
        fitting = dict[tuple[int, int], tuple[list[str], np.ndarray]]()
        for p, group in groupby(chosen, itemgetter(0)):
            hidden = [at for _, at in group]
            # A mask that lies beyond what the model reads keeps its word.
            for at, scores in zip(hidden, self._filler().scores(cuts[p], hidden), strict=False):
                fitting[p, at] = self._fitting(scores, cuts[p][at])
        texts = list[str]()
        for _ in range(self.candidates):
            made = [[*pieces] for pieces in cuts]
            for (p, at), (words, chances) in fitting.items():
                made[p][at] = as_written(words[rng.choice(len(words), p=chances)], cuts[p][at])
            texts.append("".join(piece for pieces in made for piece in pieces))
        return self._best(texts, label), self.stamp, (turn,)

    def _fitting(self, scores: np.ndarray, real: str) -> tuple[list[str], np.ndarray]:
        """Return the words that fit best in the place of a real one, which is none of them, and their probabilities."""
        words = self._filler().words
        others = (i for i in np.argsort(-scores, kind="stable").tolist() if words[i].casefold() != real.casefold())
        best = [*islice(others, self.k)]
        return [words[i] for i in best], softmax(scores[best].astype(np.float64) / self.temperature)

    def _best(self, texts: Sequence[str], label: int) -> str:
        if len(texts) == 1:
            return texts[0]
        if self._judge is None:
            self._judge = Judge.of(self.data_)
        return self._judge.best(texts, label)
