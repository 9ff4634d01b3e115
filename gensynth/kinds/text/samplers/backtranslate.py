"""Backtranslate: real documents of the class, translated into another language and back."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, final

from gensynth.kinds.text.samplers.language_models import LanguageModel
from gensynth.kinds.text.samplers.rewriter import SEQ2SEQ, Rewriter, written
from gensynth.kinds.text.samplers.words import check_positive

Translate = Callable[[list[str]], Sequence[str]]
"""Takes sentences, and returns as many."""


@final
class Backtranslate(Rewriter):
    """Each document is a real one of the class that was translated sentence by sentence, and back.

    Both translations are sampled, not searched for (Sennrich, Haddow and Birch 2016, "Improving neural machine
    translation models with monolingual data"; Edunov et al. 2018, "Understanding back-translation at scale": sampling
    beats beam search, which says the same again and again).

    Args:
        there: The folder of a model that translates from the language of the documents into another one, such as a
            Marian, as transformers saves it, with safetensors; or OWNER/MODEL on Hugging Face; or, in Python, a
            function that takes a list of sentences and returns as many. With a function nothing can be saved, and a
            sentence changes in one way only unless it draws.
        back: The same, from that language.
        temperature: The higher, the less likely words are drawn; of models only.
        download: Whether models on Hugging Face that are not at hand are downloaded.
        sampling_strategy: As in `TextSampler`.
        random_state: As in `TextSampler`.

    Example:
        >>> texts = ["win a free prize now", "call me later", "see you at home"]
        >>> german = {"win a free prize now": "gewinne jetzt einen Preis"}
        >>> english = {"gewinne jetzt einen Preis": "win a prize now"}
        >>> sampler = Backtranslate(lambda found: [german[s] for s in found], lambda found: [english[s] for s in found])
        >>> sampler.fit_resample(texts, ["spam", "ham", "ham"])[0][-1]
        'win a prize now'
    """

    name = "backtranslate"
    needs: ClassVar[str] = (
        "the folders of two models that translate: --settings.there FOLDER and --settings.back FOLDER"
    )

    def __init__(
        self,
        there: str | Translate | None = None,
        back: str | Translate | None = None,
        temperature: float = 0.9,
        download: bool = False,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.there, self.back, self.temperature, self.download = there, back, temperature, download

    @property
    def _folders(self) -> Sequence[Any]:
        return [way for way in (self.there, self.back) if not callable(way)]

    @property
    def stamp(self) -> str:
        """As `ModelSampler.stamp`."""
        return super().stamp if self._folders else "functions"

    def _check(self) -> None:
        super()._check()
        check_positive("temperature", self.temperature)

    def _model(self, folder: str) -> LanguageModel:
        return self.model(SEQ2SEQ, folder)

    def _reads(self, sentence: str) -> bool:
        return not isinstance(self.there, str) or self._model(self.there).reads(sentence)

    def _anew(self, sentences: list[str], seed: int) -> Sequence[str]:
        for way in (self.there, self.back):
            if isinstance(way, str):
                sentences = written(self._model(way), sentences, seed, temperature=float(self.temperature))
            else:
                assert way is not None
                sentences = _checked(way(sentences), len(sentences))
        return sentences


def _checked(answer: Any, n: int) -> list[str]:
    """Return what a function of the user's answered to n sentences."""
    if not isinstance(answer, list | tuple) or len(answer) != n or not all(isinstance(text, str) for text in answer):
        raise ValueError(
            f"there and back must return a list of str, one for each of the {n} sentences, got {reprlib.repr(answer)}."
        )
    return list(answer)
