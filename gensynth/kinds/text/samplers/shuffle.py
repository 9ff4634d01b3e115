"""Shuffle: the sentences or clauses of a document in another order."""

from __future__ import annotations

from typing import ClassVar, Self, final

import numpy as np

from gensynth.kinds.text.documents import plain
from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.kinds.text.samplers.words import clauses, sentences
from gensynth.sampler.in_turn import Made


@final
class Shuffle(TextSampler):
    """Each document is a real one of the class, its sentences in another order.

    Where a document has one sentence, its clauses are shuffled, between commas, semicolons and ends of lines; one that
    has neither is not used. Words stay next to each other, so the gate takes many of these documents for copies of
    their parents (of 200 text messages of spam, 115), and to a classifier that counts words they are.

    Example:
        >>> texts = ["Free prize! Call now.", "see you at home", "call me later"]
        >>> Shuffle().fit_resample(texts, ["spam", "ham", "ham"])[0][-1]
        'Call now. Free prize!'
    """

    name = "shuffle"
    suited: ClassVar[str] = "of two different sentences or clauses"

    @classmethod
    def recipes(cls) -> dict[str, Self]:
        """As `TextSampler.recipes`."""
        return {cls.name: cls()}

    def _suits(self, text: str) -> bool:
        return bool(_parts(text)[1])

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        pieces, places, how = _parts(self.data_.x[turn])
        parts = [pieces[at] for at in places]
        mixed = [pieces[at] for at in rng.permutation(places)]
        if mixed == parts:
            mixed = [*parts[1:], parts[0]]
        for at, part in zip(places, mixed, strict=True):
            pieces[at] = part
        return "".join(pieces), how, (turn,)


def _parts(text: str) -> tuple[list[str], list[int], str]:
    """Return a text in pieces, which of them are to be shuffled, and what these are; none if all are the same."""
    for how, split in (("sentences", sentences), ("clauses", clauses)):
        pieces = split(text)
        places = [at for at in range(0, len(pieces), 2) if plain(pieces[at])]
        if len({plain(pieces[at]) for at in places}) > 1:
            return pieces, places, how
    return [], [], ""
