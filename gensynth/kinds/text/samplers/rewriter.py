"""Rewriter: what samplers share that write real documents of the class anew, sentence by sentence."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from gensynth.kinds.text.documents import plain
from gensynth.kinds.text.samplers.language_models import LanguageModel, ModelSampler
from gensynth.kinds.text.samplers.words import sentences
from gensynth.sampler.in_turn import Made

SEQ2SEQ = "AutoModelForSeq2SeqLM"
BATCH = 16
"""Sentences of one document that are written at once."""
TRIES = 3
"""How often a document is written until it is no copy of the real one."""


def written(model: LanguageModel, texts: Sequence[str], seed: int, **settings: Any) -> list[str]:
    """Sample what a sequence-to-sequence model makes of each of some texts, token by token.

    Args:
        model: The model.
        texts: What it reads.
        seed: Seed of the tokens: the same texts and the same seed make the same.
        settings: How tokens are drawn, as `generate` of transformers takes it, such as temperature.
    """
    import torch

    found = list[str]()
    device = model.network.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.inference_mode():
        torch.manual_seed(seed)
        for at in range(0, len(texts), BATCH):
            inputs = model.encoded(texts[at : at + BATCH])
            most = min(2 * inputs["input_ids"].shape[1] + 16, model.most - 1)
            drawn = {"do_sample": True, "num_beams": 1, "top_k": 0, "max_length": None, "max_new_tokens": most}
            ids = model.network.generate(**inputs, **drawn, **settings)
            found += model.tokenizer.batch_decode(ids, skip_special_tokens=True)
    return [text.strip() for text in found]


class Rewriter(ModelSampler):
    """Each document is a real one of the class whose sentences were written anew, one by one.

    A sentence without letters, and one with more tokens than the model reads, stays as it is, and so do blanks and line
    ends between sentences. A concrete one writes `_reads` and `_anew`.
    """

    suited: ClassVar[str] = "with a sentence that its model reads"

    @abstractmethod
    def _reads(self, sentence: str) -> bool:
        """Return whether a sentence is short enough."""

    @abstractmethod
    def _anew(self, sentences: list[str], seed: int) -> Sequence[str]:
        """Write sentences anew; an empty one stays as it was."""

    def _places(self, pieces: list[str]) -> list[int]:
        return [at for at in range(0, len(pieces), 2) if any(map(str.isalpha, pieces[at])) and self._reads(pieces[at])]

    def _suits(self, text: str) -> bool:
        return bool(self._places(sentences(text)))

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        text = self.data_.x[turn]
        for _ in range(TRIES):
            pieces = sentences(text)
            places = self._places(pieces)
            anew = self._anew([pieces[at] for at in places], int(rng.integers(2**31)))
            for at, sentence in zip(places, anew, strict=True):
                pieces[at] = sentence or pieces[at]
            if plain("".join(pieces)) != plain(text):
                break
        return "".join(pieces), self.stamp, (turn,)
