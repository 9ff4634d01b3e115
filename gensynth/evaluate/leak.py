"""The shortcut: if only a rare class receives changed examples, a classifier learns 'changed = rare class'.

Changed are examples that were made from real ones: images that were stylised, translated or decoded, say. A classifier
is trained on what would be trained on, then shown changed examples of the *other* classes: how many more of them does
it take for a rare class than of the originals? Changing a share of every class takes the shortcut away (`spread all` in
`gensynth.mix.mix`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from gensynth.data.examples import Examples
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.intervals import CANNOT_TELL, DRAWS, Estimate, as_points, by_examples_and_seeds, least_variance
from gensynth.evaluate.results import LEAKS, NO_LEAK, Leak
from gensynth.evaluate.side_by_side import side_by_side
from gensynth.evaluate.ways import OVERSAMPLED
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.kind import kinds
from gensynth.sampler.synthetic import Synthetic

MOST = 0.05
"""A larger difference is a leak."""
FEWEST = 30
"""With fewer changed, or fewer different original examples, no number is given."""
MOST_NAMES = 4


def measure_leak(
    train: LabeledData,
    synthetic: Synthetic,
    changed: Synthetic,
    rare: Sequence[str],
    held_out: Sequence[LabeledData] = (),
    config: ArmsConfig | None = None,
) -> Leak:
    """Train a classifier on real and synthetic examples, every class drawn equally often, and show it `changed`.

    Each changed example is compared with one original of its class: the training example it was made from, its
    first parent of that class, if every changed example has one, else a held-out one. The parents that are compared,
    and other examples made from them, stay out of the training: examples that the classifier has learned by heart would
    make the original side look too good. At most half of a class is left out so; changed examples of further parents
    are not shown.

    Args:
        train: Real training examples.
        synthetic: Accepted synthetic examples that a classifier would be trained on.
        changed: Examples of classes that are not rare, made in the same way; they are never trained on.
        rare: Names of the rare classes that are filled.
        held_out: Real examples that nothing was fitted on; not used where parents are known.
        config: How to train the first of `Kind.classifiers`, by default as `Kind.leak_config` says. The same seed gives
            the same answer.

    Raises:
        ValueError: if classes or layouts differ, or an example in `changed` is of a rare class.
    """
    noun, kind = train.noun, kinds()[train.kind]
    config = config or kind.leak_config() or kind.config("EvaluateConfig")()
    labels = np.array([train.label_of(name) for name in rare], dtype=np.int64)
    _check(train, synthetic, changed, labels)
    parent = _parents(train, changed)
    paired = bool((parent >= 0).all())
    if paired:
        shown = _parents_to_leave_out(train, changed.y, parent)
        partner = parent[shown]
        original = train.x.take(partner)
        synthetic = synthetic.subset(~np.isin(_parents(train, synthetic), partner))
        train = train.subset(np.setdiff1d(np.arange(len(train)), partner))
    else:
        shown, partner, original = _held_out_partners(changed, held_out, config.seed)
    n, different = len(shown), len(np.unique(partner))
    of = f"real {noun}s they were made from" if paired else f"held-out real {noun}s of their classes"
    answer = partial(Leak, tuple(rare), n_changed=n, n_original=different, paired=paired)
    if min(n, different) < FEWEST:
        needed = f"{FEWEST} changed {noun}s of other classes and as many {of} are needed to tell"
        why = f"{needed}, there are {n} and {different}."
        if len(rare) == len(train.classes):
            why = f"Every class is filled, so there is no other class to show changed {noun}s of."
        return answer(share_changed=None, share_original=None, difference=None, verdict=CANNOT_TELL, why=why)
    taken = np.isin(_likeliest(train, synthetic, changed.subset(shown), original, config), labels)
    shares = float(taken[:, :n].mean()), float(taken[:, n:].mean())
    difference = _interval(taken[:, :n].astype(float) - taken[:, n:], partner, config.seed)
    names = " or ".join(map(repr, rare)) if len(rare) <= MOST_NAMES else f"one of {len(rare)} rare classes"
    why = (
        f"A classifier takes {shares[0]:.1%} of {n} changed {noun}s of other classes for {names}, and "
        f"{shares[1]:.1%} of {different} {of}: {as_points(difference)}."
    )
    verdict = _verdict(difference)
    return answer(share_changed=shares[0], share_original=shares[1], difference=difference, verdict=verdict, why=why)


def _likeliest(
    train: LabeledData, synthetic: Synthetic, changed: Synthetic, original: Examples, config: ArmsConfig
) -> np.ndarray:
    """Return what a classifier takes n changed examples, and then n originals, for: labels, shape (repeats, 2 n)."""
    y, x = np.tile(changed.y, 2), changed.x.join([original])
    asked = LabeledData(x, y, train.classes, tuple(map(str, range(len(y)))))
    classifier = kinds()[train.kind].classifiers(train, config)[0]
    job = partial(classifier.try_way, OVERSAMPLED, train, synthetic, asked)
    # Side by side with nothing: what it says does not depend on the number of cores.
    return side_by_side([job], lambda done: None, classifier.runs_side_by_side)[0].likeliest


def _check(train: LabeledData, synthetic: Synthetic, changed: Synthetic, rare: np.ndarray) -> None:
    """Raise ValueError if classes or layouts differ, or a changed example has a label out of `rare`."""
    for name, part in (("synthetic", synthetic), ("changed", changed)):
        if part.classes != train.classes or part.x.layout != train.x.layout:
            raise ValueError(
                f"{name} {train.noun}s have shape {part.x.layout} and classes {part.classes}, training {train.noun}s "
                f"{train.x.layout} and {train.classes}; they must agree."
            )
    if np.isin(changed.y, rare).any():
        names = ", ".join(repr(train.classes[label]) for label in rare)
        raise ValueError(f"changed {train.noun}s must be of classes other than the rare ones, {names}.")


def _verdict(difference: Estimate) -> str:
    if difference.value > MOST and difference.low > 0:
        return LEAKS
    return NO_LEAK if difference.high < MOST else CANNOT_TELL


def may_be_shown(samples: SampleVerdicts) -> np.ndarray:
    """Return which samples may be shown to the classifier, bool (n,): the accepted, the spare, and copies.

    A lightly changed example is a near copy of its parent, which is no reason against it here.
    """
    return samples.accepted | np.isin(samples.reason, ("dup_exact", "dup_near", "dup_parent", "quota"))


def _parents(train: LabeledData, changed: Synthetic) -> np.ndarray:
    """Position of each example's first parent that is a training example of its class, or -1; int64 (n,)."""
    row = {name: i for i, name in enumerate(train.ids)}
    found = [
        next((row[p] for p in parents if p in row and train.y[row[p]] == label), -1)
        for parents, label in zip(changed.parents, changed.y, strict=True)
    ]
    return np.array(found, dtype=np.int64)


def _parents_to_leave_out(train: LabeledData, y: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Positions of the changed examples whose parents are the first ones of their class, at most half of it."""
    chosen = []
    for label in np.unique(y):
        first = list(dict.fromkeys(parent[y == label].tolist()))
        chosen += first[: int((train.y == label).sum()) // 2]
    return np.flatnonzero(np.isin(parent, chosen))


def _held_out_partners(
    changed: Synthetic, held_out: Sequence[LabeledData], seed: int
) -> tuple[np.ndarray, np.ndarray, Examples]:
    """Give each changed example a held-out one of its class, which serves again where there are fewer.

    Returns:
        Positions of the changed examples that have a partner, the number of each partner, and these themselves.
    """
    rng = np.random.default_rng(seed)
    shown, partner, found, start = [], [], [], 0
    for label in np.unique(changed.y):
        name, mine = changed.classes[label], np.flatnonzero(changed.y == label)
        # A held-out part may have other classes than the training data: they are matched by name.
        places = [(part, i) for part in held_out for i in np.flatnonzero(np.array(part.classes)[part.y] == name)]
        if places:
            at = np.resize(rng.permutation(len(places)), len(mine))
            shown += mine.tolist()
            partner += (start + at).tolist()
            found += [part.x.take(np.array([i])) for part, i in (places[k] for k in at)]
            start += len(places)
    nothing = changed.x.take(np.zeros(0, dtype=np.int64))
    return np.array(shown, dtype=np.int64), np.array(partner, dtype=np.int64), nothing.join(found)


def _interval(gap: np.ndarray, partner: np.ndarray, seed: int) -> Estimate:
    """Mean of `gap` (seeds, n) with its interval; pairs with the same original are resampled together."""
    group, size = np.unique(partner, return_inverse=True, return_counts=True)[1:]
    sums = np.stack([np.bincount(group, weights=row) for row in gap])
    drawn = np.random.default_rng(seed).multinomial(len(size), np.full(len(size), 1 / len(size)), size=DRAWS)
    weights = np.vstack([np.ones((1, len(size))), drawn])
    by_pair = weights @ sums.T / (weights @ size)[:, None]
    return by_examples_and_seeds(by_pair, least_variance(len(size))).estimate((-1, 1))
