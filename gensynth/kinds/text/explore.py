"""What is in a set of documents, before anything is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.sparse import coo_array

from gensynth.data.labeled import LabeledData
from gensynth.data.words import counted, some
from gensynth.evaluate.cues import cue
from gensynth.kinds.text.features import words
from gensynth.kinds.text.space import counts_of

SHOWN = 8
"""Words that are shown of a class."""
FEWEST, PRIOR, SURE = 5, 0.5, 2.0
"""Documents that a word must be in to tell a class, how many are added to either side, and standard errors from no
difference."""


@final
@dataclass(frozen=True)
class Exploration:
    """What was found in a set of documents.

    Attributes:
        class_counts: Documents by class, in label order.
        words: Median and 95 % quantile of the number of words, by class.
        longest: Characters of the longest document.
        vocabulary: Number of different words.
        scripts: Share of the letters by script, the most frequent first.
        empty: Number of empty documents.
        copies: Documents that equal an earlier one but for capitals and white space.
        conflicts: Ids of equal documents with different labels.
        telling: By class, the words whose documents are most often of it, with the share that is.
        length_tells: Balanced accuracy of a small tree that knows the length alone, out of fold; None for too few.
        notes: What the reader found.
    """

    class_counts: dict[str, int]
    words: dict[str, tuple[float, float]]
    longest: int
    vocabulary: int
    scripts: dict[str, float]
    empty: int
    copies: int
    conflicts: tuple[tuple[str, ...], ...]
    telling: dict[str, tuple[tuple[str, float], ...]]
    length_tells: float | None
    notes: tuple[str, ...]

    def as_text(self) -> str:
        """Return all of it as lines of plain text."""
        width = max(map(len, ["class", *self.class_counts]))
        lines = [
            f"{counted(sum(self.class_counts.values()), 'document')}, {self.vocabulary:,} different words, the longest "
            f"document {self.longest:,} characters; letters: "
            + ", ".join(f"{name.lower()} {share:.0%}" for name, share in self.scripts.items()),
            "",
            f"{'class':<{width}}  documents  words, median and 95 %  words that tell it (share of their documents)",
        ]
        for name, n in self.class_counts.items():
            told = ", ".join(f"{word} ({share:.0%})" for word, share in self.telling[name]) or "none"
            median, high = self.words[name]
            lines.append(f"{name:<{width}}  {n:9,}  {median:9.0f}{high:13.0f}  {told}")
        lines.append("")
        if self.length_tells is not None:
            chance = 1 / len(self.class_counts)
            lines.append(f"length alone: balanced accuracy {self.length_tells:.2f}, chance {chance:.2f}")
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"advice: {advice}" for advice in self.advice]
        return "\n".join(lines)

    @property
    def advice(self) -> list[str]:
        """What to do about all this, in sentences."""
        found = []
        top = max(self.class_counts.values())
        rare = [f"{name!r} ({n})" for name, n in self.class_counts.items() if n < top / 2]
        if rare:
            found.append(f"Rare classes, with fewer than half the documents of the largest one ({top}): {some(rare)}.")
        if self.conflicts:
            found.append(
                f"{counted(len(self.conflicts), 'text stands', 'texts stand')} under several labels, such as rows "
                f"{', '.join(self.conflicts[0][:3])}: correct these first."
            )
        if self.copies:
            found.append(f"{counted(self.copies, 'document repeats', 'documents repeat')} an earlier one.")
        sure = [f"{word!r} for {name!r}" for name, told in self.telling.items() for word, share in told if share == 1]
        if sure:
            found.append(
                f"Words that stand in one class alone: {some(sure, 6)}. Where these are names, dates or marks of a "
                "source, a classifier may learn them and not the subject."
            )
        return found


def explore(data: LabeledData, seed: int = 0) -> Exploration:
    """Describe documents and say what their classes allow.

    Args:
        data: At least one document of every class.
        seed: Seed of the folds.
    """
    texts = list(data.x.texts)
    found = [words(text) for text in texts]
    length = np.array([len(each) for each in found])
    hashes, first = data.x.hashes(), dict[bytes, list[int]]()
    for i, content in enumerate(hashes):
        first.setdefault(content, []).append(i)
    scripts = counts_of(texts)[1]
    of_class = {name: length[data.y == c] for c, name in enumerate(data.classes)}
    return Exploration(
        class_counts=data.class_counts,
        words={name: (float(np.median(n)), float(np.quantile(n, 0.95))) for name, n in of_class.items() if len(n)},
        longest=max(map(len, texts)),
        vocabulary=len({word for each in found for word in each}),
        scripts={name: n / scripts.total() for name, n in scripts.most_common(4)},
        empty=sum(not text.strip() for text in texts),
        copies=len(texts) - len(first),
        conflicts=tuple(
            tuple(data.ids[i] for i in rows) for rows in first.values() if len({*data.y[rows].tolist()}) > 1
        ),
        telling=_telling(found, data),
        length_tells=cue(length, data.y, seed),
        notes=data.notes,
    )


def _telling(found: list[list[str]], data: LabeledData) -> dict[str, tuple[tuple[str, float], ...]]:
    """Return by class the words whose documents are most often of it, beyond the class's share of all documents."""
    n, place = np.bincount(data.y, minlength=len(data.classes)), dict[str, int]()
    own = [[place.setdefault(word, len(place)) for word in dict.fromkeys(words)] for words in found]
    at, label = np.concatenate([np.array(each, dtype=np.int64) for each in own]), np.repeat(data.y, [*map(len, own)])
    counts = coo_array((np.ones(len(at)), (at, label)), (len(place), len(n))).tocsc()  # sums what is equal
    vocabulary, total = np.array(list(place), dtype=object), np.bincount(at, minlength=len(place))
    told: dict[str, tuple[tuple[str, float], ...]] = {}
    for c, name in enumerate(data.classes):
        mine, word = (part[counts.indptr[c] : counts.indptr[c + 1]] for part in (counts.data, counts.indices))
        others = total[word] - mine
        # The logarithm of the odds of a word in the class over those in the others, in standard errors.
        odds = np.log((mine + PRIOR) / (n[c] + 1)) - np.log((others + PRIOR) / (n.sum() - n[c] + 1))
        sure = odds / np.sqrt(1 / (mine + PRIOR) + 1 / (others + PRIOR))
        sure[total[word] < FEWEST] = 0
        best = [i for i in np.argsort(-sure, kind="stable")[:SHOWN] if sure[i] > SURE]
        told[name] = tuple((str(vocabulary[word[i]]), float(mine[i] / total[word[i]])) for i in best)
    return told
