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

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.judge import Judge
from gensynth.kinds.image.features.embedding import Embedding
from gensynth.kinds.image.features.extractor import batches
from gensynth.kinds.image.samplers.recipe_catalog import MIXING, seeded, single_recipes, steps_of, treat

VERDICTS = SAFE, UNSAFE, CANNOT_TELL = "safe", "unsafe", "cannot tell"
ALL = "all classes"
MARGIN = 0.1
"""Fall in the share of recognised images, from which a transformation is unsafe."""
KNOWN = 0.5
"""Share that the judge must recognise before anything is done to the images; below, it cannot tell."""
MOVED = "affine"
FITTED, ASKED = 2000, 1000
"""Images that the judge learns from and is asked about, at most, of all classes together: equally many of each, and
`FEWEST` or all it has where there are many classes."""
FEWEST = 20
FOLDS = 5


@final
@dataclass(frozen=True)
class Survival:
    """How images of one class survive one recipe.

    Attributes:
        recipe: Such as `"hflip"` or `"affine+noise"`.
        label: The class, or `ALL` for the images of all classes together.
        n: Number of held-out images.
        before: Share recognised as their class untouched, in [0, 1].
        after: The same of the transformed images.
        fall: `before - after`.
        low: Lower end of the 95 % interval of `fall`, for paired shares.
        high: Its upper end.
        taken_for: The class that most of those no longer recognised are taken for; empty where there are none.
        verdict: `SAFE` if `high` is under `MARGIN`, `UNSAFE` if `low` is above it, else `CANNOT_TELL`; the last
            also where the judge recognises less than `KNOWN` of the untouched images.
    """

    recipe: str
    label: str
    n: int
    before: float
    after: float
    fall: float
    low: float
    high: float
    taken_for: str
    verdict: str


@final
@dataclass(frozen=True)
class RecipeSafety:
    """How images survive each recipe.

    Attributes:
        classes: Class names.
        pooled: One row per recipe, over the images of all classes.
        by_class: One row per recipe and class with held-out images, in that order.
    """

    classes: tuple[str, ...]
    pooled: tuple[Survival, ...]
    by_class: tuple[Survival, ...]

    def safe_for(self, label: str) -> tuple[str, ...]:
        """Return the recipes that are safe for a class.

        A class with too few images to tell is given what is safe for all classes together and unsafe for none: the
        rare class is the one that needs recipes, and the one that cannot be measured.
        """
        own = {row.recipe: row.verdict for row in self.by_class if row.label == label}
        harmful = {row.recipe for row in self.by_class if row.verdict == UNSAFE}
        return tuple(
            row.recipe
            for row in self.pooled
            if own.get(row.recipe) == SAFE
            or (own.get(row.recipe) != UNSAFE and row.verdict == SAFE and row.recipe not in harmful)
        )

    def as_text(self) -> str:
        """Return a table with one line per recipe."""
        width = max(len("recipe"), *(len(row.recipe) for row in self.pooled))
        lines = [
            f"Share of {self.pooled[0].n} held-out real images that a judge recognises as their class; a fall of over "
            f"{MARGIN:.0%} is unsafe.",
            f"{'recipe':<{width}}  before   after  fall, 95 % interval      all images   by class",
        ]
        for row in self.pooled:
            mine = [each for each in self.by_class if each.recipe == row.recipe]
            groups = {verdict: [each for each in mine if each.verdict == verdict] for verdict in VERDICTS}
            unsafe = ", ".join(f"{each.label} (-{each.fall:.0%}, as {each.taken_for})" for each in groups[UNSAFE])
            told = [f"unsafe for {unsafe}"] if unsafe else []
            for verdict in (CANNOT_TELL, SAFE):
                labels = ", ".join(each.label for each in groups[verdict])
                if labels:
                    told.append(f"{verdict} for {'each' if len(groups[verdict]) == len(mine) else labels}")
            lines.append(
                f"{row.recipe:<{width}}  {row.before:6.1%}  {row.after:6.1%}  {row.fall:6.1%} "
                f"[{row.low:6.1%}, {row.high:6.1%}]  {row.verdict:<11}  {'; '.join(told)}"
            )
        return "\n".join(lines)


def recipe_safety(
    train: LabeledData, held_out: LabeledData | None = None, recipes: Sequence[str] | None = None, seed: int = 0
) -> RecipeSafety:
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
    train = train.subset(_at_most(FITTED, train, rng))
    n, y, seen = len(train), [], []
    seen_after: dict[str, list[np.ndarray]] = {recipe: [] for recipe in steps}
    with seeded(seed):
        taught = torch.empty((2 * n, *train.x.layout), dtype=torch.uint8)
        taught[:n] = train.x[torch.arange(n)]
        for i in range(n):
            taught[n + i] = treat(taught[i], (MOVED,))[0]
        embedding = Embedding.fit(taught, seed)
        wide = embedding.wide(taught)
        for asked, learned in _asked(train, held_out, rng):
            learn = np.tile(learned, 2)
            judge = Judge.fit(wide[learn], np.tile(train.y, 2)[learn], len(train.classes), seed)
            y.append(asked.y)
            for batch in batches(asked.x):
                seen.append(judge(embedding.wide(batch)).argmax(axis=1))
                for recipe, parts in seen_after.items():
                    treated = torch.stack([treat(image, steps[recipe])[0] for image in batch])
                    parts.append(judge(embedding.wide(treated)).argmax(axis=1))
    label, before = np.concatenate(y), np.concatenate(seen)
    pooled, by_class = [], []
    for recipe, parts in seen_after.items():
        after = np.concatenate(parts)
        pooled.append(_survival(recipe, ALL, label, before, after, train.classes))
        for c in np.unique(label):
            mine = label == c
            by_class.append(_survival(recipe, train.classes[c], label[mine], before[mine], after[mine], train.classes))
    return RecipeSafety(train.classes, tuple(pooled), tuple(by_class))


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
    if (np.bincount(train.y) > 1).sum() < 2 or (held_out is not None and not len(held_out)):
        raise ValueError(
            "label safety needs at least two classes of two training images or more, and images to transform: else a "
            f"judge cannot say what an image might turn into. Got {train.class_counts}; add images, or use a generator "
            "(--sampler generator), or Recipes('affine') in Python, which measures nothing."
        )
    return steps


def _asked(
    train: LabeledData, held_out: LabeledData | None, rng: np.random.Generator
) -> Iterator[tuple[LabeledData, np.ndarray]]:
    """Yield images to ask a judge about, and which training images (bool) it may learn from."""
    if held_out is not None:
        yield held_out.subset(_at_most(ASKED, held_out, rng)), np.ones(len(train), dtype=bool)
        return
    rows = _at_most(ASKED, train, rng)
    fold = np.full(len(train), -1)
    fold[rows] = np.arange(len(rows)) % FOLDS  # the rows come class by class
    for f in range(min(FOLDS, len(rows))):
        yield train.subset(fold == f), fold != f


def _at_most(total: int, data: LabeledData, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of equally many images of each class, at random, about `total` where there are more."""
    present = np.unique(data.y)
    each = max(FEWEST, total // len(present))
    return np.concatenate([rng.permutation(np.flatnonzero(data.y == label))[:each] for label in present])


def _survival(
    recipe: str, label: str, y: np.ndarray, before: np.ndarray, after: np.ndarray, classes: tuple[str, ...]
) -> Survival:
    n, known, still = len(y), before == y, after == y
    lost, gained = int((known & ~still).sum()), int((~known & still).sum())
    low, high = paired_interval(lost, gained, n)
    verdict = UNSAFE if low > MARGIN else SAFE if high < MARGIN else CANNOT_TELL
    wrong = Counter(after[known & ~still].tolist()).most_common(1)
    return Survival(
        recipe=recipe,
        label=label,
        n=n,
        before=float(known.mean()),
        after=float(still.mean()),
        fall=(lost - gained) / n,
        low=low,
        high=high,
        taken_for=classes[wrong[0][0]] if wrong else "",
        verdict=verdict if known.mean() >= KNOWN else CANNOT_TELL,
    )


def paired_interval(lost: int, gained: int, n: int) -> tuple[float, float]:
    """95 % interval of (lost - gained) / n, the fall of a share between paired observations.

    With p = (lost + 1) / (n + 2) and q = (gained + 1) / (n + 2): p - q +- z sqrt((p + q - (p - q)^2) / (n + 2)).
    Bonett and Price (2012), "Adjusted Wald confidence interval for a difference of binomial proportions based on paired
    data", equation 3. Unlike McNemar's test it says how large the fall is.

    Args:
        lost: Recognised before and not after.
        gained: Recognised after and not before.
        n: Number of pairs, at least 1.
    """
    p, q = (lost + 1) / (n + 2), (gained + 1) / (n + 2)
    half = 1.959963984540054 * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return max(-1.0, float(p - q - half)), min(1.0, float(p - q + half))
