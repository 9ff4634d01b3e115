"""Which augmentation the way `augmented` uses: the best of those that are measured to keep the class.

What digits bear, photographs may not need, and the other way round. Candidates that change the class are left out
(`gensynth.kinds.image.samplers.recipe_safety`); of the others that one is taken with which a classifier does best on
real training images that it was not shown. A small affine is always a candidate. The test images have no say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.classifier.task import AFFINE
from gensynth.kinds.image.samplers.recipe_safety import recipe_safety


@final
@dataclass(frozen=True)
class Recipe:
    """How images are changed.

    Attributes:
        name: As `gensynth.kinds.image.classifier.task.Way` takes it.
        why: How it was chosen, to end a sentence.
    """

    name: str
    why: str = ""

    @property
    def note(self) -> str:
        """What to say of it, in a sentence."""
        return f"The way augmented changes images by {_called(self.name)}{self.why}."


@final
@dataclass(frozen=True)
class Tried:
    """How well a recipe does.

    Attributes:
        score: Balanced accuracy on images that the classifier was not shown.
        sure: The same, less what may be chance: the largest one wins, of equal ones the simplest.
    """

    score: float
    sure: float


@final
@dataclass(frozen=True, eq=False)
class Trial:
    """What recipes are tried on.

    Attributes:
        on: On what, and by whom, in words.
        images: Real training images on which it is measured which recipes keep the class.
        candidates: Recipes of the catalogue, the simplest first.
        tried: Returns how well each of some recipes does; ValueError where there are too few images.
    """

    on: str
    images: LabeledData
    candidates: Sequence[str]
    tried: Callable[[Sequence[str]], dict[str, Tried]]


def best_recipe(trial: Trial) -> Recipe:
    """Return the recipe that serves best; the small affine where nothing can be measured."""
    try:
        safety = recipe_safety(trial.images, recipes=trial.candidates)
        present = [name for name, n in trial.images.class_counts.items() if n]
        kept = [recipe for recipe in trial.candidates if all(recipe in safety.safe_for(name) for name in present)]
        tried = trial.tried([AFFINE, *kept])
    except ValueError:  # no two classes of two images, or a class of one
        return Recipe(AFFINE, ": there are too few to choose by")
    best = max(tried, key=lambda recipe: tried[recipe].sure)
    said = ", ".join(f"{_called(recipe)} {found.score:.1%}" for recipe, found in tried.items())
    left_out = ", ".join(recipe for recipe in trial.candidates if recipe not in kept)
    told = f"; not measured to keep the class: {left_out}" if left_out else ""
    return Recipe(best, f", chosen {trial.on} ({said}{told})")


def _called(recipe: str) -> str:
    return "a small affine" if recipe == AFFINE else recipe
