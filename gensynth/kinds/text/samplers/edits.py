"""Edits: real documents of the class with some words swapped, left out, repeated, misspelt or set apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self, final

import numpy as np

from gensynth.data.words import did_you_mean
from gensynth.kinds.text.documents import plain
from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.kinds.text.samplers.words import MARKS, blank, check_share, cut, listed, never, touchable
from gensynth.sampler.in_turn import Made

_BESIDE = dict(
    keys.split(":")
    for keys in (
        "q:wa w:qesa e:wrds r:etfd t:rygf y:tuhg u:yijh i:uokj o:iplk p:ol a:qwsz s:awedxz d:serfcx f:drtgvc g:ftyhbv "
        "h:gyujnb j:huikmn k:jiolm l:kop z:asx x:zsdc c:xdfv v:cfgb b:vghn n:bhjm m:njk"
    ).split()
)
"""Keys of an English keyboard, and those beside them."""


def swap(pieces: list[str], at: int, other: int, rng: np.random.Generator) -> None:
    """Exchange two words, unless one was left out."""
    if pieces[other]:
        pieces[at], pieces[other] = pieces[other], pieces[at]


def delete(pieces: list[str], at: int, other: int, rng: np.random.Generator) -> None:
    """Leave out a word, and one of the blanks around it, unless it is the only one."""
    if at == other:
        return
    pieces[at] = ""
    if pieces[at - 1].endswith(" "):
        pieces[at - 1] = pieces[at - 1][:-1]
    elif pieces[at + 1].startswith(" "):
        pieces[at + 1] = pieces[at + 1][1:]


def insert(pieces: list[str], at: int, other: int, rng: np.random.Generator) -> None:
    """Repeat another word behind this one."""
    pieces[at] += blank(pieces[at]) + pieces[other]


def punctuation(pieces: list[str], at: int, other: int, rng: np.random.Generator) -> None:
    """Put a punctuation mark behind a word."""
    pieces[at] += MARKS[rng.integers(len(MARKS))]


def typo(pieces: list[str], at: int, other: int, rng: np.random.Generator) -> None:
    """Strike a key beside the right one; without a keyboard for the letter, exchange it with the one before it."""
    word = pieces[at]
    i = int(rng.integers(len(word)))
    if keys := _BESIDE.get(word[i].lower()):
        key = keys[rng.integers(len(keys))]
        pieces[at] = word[:i] + (key.upper() if word[i].isupper() else key) + word[i + 1 :]
    elif i and word[i - 1 : i + 1].isalpha():
        pieces[at] = word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :]


def case(pieces: list[str], at: int, other: int, rng: np.random.Generator) -> None:
    """Write a word in capitals, or in small letters if it has any."""
    pieces[at] = pieces[at].upper() if pieces[at].islower() else pieces[at].lower()


OPERATIONS: dict[str, Callable[[list[str], int, int, np.random.Generator], None]] = {
    edit.__name__: edit for edit in (swap, delete, insert, punctuation, typo, case)
}
"""What may be done to a word: of pieces as `cut` returns them, at one place, perhaps with the word at another."""


@final
class Edits(TextSampler):
    """Each document is a real one of the class in which some words were edited.

    Wei and Zou 2019, "EDA: Easy data augmentation techniques for boosting performance on text classification tasks"
    (swap, delete, insert); Karimi, Rossi and Prati 2021, "AEDA: An easier data augmentation technique for text
    classification" (punctuation). Negations and numbers are never touched, blanks, line ends and emoji stay. Capitals
    alone make no new document: one that differs in nothing else gets a punctuation mark at its end.

    Args:
        rate: Share of the words that are edited, from 0 to 1; one word at least. At 0.1, as in the first paper, most
            documents are near copies of real ones.
        ops: Which edits are drawn, out of `OPERATIONS`, also as text with commas. Not `case` by default: most
            classifiers see no capitals.
        keep: Further words that are never touched, also as text with commas.
        sampling_strategy: As in `TextSampler`.
        random_state: As in `TextSampler`.

    Example:
        >>> texts = ["win a free prize now", "call me later", "see you at home"]
        >>> more, y = Edits(ops="swap").fit_resample(texts, ["spam", "ham", "ham"])
        >>> sorted(more[-1].split()) == sorted(texts[0].split()), y[-1]
        (True, 'spam')
    """

    name = "edits"

    def __init__(
        self,
        rate: float = 0.3,
        ops: Sequence[str] | str = ("swap", "delete", "insert", "punctuation", "typo"),
        keep: Sequence[str] | str = (),
        sampling_strategy: Any = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.rate, self.ops, self.keep = rate, ops, keep

    @classmethod
    def recipes(cls) -> dict[str, Self]:
        """As `TextSampler.recipes`: each edit by itself, for capitals may tell a class where typing errors do not."""
        return {f"{cls.name} {op}": cls(ops=op) for op in OPERATIONS}

    def _check(self) -> None:
        super()._check()
        check_share("rate", self.rate)
        self._ops, self._never = listed(self.ops, "ops"), never(listed(self.keep, "keep"))
        if wrong := next((op for op in self._ops if op not in OPERATIONS), None):
            raise ValueError(f"ops has no {wrong!r}; it has {', '.join(OPERATIONS)}.{did_you_mean(wrong, OPERATIONS)}")
        if not self._ops:
            raise ValueError(f"ops is empty; name at least one of {', '.join(OPERATIONS)}.")

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        text, done = self.data_.x[turn], set[str]()
        pieces = cut(text)
        free = [at for at in range(1, len(pieces), 2) if touchable(pieces[at], self._never)]
        if free:
            # A word is left, whatever is deleted.
            n = max(1, min(round(self.rate * (len(pieces) // 2)), len(free) - 1))
            ops = rng.integers(len(self._ops), size=n).tolist()
            steps = rng.integers(min(1, len(free) - 1), len(free), size=n).tolist()  # from a word to another one
            for place, op, step in zip(rng.permutation(len(free)).tolist(), ops, steps, strict=False):
                OPERATIONS[self._ops[op]](pieces, free[place], free[(place + step) % len(free)], rng)
                done.add(self._ops[op])
        made = "".join(pieces)
        if plain(made) == plain(text):
            made += MARKS[rng.integers(len(MARKS))]
            done.add("punctuation")
        return made, "+".join(sorted(done)), (turn,)
