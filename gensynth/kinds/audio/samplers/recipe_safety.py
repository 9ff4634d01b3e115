"""Label safety of clips: which changes leave a real clip in its class; see `gensynth.fidelity.label_safety`.

The judge hears log-mel in the order in which it sounds: one that knows only how much of each band there is recognises
66 % of spoken digits, and 66 % of them reversed; with the parts in their order it recognises 77 % and 19 %. How long
and how loud a clip is, and what is much softer than its loudest moment, it does not hear: that is of the recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.judge import Judge
from gensynth.fidelity.label_safety import Changed, LabelSafety, at_most, folds_of, label_safety
from gensynth.kinds.audio.clips import Clips, View
from gensynth.kinds.audio.mel import heard, log_mel
from gensynth.kinds.audio.samplers.base import AudioSampler

MOST = 300
"""Clips that the judge learns from and is asked about, at most: each is changed once by every effect."""
PARTS, DEEPEST = 8, 45.0
"""Parts of a clip that the judge tells apart, and dB below its loudest moment that it hears."""
SOFTENED = 3.0
"""dB that are added to the spread of a feature, so that one that hardly varies is not heard aloud."""


def can_be_measured(train: LabeledData) -> bool:
    """Return whether there are two classes of two clips or more: else a judge cannot say what a clip might become."""
    return int((np.bincount(train.y) > 1).sum()) >= 2


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
    if not can_be_measured(train):
        raise ValueError(
            "label safety needs at least two classes of two training clips or more, else a judge cannot say what a "
            f"clip might turn into; got {train.class_counts}; add clips."
        )
    rng = np.random.default_rng(seed)
    train = train.subset(at_most(MOST, train, rng))
    fitted = {name: sampler.fit(train) for name, sampler in recipes.items()}
    ear, changed = _Ear.fit(train.x), {name: Changed() for name in fitted}
    known = ear(train.x)
    for asked, learned in folds_of(train, held_out, rng):
        judge = Judge.fit(known[learned], train.y[learned], len(train.classes), seed)
        before = judge(ear(asked.x)).argmax(axis=1)
        for name, sampler in fitted.items():
            at, clips = _changed(sampler.on(asked), seed)
            if clips is not None:
                changed[name].add(asked.y[at], before[at], judge(ear(clips)).argmax(axis=1))
    return label_safety(train.classes, changed)


@final
@dataclass(frozen=True, eq=False)
class _Ear:
    """What the judge hears.

    Attributes:
        middle: Mean of each feature over the clips that it learns from, dB.
        spread: Their standard deviation, and `SOFTENED`.
    """

    middle: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, x: Clips) -> Self:
        found = parts(x)
        return cls(found.mean(axis=0), found.std(axis=0) + SOFTENED)

    def __call__(self, x: Clips) -> np.ndarray:
        """Return features of norm 1, about, float64, shape (n, p)."""
        found: np.ndarray = (parts(x) - self.middle) / self.spread
        return found / np.sqrt(found.shape[1])


def parts(x: Clips) -> np.ndarray:
    """Return the mean of each mel band in `PARTS` parts of each clip, in dB above its own mean, float64 (n, p)."""
    found = []
    for clip in x.clips:
        view = View(x.view.rate, min(clip.seconds, x.view.seconds))
        mel = log_mel(heard(clip, view), view)
        mel = np.maximum(mel, mel.max() - DEEPEST)
        at = np.linspace(0, mel.shape[1], PARTS + 1).astype(int)
        means = [mel[:, i : max(j, i + 1)].mean(axis=1) for i, j in zip(at[:-1], at[1:], strict=True)]
        found.append(np.concatenate(means) - mel.mean())
    return np.array(found, dtype=np.float64)


def _changed(sampler: AudioSampler, seed: int) -> tuple[np.ndarray, Clips | None]:
    """Change each clip that can be changed once.

    Returns:
        Positions of these, int64, and what became of them; of a clip made of several, the first one's.
    """
    data = sampler.data_
    place, at, found = {name: i for i, name in enumerate(data.ids)}, list[int](), list[Clips]()
    for label in sampler.labels:
        try:
            drawn = sampler.sample(label, data.class_counts[label], seed)
        except ValueError:  # too few of its clips can be changed
            continue
        at += [place[parents[0]] for parents in drawn.parents]
        found.append(drawn.x)
    return np.array(at, dtype=np.int64), found[0].join(found[1:]) if found else None
