"""Label safety: which changes real examples survive as examples of their class, measured instead of assumed.

A judge trained on real examples sees held-out real ones before and after a change. What it no longer recognises has
lost its label: a flipped 2, a review without its `not`. A change that only looks unusual to the judge counts as unsafe,
too: this is a veto, not a proof of harm ("affinity" of Gontijo-Lopes et al. 2021).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts

VERDICTS = SAFE, UNSAFE, CANNOT_TELL = "safe", "unsafe", "cannot tell"
ALL = "all classes"
MARGIN = 0.1
"""Fall in the share of recognised examples, from which a change is unsafe."""
KNOWN = 0.5
"""Share that the judge must recognise before anything is done to the examples; below, it cannot tell."""
FITTED, ASKED = 2000, 1000
"""Examples that the judge learns from and is asked about, at most, of all classes together: equally many of each, and
`FEWEST` or all it has where there are many classes."""
FEWEST, FEWEST_HELD_OUT = 20, 30
"""Also: validation examples of each class from which on they are asked about; else training examples, out of fold."""
FOLDS = 5


@final
@dataclass(frozen=True)
class Survival:
    """How examples of one class survive one recipe.

    Attributes:
        recipe: How they were changed, such as `"affine+noise"` or `"edits swap"`.
        label: The class, or `ALL` for the examples of all classes together.
        n: Number of held-out examples.
        before: Share recognised as their class untouched, in [0, 1].
        after: The same of the changed examples.
        fall: `before - after`.
        low: Lower end of the 95 % interval of `fall`, for paired shares.
        high: Its upper end.
        taken_for: The class that most of those no longer recognised are taken for; empty where there are none.
        verdict: `SAFE` if `high` is under `MARGIN`, `UNSAFE` if `low` is above it, else `CANNOT_TELL`; the last
            also where the judge recognises less than `KNOWN` of the untouched examples.
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
class LabelSafety:
    """How examples survive each recipe.

    Attributes:
        classes: Class names.
        pooled: One row per recipe, over the examples of all classes.
        by_class: One row per recipe and class with held-out examples, in that order.
    """

    classes: tuple[str, ...]
    pooled: tuple[Survival, ...]
    by_class: tuple[Survival, ...]

    def safe_for(self, label: str) -> tuple[str, ...]:
        """Return the recipes that are safe for a class.

        A class with too few examples to tell is given what is safe for all classes together and unsafe for none: the
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

    def as_text(self, noun: str) -> str:
        """Return a table with one line per recipe; `noun` is one example."""
        width = max(len("recipe"), *(len(row.recipe) for row in self.pooled))
        most = max(row.n for row in self.pooled)
        lines = [
            f"Share of {most} held-out real {noun}s that a judge recognises as their class; a fall of over "
            f"{MARGIN:.0%} is unsafe.",
            f"{'recipe':<{width}}  before   after  fall, 95 % interval      {ALL:<11}  by class",
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


@final
@dataclass(frozen=True)
class Changed:
    """What a judge says of examples before and after one recipe, in pieces.

    Attributes:
        y: Labels of the examples, int64.
        before: Which class each is taken for untouched, int64.
        after: Which class it is taken for when it was changed, int64.
    """

    y: list[np.ndarray] = field(default_factory=list)
    before: list[np.ndarray] = field(default_factory=list)
    after: list[np.ndarray] = field(default_factory=list)

    def add(self, y: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
        """Take in n more examples, each argument of shape (n,)."""
        for of, more in ((self.y, y), (self.before, before), (self.after, after)):
            of.append(more)


def label_safety(classes: tuple[str, ...], changed: Mapping[str, Changed]) -> LabelSafety:
    """Return what was found, by recipe; those that change no example are left out.

    Raises:
        ValueError: if none is left.
    """
    pooled, by_class = [], []
    for recipe, found in changed.items():
        if not sum(map(len, found.y)):
            continue
        y, before, after = (np.concatenate(of) for of in (found.y, found.before, found.after))
        pooled.append(_survival(recipe, ALL, y, before, after, classes))
        for c in np.unique(y):
            mine = y == c
            by_class.append(_survival(recipe, classes[c], y[mine], before[mine], after[mine], classes))
    if not pooled:
        raise ValueError(f"no example can be changed by {', '.join(changed)}; name another recipe, or add examples.")
    return LabelSafety(classes, tuple(pooled), tuple(by_class))


def held_out_of(parts: Parts) -> LabeledData | None:
    """Return the validation part, if it has enough of each class to be asked about."""
    return parts.validation if min(parts.validation.class_counts.values()) >= FEWEST_HELD_OUT else None


def folds_of(
    train: LabeledData, held_out: LabeledData | None, rng: np.random.Generator
) -> Iterator[tuple[LabeledData, np.ndarray]]:
    """Yield examples to ask a judge about, and which training examples it may learn from, bool, shape (n,).

    Args:
        train: n training examples.
        held_out: Other examples to ask about; None for those of `train`, each where it is not learned from.
        rng: Draws them, equally many of each class.
    """
    if held_out is not None:
        yield held_out.subset(at_most(ASKED, held_out, rng)), np.ones(len(train), dtype=bool)
        return
    rows = at_most(ASKED, train, rng)
    fold = np.full(len(train), -1)
    fold[rows] = np.arange(len(rows)) % FOLDS  # the rows come class by class
    for f in range(min(FOLDS, len(rows))):
        yield train.subset(fold == f), fold != f


def can_be_measured(train: LabeledData) -> bool:
    """Whether there are two classes of two examples or more: else a judge cannot say what one might turn into."""
    return int((np.bincount(train.y) > 1).sum()) >= 2


def check_measurable(train: LabeledData) -> None:
    """Raise ValueError where label safety cannot be measured."""
    if not can_be_measured(train):
        noun = train.noun
        raise ValueError(
            f"label safety needs at least two classes of two training {noun}s or more, else a judge cannot say what a "
            f"{noun} might turn into; got {train.class_counts}; add {noun}s."
        )


def at_most(total: int, data: LabeledData, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of equally many examples of each class, at random, about `total` where there are more."""
    present = np.unique(data.y)
    each = max(FEWEST, total // len(present))
    return np.concatenate([rng.permutation(np.flatnonzero(data.y == label))[:each] for label in present])


def _survival(
    recipe: str, label: str, y: np.ndarray, before: np.ndarray, after: np.ndarray, classes: tuple[str, ...]
) -> Survival:
    """Return a row; the rest as of `Changed`."""
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
