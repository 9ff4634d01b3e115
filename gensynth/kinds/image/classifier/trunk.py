"""Trunk: a pretrained network, and what all that is trained on it shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import some_of
from gensynth.evaluate.side_by_side import OnStep
from gensynth.kinds.image.classifier.best_recipe import Recipe, Trial, Tried, best_recipe
from gensynth.kinds.image.classifier.heads import HEADS, Basis
from gensynth.kinds.image.classifier.task import Way
from gensynth.kinds.image.classifier.taught import Taught, unseen
from gensynth.kinds.image.classifier.views import Views

CANDIDATES = ("hflip", "crop", "colour", "hflip+crop+colour", "affine", "trivialaugment", "randaugment")
"""mixup is a way of its own; CutMix, measured on frozen features, is of no use there."""
ASKED, BOUNDS = 600, (1, 4)
"""Images that a choice rests on, at most, and views of each, fewest and most."""


@final
@dataclass(frozen=True, eq=False)
class Trunk:
    """A trunk and what was found out about training images on it, once for all classifiers.

    Attributes:
        views: Its features.
    """

    views: Views
    _bases: dict[str, Basis] = field(default_factory=dict)
    _recipes: dict[str, Recipe] = field(default_factory=dict)

    def basis(self, train: LabeledData, on_step: OnStep) -> Basis:
        """Return the main components of the features of training images."""
        key = train.fingerprint
        if key not in self._bases:
            self._bases[key] = Basis.of(self.views.plain(train.x, on_step))
        return self._bases[key]

    def recipe(self, train: LabeledData) -> Recipe:
        """Return how the way `augmented` changes images: as suits the last of `HEADS` in folds of training images."""
        key = train.fingerprint
        if key not in self._recipes:
            used = train.subset(some_of(train, ASKED, 0))
            basis = self.basis(train, unseen)

            def tried(recipes: Sequence[str]) -> dict[str, Tried]:
                taught = [Taught(self.views, basis, Way(recipe=recipe), BOUNDS) for recipe in recipes]
                best = [max(each.cross_validated(HEADS[-1], used) or [0.0]) for each in taught]
                return {recipe: Tried(score, score) for recipe, score in zip(recipes, best, strict=True)}

            on = f"on the trunk in folds of {len(used)} training images"
            self._recipes[key] = best_recipe(Trial(on, used, CANDIDATES, tried))
        return self._recipes[key]

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say of it."""
        seen = self.views.trunk
        size = "their own size" if seen.size is None else f"{seen.size[1]} x {seen.size[0]} pixels"
        return (f"Tested on {seen.stamp['name']}, pretrained on photographs, which sees images at {size}.",)
