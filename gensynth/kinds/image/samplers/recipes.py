"""Recipes: classical image augmentation as a sampler, with label safety measured where it is asked to choose."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor

from gensynth.data.labeled import label_of
from gensynth.fidelity.label_safety import LabelSafety
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.native import Native, NativeFiles
from gensynth.kinds.image.samplers.kept import KeptImages
from gensynth.kinds.image.samplers.recipe_catalog import AUTO, MIXING, NEEDS_NO_NEIGHBOURS, seeded, steps_of, treat
from gensynth.kinds.image.samplers.recipe_safety import recipe_safety
from gensynth.sampler.synthetic import Synthetic


@final
@dataclass(frozen=True)
class Plan:
    """What one sample is made of: the recipe, the rows of its parents in the training data, a seed for the rest."""

    recipe: str
    rows: tuple[int, ...]
    seed: int


@final
@dataclass(frozen=True)
class NativeRecipe:
    """A recipe of one image, carried out at the image's own size, or at any other.

    Attributes:
        steps: As `steps_of` returns them.
        seed: Seed of what they draw.
        seen: Shorter side of what networks see.
    """

    steps: tuple[str, ...]
    seed: int
    seen: int

    def __call__(self, x: Tensor) -> Tensor:
        """Change an image, uint8, shape (c, h, w)."""
        return carried_out(x, self.steps, self.seed, seen=self.seen)[0]


class Recipes(KeptImages):
    """Classical image augmentation: every sample is a real image of its class, transformed.

    The images of a class are taken in turn, in random order: none is a parent twice before each was one once. A
    recipe that draws nothing (`hflip`, `vflip`) gives at most as many different samples as a class has images.

    Args:
        recipe: A name out of `recipe_catalog` (`SINGLE`, `MIXING`), several joined by `+` such as `"affine+noise"`,
            or `"auto"`: for each sample one of those of one image that `fit` measures to be safe for its class.
        sampling_strategy: As in `ImageSampler`.
        random_state: As in `ImageSampler`.
        image_shape: As in `ImageSampler`.

    Attributes:
        safety_: What `"auto"` measured; None with another recipe.
        files_: The files of the images; None where they have none. What is made of one image is made again at its size.

    Example:
        >>> from gensynth.kinds.image.read import DataConfig, read
        >>> digits = read("builtin:digits", DataConfig())
        >>> drawn = Recipes("affine").fit(digits).sample("8", n=3, seed=0)
        >>> drawn.x.shape, drawn.how
        (torch.Size([3, 1, 8, 8]), ('affine', 'affine', 'affine'))
    """

    name = "recipes"
    learned: ClassVar[dict[str, Any]] = {"safety_": LabelSafety | None, "files_": NativeFiles | None}

    def __init__(
        self,
        recipe: str = "affine",
        sampling_strategy: Any = "auto",
        random_state: int = 0,
        image_shape: tuple[int, int, int] | None = None,
    ) -> None:
        super().__init__(sampling_strategy, random_state, image_shape)
        self.recipe = recipe

    def _check(self) -> None:
        data = self.data_
        if not len(data):
            raise ValueError("recipes need images to transform, got none.")
        _, h, w = data.x.layout
        if h == 1 and not set(self.recipe.split("+")) <= {*NEEDS_NO_NEIGHBOURS}:
            raise ValueError(
                f"recipe {self.recipe!r} needs pixels above each other, and these images are rows of {w}; set "
                f"image_shape=(c, h, w), or use one of {', '.join(NEEDS_NO_NEIGHBOURS)}."
            )
        mixed = self.recipe != AUTO and any(step in MIXING for step in steps_of(self.recipe, data.x.layout[0]))
        if mixed and len(data) < 2:
            raise ValueError(f"recipe {self.recipe!r} mixes two images, got {len(data)}; add images.")

    def _learn(self) -> None:
        auto = self.recipe == AUTO
        self.files_ = NativeFiles.of(self.data_.x.natives)
        self.safety_: LabelSafety | None = recipe_safety(self.data_, seed=self.random_state) if auto else None

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        data = self.data_
        plans = self._plans(label, index, seed)
        used, at = np.unique([row for plan in plans for row in plan.rows], return_inverse=True)
        images = data.x[torch.from_numpy(used)]  # each once, however often it is a parent: it may lie on a disk
        x = torch.empty((len(index), *data.x.layout), dtype=torch.uint8)
        how, natives, taken = [], [], 0
        for i, plan in enumerate(plans):
            parents = [images[place] for place in at[taken : taken + len(plan.rows)]]
            taken += len(plan.rows)
            steps = steps_of(plan.recipe, data.x.layout[0])
            native = self._native(plan, steps)
            x[i], own = carried_out(parents[0], steps, plan.seed, native, *parents[1:])
            natives.append(native)
            others = [(data.classes[data.y[row]], 1 - own) for row in plan.rows[1:]]
            # `mixup: 0.8312 7 / 0.1688 1`: no class name holds a slash (`check_class_names`).
            soft = " / ".join(f"{share:.4f} {name}" for name, share in [(label, own), *others])
            how.append(f"{plan.recipe}: {soft}" if others else plan.recipe)
        found = Pixels(x, tuple(natives) if any(natives) else None)
        return self.made(found, label, index, seed, how, [plan.rows for plan in plans])

    def _native(self, plan: Plan, steps: tuple[str, ...]) -> Native | None:
        """Return how a sample looks at its parent's own size; None where it has none, or is mixed from two images."""
        if self.files_ is None or len(plan.rows) > 1:
            return None
        seen = min(self.data_.x.layout[1:])
        return replace(self.files_[plan.rows[0]], change=NativeRecipe(steps, plan.seed, seen))

    def _plans(self, label: str, index: np.ndarray, seed: int) -> list[Plan]:
        y, position = self.data_.y, label_of(label, self.data_.classes)
        members = [rows for rows in (np.flatnonzero(y == c) for c in range(len(self.data_.classes))) if len(rows)]
        mine = np.flatnonzero(y == position)
        choices = (self.recipe,) if self.safety_ is None else self.safety_.safe_for(label)
        if not choices:
            raise ValueError(
                f"recipe='auto' found no transformation that is measured to be safe for class {label!r} "
                f"({len(mine)} images); name one, such as recipe='affine', or see which fail with safety_.as_text()."
            )
        numbers = np.unique(index // len(mine))
        turns = {turn: _stream(seed, label, 1, turn).permutation(mine) for turn in numbers.tolist()}
        plans = []
        for i in index.tolist():
            rng = _stream(seed, label, 0, i)
            recipe = choices[rng.integers(len(choices))]
            rows = [int(turns[i // len(mine)][i % len(mine)])]
            if not MIXING.keys().isdisjoint(recipe.split("+")):
                # Every class as often as the others, as in training on data that have been balanced.
                partner = rows[0]
                while partner == rows[0]:
                    others = members[rng.integers(len(members))]
                    partner = int(others[rng.integers(len(others))])
                rows.append(partner)
            plans.append(Plan(recipe, tuple(rows), int(rng.integers(2**63))))
        return plans


def carried_out(
    image: Tensor,
    steps: tuple[str, ...],
    seed: int,
    native: Native | None = None,
    partner: Tensor | None = None,
    seen: int | None = None,
) -> tuple[Tensor, float]:
    """Carry out a recipe, each step with a stream of its own, so that the same is done at any size.

    Args:
        image: uint8, shape (c, h, w).
        steps: As `steps_of` returns them.
        seed: Seed of what they draw.
        native: The image at its own size; what networks see beside it stays its mirror image.
        partner: As `treat` takes it.
        seen: As `treat` takes it.

    Returns:
        As `treat`.
    """
    at = None if native is None else native.place((image.shape[1], image.shape[2]))
    part = image if at is None else image[:, *at.inside]
    own, seen = 1.0, seen or min(image.shape[1:])
    for number, step in enumerate(steps):
        with seeded(seed + number):
            part, share = treat(part, (step,), partner, seen)
        own = min(own, share)
    return part if at is None else torch.from_numpy(at.filled(part.numpy())), own


def _stream(seed: int, label: str, purpose: int, number: int) -> np.random.Generator:
    """Counter-based randomness (Salmon et al. 2011), keyed by seed and class name."""
    key = np.frombuffer(hashlib.sha256(f"{seed} {label}".encode()).digest()[:16], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, purpose, number], np.uint64)))
