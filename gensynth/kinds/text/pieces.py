"""Pieces: documents as numbers of what often stands together in them, and back, exactly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

END, BYTES = 0, 256
"""The piece that ends a document, and how many pieces are one byte each: they come next."""


@final
@dataclass(frozen=True)
class Pieces:
    """Byte-pair encoding: the pair that stands most often becomes a piece, again and again, within words.

    Sennrich, Haddow and Birch 2016, "Neural machine translation of rare words with subword units"; on bytes as in
    Radford et al. 2019 (GPT-2), so that a text of any script comes back exactly.

    Attributes:
        merges: The pairs in their order, as characters that stand for bytes.

    Raises:
        ValueError: if a pair is made of what is no piece yet.
    """

    merges: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        known = {*_alphabet()}
        for pair in self.merges:
            if not known.issuperset(pair):
                raise ValueError(f"the pair {pair} is made of what is no piece.")
            known.add("".join(pair))

    @staticmethod
    def learn(texts: Iterable[str], most: int) -> Pieces:
        """Return the pieces of texts, at most so many of them with the bytes and the end."""
        learned = _tokenizer({}, ())
        trainer = _library().trainers.BpeTrainer(
            vocab_size=most - 1, min_frequency=2, initial_alphabet=_alphabet(), show_progress=False
        )
        learned.train_from_iterator(texts, trainer)
        return Pieces(tuple((one, two) for one, two in json.loads(learned.to_str())["model"]["merges"]))

    def __len__(self) -> int:
        return 1 + len(self._numbers)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The number of each piece, in which `END` has none."""
        names = dict.fromkeys([*_alphabet(), *map("".join, self.merges)])
        return {name: at for at, name in enumerate(names)}

    @cached_property
    def _tokenizer(self) -> Any:
        return _tokenizer(self._numbers, self.merges)

    def numbers(self, text: str) -> np.ndarray:
        """Return the pieces of a text, int32, shape (pieces,)."""
        return np.array(self._tokenizer.encode(text).ids, dtype=np.int32) + 1

    def text(self, numbers: Sequence[int]) -> str:
        """Return the text of pieces without `END`; bytes that are no character become U+FFFD."""
        found: str = self._tokenizer.decode([number - 1 for number in numbers])
        return found


def _library() -> Any:
    try:
        import tokenizers
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("text_lm needs tokenizers; run 'pip install gensynth[text-lm]'.") from error
    return tokenizers


def _alphabet() -> list[str]:
    """Return the characters that stand for the 256 bytes."""
    return sorted(_library().pre_tokenizers.ByteLevel.alphabet())


def _tokenizer(numbers: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> Any:
    library = _library()
    made = library.Tokenizer(library.models.BPE(dict(numbers), [*merges]))
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = library.decoders.ByteLevel()
    return made
