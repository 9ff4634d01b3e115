"""Metrics of documents: do the samples repeat themselves?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gensynth.fidelity.metrics.metric import metric
from gensynth.kinds.text.features import words

FEW, MANY = 2, 4
"""Words of a phrase: pairs tell variety, fours what is repeated."""


@metric(
    True,
    highest=1.0,
    ideal=None,
    sized=True,
    smallest_n=10,
    citation="Li et al. 2016, A diversity-promoting objective function for neural conversation models",
    of="documents",
)
def distinct(real: Sequence[str], synthetic: Sequence[str]) -> float:
    """Share of the pairs of words in the samples that are different from each other."""
    pairs = [pair for text in synthetic for pair in phrases(text, FEW)]
    return len(set(pairs)) / max(1, len(pairs))


@metric(
    False,
    highest=1.0,
    ideal=None,
    sized=True,
    smallest_n=10,
    citation="after self-BLEU, Zhu et al. 2018, Texygen",
    of="documents",
)
def self_overlap(real: Sequence[str], synthetic: Sequence[str]) -> float:
    """Share of the runs of four words of a sample that occur in another sample, the mean over samples."""
    found = [set(phrases(text, MANY)) for text in synthetic]
    n = Counter(phrase for own in found for phrase in own)
    return sum(sum(n[phrase] > 1 for phrase in own) / max(1, len(own)) for own in found) / max(1, len(found))


def phrases(text: str, n: int) -> list[tuple[str, ...]]:
    """Return all runs of n words."""
    found = words(text)
    return [tuple(found[i : i + n]) for i in range(len(found) - n + 1)]


METRICS = {each.name: each for each in (distinct, self_overlap)}
