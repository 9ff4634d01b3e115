"""Label safety of clips: which changes leave a real clip in its class; see `gensynth.fidelity.label_safety`.

The judge is the gate's. It hears the parts of a clip in the order in which they sound, so that it finds out what is no
longer the same word when it is reversed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.judge import Judge
from gensynth.fidelity.label_safety import Changed, LabelSafety, at_most, check_measurable, folds_of, label_safety
from gensynth.kinds.audio.samplers.base import AudioSampler
from gensynth.kinds.audio.space import AudioSpace

MOST = 200
"""Clips that the judge learns from and is asked about, at most: each is changed once by every effect."""


def recipe_safety(
    train: LabeledData, recipes: Mapping[str, AudioSampler], held_out: LabeledData | None = None, seed: int = 0
) -> LabelSafety:
    """Measure which changes leave clips recognisable as their class.

    Args:
        train: Real clips that the judge learns from, of at least two classes.
        recipes: By name, unfitted samplers that change real clips.
        held_out: Other real clips, to be changed, with the same classes; None to take those of `train`, each judged
            by a model that did not hear it.
        seed: Chooses the clips, the folds and what the samplers draw.

    Raises:
        ValueError: if fewer than two classes have two clips, or no clip can be changed.
    """
    check_measurable(train)
    rng = np.random.default_rng(seed)
    train = train.subset(at_most(MOST, train, rng))
    fitted = {name: sampler.fit(train) for name, sampler in recipes.items()}
    space, changed = AudioSpace(train, seed), {name: Changed() for name in fitted}
    known = space.real.wide
    for asked, learned in folds_of(train, held_out, rng):
        judge = Judge.fit(known[learned], train.y[learned], len(train.classes), seed)
        before = judge(space.see(asked.x).wide).argmax(axis=1)
        for name, sampler in fitted.items():
            at, clips = sampler.on(asked).each_once(seed)
            if clips is not None:
                changed[name].add(asked.y[at], before[at], judge(space.see(clips).wide).argmax(axis=1))
    return label_safety(train.classes, changed)
