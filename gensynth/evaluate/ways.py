"""The names of ways and arms, one grammar for all kinds of data.

A *way* is how a classifier is trained, an *arm* a way with or without synthetic examples:

    real             the real examples as they are
    class weights    the same, every class with the same weight
    threshold        the classifier of `real`, which predicts the rare class from a tuned threshold on
    oversampled      the real examples, every class drawn equally often
    augmented        the same, each image changed a little, by a small affine or what suits the data better
    mixup            as oversampled, each image blended with another one of its batch
    cutmix           as oversampled, a box of another image of the batch pasted into each one

Each kind of data knows some of these. `WAY + NAME` trains in the same way on real and synthetic examples together,
those that were given under that name; `WAY + synthetic` in settings stands for all that are given. `NAME only` is
`oversampled` with the real examples of the filled classes (the rare ones of them) taken away: can the synthetic ones
stand in for them? `WAY + ungated` takes as many examples as they were drawn, whatever the fidelity gate says.
"""

from __future__ import annotations

from collections.abc import Sequence

REAL, WEIGHTS, THRESHOLD = "real", "class weights", "threshold"
OVERSAMPLED, AUGMENTED, MIXUP, CUTMIX = "oversampled", "augmented", "mixup", "cutmix"
SYNTHETIC, UNGATED = "synthetic", "ungated"
PLUS, ONLY = " + ", " only"


def arms_of(ways: Sequence[str]) -> tuple[str, ...]:
    """Return the arms that settings may name, in their order: ways, those with synthetic examples, those ungated."""
    made, ungated = ([f"{way}{PLUS}{name}" for way in ways] for name in (SYNTHETIC, UNGATED))
    return (*ways, *made, *([SYNTHETIC + ONLY] if OVERSAMPLED in ways else []), *ungated)


def expanded(arms: Sequence[str], ways: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the arms that settings name, in the order of `arms_of`, each for all synthetic examples that are given.

    Args:
        arms: As the settings name them.
        ways: The ways that the kind of data knows, the simplest first.
        names: Names of the synthetic examples that are given; `UNGATED` stands for itself.
    """
    found: list[str] = []
    for arm in arms_of(ways):
        if arm in arms and added_to(arm) == SYNTHETIC:
            found += [arm.replace(SYNTHETIC, name) for name in names if name != UNGATED]
        elif arm in arms:
            found.append(arm)
    return found


def way_of(arm: str) -> str:
    """Return how an arm trains."""
    return OVERSAMPLED if is_alone(arm) else arm.partition(PLUS)[0]


def added_to(arm: str) -> str:
    """Return the name of the synthetic examples that an arm trains on; "" for none."""
    return arm.removesuffix(ONLY) if is_alone(arm) else arm.partition(PLUS)[2]


def is_alone(arm: str) -> bool:
    """Whether an arm does without the real examples of the filled classes."""
    return PLUS not in arm and arm.endswith(ONLY)
