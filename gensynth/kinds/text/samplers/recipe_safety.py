"""Label safety of documents: which changes leave a real document in its class; see `gensynth.fidelity.label_safety`.

The judge is the gate's: it counts words, pairs of words and pieces of them. Where a class turns on more than these,
such as the order of sentences, it cannot see what a change has done, and calls it safe.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.judge import Judge
from gensynth.fidelity.label_safety import (
    FITTED,
    Changed,
    LabelSafety,
    at_most,
    check_measurable,
    folds_of,
    label_safety,
)
from gensynth.kinds.text.features import Embedding, scaled
from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.kinds.text.samplers.catalog import CATALOG


def recipe_safety(
    train: LabeledData,
    held_out: LabeledData | None = None,
    recipes: Mapping[str, TextSampler] | None = None,
    seed: int = 0,
) -> LabelSafety:
    """Measure which changes leave documents recognisable as their class.

    Args:
        train: Real documents that the judge learns from, of at least two classes.
        held_out: Other real documents, to be changed, with the same classes; None to take those of `train`, each judged
            by a model that did not see it.
        recipes: By name, unfitted samplers that change real documents; None for all `TextSampler.recipes` there are.
        seed: Chooses the documents, the folds and what the samplers draw.

    Raises:
        ValueError: if fewer than two classes have two documents, or no document can be changed.
    """
    check_measurable(train)
    rng = np.random.default_rng(seed)
    train = train.subset(at_most(FITTED, train, rng))
    if recipes is None:
        recipes = {name: made for known in CATALOG.names() for name, made in CATALOG.get(known).recipes().items()}
    fitted = {name: sampler.fit(train) for name, sampler in recipes.items()}
    embedding = Embedding.fit(list(train.x.texts), seed)
    known, changed = scaled(embedding(train.x.texts)), {name: Changed() for name in fitted}
    for asked, learned in folds_of(train, held_out, rng):
        judge = Judge.fit(known[learned], train.y[learned], len(train.classes), seed)
        before = judge(scaled(embedding(asked.x.texts))).argmax(axis=1)
        for name, sampler in fitted.items():
            at, documents = sampler.on(asked).each_once(seed)
            if documents is not None:
                changed[name].add(asked.y[at], before[at], judge(scaled(embedding(documents[:]))).argmax(axis=1))
    return label_safety(train.classes, changed)
