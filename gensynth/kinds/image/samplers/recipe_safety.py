"""Label safety: which transformations real images survive as images of their class, measured instead of assumed.

A judge trained on real images sees held-out real images before and after a transformation. What it no longer
recognises has lost its label: a flipped 2, a 6 upside down. A transformation that only looks unusual to the judge
counts as unsafe, too: this is a veto, not a proof of harm ("affinity" of Gontijo-Lopes et al. 2021).

The judge is taught one thing that is assumed, that a small move (`MOVED`) leaves an image in its class. A judge that
only knows images where they stand refuses the move itself, for its novelty: it recognises 86 % of moved MNIST images,
the taught one 94 %, both 98 % of the untouched ones and about 37 % of the mirrored ones. Where a move does turn one
class into another, the taught judge cannot tell them apart either, so that the assumption is tested with the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.judge import Judge
from gensynth.fidelity.label_safety import (
    FITTED,
    Changed,
    LabelSafety,
    at_most,
    can_be_measured,
    folds_of,
    label_safety,
)
from gensynth.kinds.image.features.embedding import Embedding
from gensynth.kinds.image.features.extractor import BATCH, batches
from gensynth.kinds.image.samplers.recipe_catalog import MIXING, seeded, single_recipes, steps_of, treat

MOVED = "affine"


def recipe_safety(
    train: LabeledData, held_out: LabeledData | None = None, recipes: Sequence[str] | None = None, seed: int = 0
) -> LabelSafety:
    """Measure which recipes leave images recognisable as their class.

    Args:
        train: Real images that the judge learns from, of at least two classes.
        held_out: Other real images, to be transformed, with the same classes; None to take those of `train`, each
            judged by a model that did not see it.
        recipes: Of one image each, such as `("hflip", "affine+noise")`; None for all that suit the images.
        seed: Chooses the images, the folds and what the recipes draw.

    Raises:
        ValueError: if a recipe is unknown or mixes images, classes or shapes differ, or fewer than two classes have
            two images.
    """
    steps = _checked_steps(train, held_out, recipes)
    rng = np.random.default_rng(seed)
    train = train.subset(at_most(FITTED, train, rng))
    n, changed = len(train), {recipe: Changed() for recipe in steps}
    with seeded(seed):
        taught = torch.empty((2 * n, *train.x.layout), dtype=torch.uint8)
        taught[:n] = train.x[torch.arange(n)]
        for i in range(n):
            taught[n + i] = treat(taught[i], (MOVED,))[0]
        embedding = Embedding.fit(taught, seed)
        wide = embedding.wide(taught)
        for asked, learned in folds_of(train, held_out, rng):
            learn = np.tile(learned, 2)
            judge = Judge.fit(wide[learn], np.tile(train.y, 2)[learn], len(train.classes), seed)
            for start, batch in zip(range(0, len(asked), BATCH), batches(asked.x), strict=True):
                before = judge(embedding.wide(batch)).argmax(axis=1)
                for recipe, found in changed.items():
                    treated = torch.stack([treat(image, steps[recipe])[0] for image in batch])
                    after = judge(embedding.wide(treated)).argmax(axis=1)
                    found.add(asked.y[start : start + BATCH], before, after)
    return label_safety(train.classes, changed)


def _checked_steps(
    train: LabeledData, held_out: LabeledData | None, recipes: Sequence[str] | None
) -> dict[str, tuple[str, ...]]:
    """Return the steps of each recipe; arguments and errors as of `recipe_safety`."""
    channels = train.x.layout[0]
    chosen = single_recipes(channels) if recipes is None else tuple(recipes)
    steps = {recipe: steps_of(recipe, channels) for recipe in chosen}
    mixing = [recipe for recipe in steps if not MIXING.keys().isdisjoint(steps[recipe])]
    if mixing or not steps:
        raise ValueError(
            f"label safety is measured for one recipe or more of one image each, got {', '.join(mixing) or 'none'}; "
            "a mixed image says in its soft label what it shows."
        )
    if held_out is not None and (held_out.classes, held_out.x.layout) != (train.classes, train.x.layout):
        raise ValueError(
            f"held-out images must have the training images' classes and shape, got {held_out.classes} and "
            f"{held_out.x.layout} against {train.classes} and {train.x.layout}."
        )
    if not can_be_measured(train) or (held_out is not None and not len(held_out)):
        raise ValueError(
            "label safety needs at least two classes of two training images or more, and images to transform: else a "
            f"judge cannot say what an image might turn into. Got {train.class_counts}; add images, or use a generator "
            "(--sampler generator), or Recipes('affine') in Python, which measures nothing."
        )
    return steps
