"""The shortcut: if only a rare class receives changed images, a classifier learns 'changed = rare class'.

Changed are images that were stylised, translated or decoded. A classifier is trained on what would be trained on, then
shown changed images of the *other* classes: how many more of them does it take for a rare class than of the
originals? Changing a share of every class takes the shortcut away (`spread all` in `gensynth.mix.mix`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.evaluate.config import EvaluateConfig
from gensynth.evaluate.intervals import CANNOT_TELL, DRAWS, Estimate, by_examples_and_seeds, least_variance
from gensynth.evaluate.network import train_and_predict
from gensynth.evaluate.side_by_side import side_by_side
from gensynth.evaluate.task import WAYS, Task, Training, join
from gensynth.evaluate.ways import OVERSAMPLED
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.sampler.synthetic import Synthetic

LEAKS, NO_LEAK = "LEAKS", "NO LEAK"
MOST = 0.05
"""A larger difference is a leak."""
FEWEST = 30
"""With fewer changed, or fewer different original images, no number is given."""
MOST_NAMES = 4
CLASSIFIER = EvaluateConfig(seeds=5, steps=200)


@dataclass(frozen=True)
class Leak:
    """How far a classifier takes changed images for a rare class; shares in [0, 1], None where it cannot be told.

    Attributes:
        rare: The rare classes that are filled.
        n_changed: Changed images of other classes that were shown.
        n_original: Different original images they were compared with.
        paired: Whether those are the training images the changed ones were made from, else held-out images.
        share_changed: Share of the changed images that was taken for a rare class.
        share_original: The same of their original partners.
        difference: The first minus the second.
        verdict: LEAKS if the difference is above 0.05 and its 95 % interval above 0, NO LEAK if the interval ends
            below 0.05, else CANNOT TELL.
        why: The figures behind it, in one sentence.
    """

    rare: tuple[str, ...]
    n_changed: int
    n_original: int
    paired: bool
    share_changed: float | None
    share_original: float | None
    difference: Estimate | None
    verdict: str
    why: str

    @property
    def leaks(self) -> bool:
        """Whether the verdict is LEAKS."""
        return self.verdict == LEAKS


def measure_leak(
    train: LabeledData,
    synthetic: Synthetic,
    changed: Synthetic,
    rare: Sequence[str],
    held_out: Sequence[LabeledData] = (),
    config: EvaluateConfig | None = None,
) -> Leak:
    """Train classifiers on real and synthetic images, every class drawn equally often, and show them `changed`.

    Each changed image is compared with one original image of its class: the training image it was made from, its
    first parent of that class, if every changed image has one, else a held-out image. The parents that are compared,
    and other images made from them, stay out of the training: images that the classifier has learned by heart would
    make the original side look too good. At most half of a class is left out so; changed images of further parents
    are not shown.

    Args:
        train: Real training images.
        synthetic: Accepted synthetic images that a classifier would be trained on.
        changed: Images of classes that are not rare, made in the same way; they are never trained on.
        rare: Names of the rare classes that are filled.
        held_out: Real images that nothing was fitted on; not used where parents are known.
        config: Networks, steps and seed, by default `CLASSIFIER`. The same seed gives the same answer.

    Raises:
        ValueError: if classes or shapes differ, or an image in `changed` is of a rare class.
    """
    config = config or CLASSIFIER
    labels = np.array([train.label_of(name) for name in rare], dtype=np.int64)
    _check(train, synthetic, changed, labels)
    parent = _parents(train, changed)
    paired = bool((parent >= 0).all())
    if paired:
        shown = _parents_to_leave_out(train, changed.y, parent)
        partner, original = parent[shown], train.x[torch.from_numpy(parent[shown])]
        synthetic = synthetic.subset(~np.isin(_parents(train, synthetic), partner))
        train = train.subset(np.setdiff1d(np.arange(len(train)), partner))
    else:
        shown, partner, original = _held_out_partners(changed, held_out, config.seed)
    n, different = len(shown), len(np.unique(partner))
    of = "real images they were made from" if paired else "held-out real images of their classes"
    if min(n, different) < FEWEST:
        needed = f"{FEWEST} changed images of other classes and as many {of} are needed to tell"
        why = f"{needed}, there are {n} and {different}."
        if len(rare) == len(train.classes):
            why = "Every class is filled, so there is no other class to show changed images of."
        return Leak(tuple(rare), n, different, paired, None, None, None, CANNOT_TELL, why)
    y, asked = np.concatenate([train.y, synthetic.y]), torch.cat([changed.x[torch.from_numpy(shown)], original])
    task = Task(join(train, synthetic), y, asked.__getitem__, 2 * n, len(train.classes))
    training = Training(config.network_seeds, config.steps_for(len(train)), config.batch_size)
    work = partial(train_and_predict, task, WAYS[OVERSAMPLED], training)
    # One job: what it says does not depend on the number of cores.
    p = side_by_side([lambda on_step: work(partial(on_step, 1))], lambda done: None)[0]
    taken = np.isin(p.argmax(-1), labels)
    share_changed, share_original = float(taken[:, :n].mean()), float(taken[:, n:].mean())
    difference = _interval(taken[:, :n].astype(float) - taken[:, n:], partner, config.seed)
    names = " or ".join(map(repr, rare)) if len(rare) <= MOST_NAMES else f"one of {len(rare)} rare classes"
    why = (
        f"A classifier takes {share_changed:.1%} of {n} changed images of other classes for {names}, and "
        f"{share_original:.1%} of {different} {of}: {100 * difference.value:+.1f} points "
        f"({100 * difference.low:+.1f} to {100 * difference.high:+.1f})."
    )
    verdict = _verdict(difference)
    return Leak(tuple(rare), n, different, paired, share_changed, share_original, difference, verdict, why)


def _check(train: LabeledData, synthetic: Synthetic, changed: Synthetic, rare: np.ndarray) -> None:
    """Raise ValueError if classes or shapes differ, or a changed image has a label out of `rare`."""
    for name, part in (("synthetic", synthetic), ("changed", changed)):
        if part.classes != train.classes or part.x.layout != train.x.layout:
            raise ValueError(
                f"{name} images have shape {part.x.layout} and classes {part.classes}, training images "
                f"{train.x.layout} and {train.classes}; they must agree."
            )
    if np.isin(changed.y, rare).any():
        names = ", ".join(repr(train.classes[label]) for label in rare)
        raise ValueError(f"changed images must be of classes other than the rare ones, {names}.")


def _verdict(difference: Estimate) -> str:
    if difference.value > MOST and difference.low > 0:
        return LEAKS
    return NO_LEAK if difference.high < MOST else CANNOT_TELL


def may_be_shown(samples: SampleVerdicts) -> np.ndarray:
    """Return which samples may be shown to the classifier, bool (n,): the accepted, the spare, and copies.

    A lightly changed image is a near copy of its parent, which is no reason against it here.
    """
    return samples.accepted | np.isin(samples.reason, ("dup_exact", "dup_near", "dup_parent", "quota"))


def save_leak(leak: Leak, path: str | Path) -> None:
    """Write a measurement as JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(leak), indent=1) + "\n")


def load_leak(path: str | Path) -> Leak:
    """Read what `save_leak` wrote; ValueError if it is something else."""
    return read_json(path, Leak, "a measurement of the shortcut", MAKE_AGAIN)


def _parents(train: LabeledData, changed: Synthetic) -> np.ndarray:
    """Row of each changed image's first parent that is a training image of its class, or -1; int64 (n,)."""
    row = {name: i for i, name in enumerate(train.ids)}
    found = [
        next((row[p] for p in parents if p in row and train.y[row[p]] == label), -1)
        for parents, label in zip(changed.parents, changed.y, strict=True)
    ]
    return np.array(found, dtype=np.int64)


def _parents_to_leave_out(train: LabeledData, y: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Positions of the changed images whose parents are the first ones of their class, at most half of it."""
    chosen = []
    for label in np.unique(y):
        first = list(dict.fromkeys(parent[y == label].tolist()))
        chosen += first[: int((train.y == label).sum()) // 2]
    return np.flatnonzero(np.isin(parent, chosen))


def _held_out_partners(
    changed: Synthetic, held_out: Sequence[LabeledData], seed: int
) -> tuple[np.ndarray, np.ndarray, Tensor]:
    """Give each changed image a held-out one of its class, which serves again where there are fewer.

    Returns:
        Positions of the changed images that have a partner, the number of each partner, and its pixels.
    """
    rng = np.random.default_rng(seed)
    shown, partner, images, start = [], [], [changed.x[:0]], 0
    for label in np.unique(changed.y):
        name, mine = changed.classes[label], np.flatnonzero(changed.y == label)
        # A held-out part may have other classes than the training data: they are matched by name.
        places = [(part, i) for part in held_out for i in np.flatnonzero(np.array(part.classes)[part.y] == name)]
        if places:
            at = np.resize(rng.permutation(len(places)), len(mine))
            shown += mine.tolist()
            partner += (start + at).tolist()
            images += [part.x[torch.tensor([i])] for part, i in (places[k] for k in at)]
            start += len(places)
    return np.array(shown, dtype=np.int64), np.array(partner, dtype=np.int64), torch.cat(images)


def _interval(gap: np.ndarray, partner: np.ndarray, seed: int) -> Estimate:
    """Mean of `gap` (seeds, n) with its interval; pairs with the same original image are resampled together."""
    group, size = np.unique(partner, return_inverse=True, return_counts=True)[1:]
    sums = np.stack([np.bincount(group, weights=row) for row in gap])
    drawn = np.random.default_rng(seed).multinomial(len(size), np.full(len(size), 1 / len(size)), size=DRAWS)
    weights = np.vstack([np.ones((1, len(size))), drawn])
    by_pair = weights @ sums.T / (weights @ size)[:, None]
    return by_examples_and_seeds(by_pair, least_variance(len(size))).estimate((-1, 1))
