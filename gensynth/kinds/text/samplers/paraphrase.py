"""Paraphrase: real documents of the class, said in other words by a sequence-to-sequence model of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, final

from gensynth.kinds.text.samplers.rewriter import SEQ2SEQ, Rewriter, written
from gensynth.kinds.text.samplers.words import check_positive, check_share

TEXT = "{text}"
"""What stands for a sentence in a template."""


@final
class Paraphrase(Rewriter):
    """Each document is a real one of the class, each sentence of it said in other words.

    Any sequence-to-sequence model will do that was trained to paraphrase, such as a T5 or a BART (Kumar, Choudhary and
    Cho 2020, "Data augmentation using pre-trained transformer models"). It is sampled from the likeliest tokens that
    together have `top_p` (Holtzman et al. 2020, "The curious case of neural text degeneration"). The model knows no
    classes, so a label may change with the words.

    Args:
        weights: The folder of the model, as transformers saves it, with safetensors; or OWNER/MODEL on Hugging Face.
        template: What the model is told; {text} stands for the sentence.
        temperature: The higher, the less likely words are drawn.
        top_p: Share of the probability that tokens are drawn from, the likeliest first.
        download: Whether a model on Hugging Face that is not at hand is downloaded.
        sampling_strategy: As in `TextSampler`.
        random_state: As in `TextSampler`.
    """

    name = "paraphrase"
    needs: ClassVar[str] = "the folder of a model that paraphrases: --settings.weights FOLDER"

    def __init__(
        self,
        weights: str | None = None,
        template: str = "paraphrase: {text}",
        temperature: float = 1.0,
        top_p: float = 0.95,
        download: bool = False,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.weights, self.template, self.download = weights, template, download
        self.temperature, self.top_p = temperature, top_p

    @property
    def _folders(self) -> Sequence[Any]:
        return [self.weights]

    def _check(self) -> None:
        super()._check()
        check_positive("temperature", self.temperature)
        check_share("top_p", self.top_p)
        check_positive("top_p", self.top_p)
        if not isinstance(self.template, str) or self.template.count(TEXT) != 1:
            raise ValueError(
                f"template must be text with {TEXT} once, where the sentence goes, got {self.template!r}; on a command "
                f"line it needs quotes of its own: '\"paraphrase: {TEXT}\"'."
            )

    def _asked(self, sentence: str) -> str:
        return self.template.replace(TEXT, sentence)

    def _reads(self, sentence: str) -> bool:
        return self.model(SEQ2SEQ, str(self.weights)).reads(self._asked(sentence))

    def _anew(self, sentences: list[str], seed: int) -> Sequence[str]:
        asked = [self._asked(sentence) for sentence in sentences]
        model = self.model(SEQ2SEQ, str(self.weights))
        return written(model, asked, seed, temperature=float(self.temperature), top_p=float(self.top_p))
