"""Splice: the first half of a document and the second half of another one of the class."""

from __future__ import annotations

from typing import ClassVar, Self, final

import numpy as np

from gensynth.kinds.text.documents import plain
from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.kinds.text.samplers.words import blank, cut, sentences
from gensynth.sampler.in_turn import Made

TRIES = 10
"""How many other documents are tried until the new one is neither of the two."""


@final
class Splice(TextSampler):
    """Each document begins as one real document of the class and ends as another one.

    This is crossover of two texts (Luque 2019, "Atalaya at TASS 2019: Data augmentation and robust embeddings for
    sentiment analysis"). A document is cut where a sentence begins in its middle half, or else a word; where neither
    does, it is taken whole.

    Example:
        >>> texts = ["Free prize! Call now.", "You won! Reply today.", "see you at home", "call me later", "not now"]
        >>> Splice().fit_resample(texts, ["spam", "spam", "ham", "ham", "ham"])[0][-1]
        'You won! Call now.'
    """

    name = "splice"
    fewest: ClassVar[int] = 2
    suited: ClassVar[str] = "that hold text"

    @classmethod
    def recipes(cls) -> dict[str, Self]:
        """As `TextSampler.recipes`."""
        return {cls.name: cls()}

    def _suits(self, text: str) -> bool:
        return not text.isspace() and text != ""

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        pool, text = self._pool(label), self.data_.x[turn]
        for _ in range(TRIES):
            other = turn
            while other == turn:
                other = int(pool[rng.integers(len(pool))])
            front, back = _halves(text, rng)[0], _halves(self.data_.x[other], rng)[1]
            made = front + ("" if front[-1:].isspace() else blank(back)) + back
            if plain(made) not in (plain(text), plain(self.data_.x[other])):
                break
        return made, "splice", (turn, other)


def _halves(text: str, rng: np.random.Generator) -> tuple[str, str]:
    """Return what stands before and behind a random cut in the middle half of a text; the whole, twice, without one."""
    for pieces, first in ((sentences(text), 0), (cut(text), 1)):
        starts = np.cumsum([0, *map(len, pieces)])[first:-1:2]
        inside = starts[(starts >= len(text) / 4) & (starts <= 3 * len(text) / 4)]
        if len(inside):
            at = int(rng.choice(inside))
            return text[:at], text[at:]
    return text, text
