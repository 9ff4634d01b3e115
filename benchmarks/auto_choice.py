"""What `auto` chose, trained and scored on examples that it never saw, beside its own base without synthetic ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gensynth.choose.results import Choice
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import draw
from gensynth.evaluate.ways import REAL, THRESHOLD, way_of
from gensynth.kind import kinds
from gensynth.mix.targets import target_counts

Precision = Callable[[str, str, Any], Any]
"""Takes a classifier, a way and what is added; returns average precision on the test examples."""


def ranked(way: str) -> str:
    """Return a way that ranks as another one does: a threshold changes no rank."""
    return REAL if way == THRESHOLD else way


def chosen_and_base(choice: Choice, train: LabeledData, precision: Precision) -> tuple[Any, Any]:
    """Return the average precision of what was chosen for training examples, and of its base."""
    base = precision(choice.base.classifier, ranked(choice.baseline), None)
    if choice.sampler:
        adds = target_counts(train.class_counts, choice.to)
        added = draw(kinds()[train.kind].made(choice.sampler, None).fit(train), adds, 0)
        return precision(choice.classifier, way_of(choice.arm), added), base
    return precision(choice.classifier, ranked(choice.arm), None), base
