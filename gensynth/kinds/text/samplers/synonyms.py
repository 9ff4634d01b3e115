"""Synonyms: real documents of the class with some words replaced by similar ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np

from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.kinds.text.samplers.near_words import near_words
from gensynth.kinds.text.samplers.wordnet import synonyms
from gensynth.kinds.text.samplers.words import as_written, check_count, check_share, cut, listed, never, touchable
from gensynth.sampler.in_turn import Made


@final
@dataclass(frozen=True)
class Similar:
    """Similar words.

    Attributes:
        to: By word, in small letters, those that may stand in its place, at least one each.
    """

    to: dict[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        if empty := [word for word, near in self.to.items() if not near]:
            raise ValueError(f"{empty[0]!r} has no similar words")


@final
class Synonyms(TextSampler):
    """Each document is a real one of the class in which some words were replaced by similar ones.

    Similar are synonyms of WordNet where its files are given (Zhang, Zhao and LeCun 2015, "Character-level
    convolutional networks for text classification"), else the nearest neighbours of a word among the training documents
    of all classes (Wang and Yang 2015, "That's so annoying!!!"; `near_words`). Beware: words of opposite meaning keep
    the same company, so `good` may become `bad`. Negations and numbers are neither replaced nor put in.

    Args:
        rate: Share of the words that are replaced, from 0 to 1; one word at least.
        k: Similar words that are drawn from, for each word.
        keep: Further words that are never touched, also as text with commas.
        wordnet: The folder of WordNet's files; None for neighbours among the documents.
        sampling_strategy: As in `TextSampler`.
        random_state: As in `TextSampler`.

    Attributes:
        similar_: Which words are similar.
    """

    name = "synonyms"
    suited: ClassVar[str] = "with a word that has similar ones"
    learned: ClassVar[dict[str, Any]] = {"similar_": Similar}

    def __init__(
        self,
        rate: float = 0.2,
        k: int = 5,
        keep: Sequence[str] | str = (),
        wordnet: str | None = None,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.rate, self.k, self.keep, self.wordnet = rate, k, keep, wordnet

    @classmethod
    def recipes(cls) -> dict[str, Self]:
        """As `TextSampler.recipes`."""
        return {cls.name: cls()}

    def _check(self) -> None:
        super()._check()
        check_share("rate", self.rate)
        check_count("k", self.k)
        listed(self.keep, "keep")

    def _learn(self) -> None:
        kept = never(listed(self.keep, "keep"))
        documents = [[w.lower() for w in cut(text)[1::2] if touchable(w, kept)] for text in self.data_.x.texts]
        if self.wordnet is None:
            similar = near_words(documents, self.k)
        else:
            similar = synonyms(Path(self.wordnet), {word for words in documents for word in words}, self.k)
        safe = {word: tuple(w for w in near if touchable(w, kept)) for word, near in similar.items()}
        self.similar_ = Similar({word: near for word, near in safe.items() if near})

    def _suits(self, text: str) -> bool:
        return any(word.lower() in self.similar_.to for word in cut(text)[1::2])

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        pieces = cut(self.data_.x[turn])
        places = [at for at in range(1, len(pieces), 2) if pieces[at].lower() in self.similar_.to]
        for at in rng.permutation(places)[: max(1, round(self.rate * (len(pieces) // 2)))].tolist():
            near = self.similar_.to[pieces[at].lower()]
            pieces[at] = as_written(near[rng.integers(len(near))], pieces[at])
        return "".join(pieces), "neighbours" if self.wordnet is None else "wordnet", (turn,)
