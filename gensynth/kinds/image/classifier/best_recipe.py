"""Which augmentation the way `augmented` uses on a trunk: the best of those that are measured to keep the class.

What digits bear, photographs may not need, and the other way round. Candidates that change the class are left out
(`gensynth.kinds.image.samplers.recipe_safety`); of the others that one is taken with which the last of `HEADS` does
best on held-out folds of real training images. The small affine of small networks is always a candidate. The test
images have no say. mixup is a way of its own; CutMix, measured on frozen features, is of no use there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import some_of
from gensynth.evaluate.ways import AUGMENTED
from gensynth.kinds.image.classifier.heads import HEADS, Basis
from gensynth.kinds.image.classifier.task import WAYS
from gensynth.kinds.image.classifier.taught import Taught
from gensynth.kinds.image.classifier.views import Views
from gensynth.kinds.image.samplers.recipe_safety import recipe_safety

CANDIDATES = ("hflip", "crop", "colour", "hflip+crop+colour", "affine", "trivialaugment", "randaugment")
ASKED, BOUNDS = 600, (1, 4)
"""Images that a choice rests on, at most, and views of each, fewest and most."""


@final
@dataclass(frozen=True)
class Recipe:
    """How images are changed.

    Attributes:
        name: As `Views.of` takes it.
        note: What to say of it.
    """

    name: str
    note: str


def best_recipe(views: Views, basis: Basis, train: LabeledData) -> Recipe:
    """Return the recipe that serves best; the small affine where nothing can be measured."""
    used = train.subset(some_of(train, ASKED, 0))
    try:
        safety = recipe_safety(used, recipes=CANDIDATES)
    except ValueError:  # no two classes of two images
        return Recipe(
            AUGMENTED, "The way augmented shifts, turns and scales a little: there are too few images to ask."
        )
    present = [name for name, n in used.class_counts.items() if n]
    kept = [recipe for recipe in CANDIDATES if all(recipe in safety.safe_for(name) for name in present)]
    scores = {}
    for recipe in (AUGMENTED, *kept):
        taught = Taught(views, basis, WAYS[AUGMENTED], recipe, BOUNDS)
        scores[recipe] = max(taught.cross_validated(HEADS[-1], used) or [0.0])
    best = max(scores, key=scores.__getitem__)
    left_out = [recipe for recipe in CANDIDATES if recipe not in kept]
    said = ", ".join(f"{_called(recipe)} {score:.1%}" for recipe, score in scores.items())
    told = f"; not measured to keep the class: {', '.join(left_out)}" if left_out else ""
    return Recipe(
        best,
        f"The way augmented changes images by {_called(best)}, the best in folds of {len(used)} training images "
        f"({said}{told}).",
    )


def _called(recipe: str) -> str:
    return "a small affine" if recipe == AUGMENTED else recipe
