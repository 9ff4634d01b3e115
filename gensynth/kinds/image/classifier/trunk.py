"""Trunk: a pretrained network, and what all that is trained on it shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.side_by_side import OnStep
from gensynth.kinds.image.classifier.best_recipe import Recipe, best_recipe
from gensynth.kinds.image.classifier.heads import Basis
from gensynth.kinds.image.classifier.views import Views


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
        """Return how the way `augmented` changes images."""
        key = train.fingerprint
        if key not in self._recipes:
            self._recipes[key] = best_recipe(self.views, self.basis(train, lambda done: None), train)
        return self._recipes[key]

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say of it and of the recipes."""
        seen = self.views.trunk
        size = "their own size" if seen.size is None else f"{seen.size[1]} x {seen.size[0]} pixels"
        first = f"Tested on {seen.stamp['name']}, pretrained on photographs, which sees images at {size}."
        return (first, *dict.fromkeys(recipe.note for recipe in self._recipes.values()))
