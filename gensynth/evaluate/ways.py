"""The ways to train that `gensynth.evaluate.arms` tries, by name.

    real             the real images, drawn uniformly
    class weights    the same, every class with the same weight in the loss
    oversampled      the real images, every class drawn equally often
    augmented        the same, each image shifted, turned and scaled a little whenever it is drawn
    mixup            as oversampled, each image mixed with another one of its batch

`... + synthetic` trains in the same way on real and synthetic images together. `synthetic only` is `oversampled` with
the real images of the filled classes (the rare ones of them) taken away: can the synthetic ones stand in for them?
`... + ungated` takes as many synthetic images as they were drawn, whatever the fidelity gate says.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Way:
    """How images are drawn, weighted and changed, real and synthetic ones alike."""

    oversampled: bool = True
    weighted: bool = False
    augmented: bool = False
    mixed: bool = False


WAYS = {
    "real": Way(oversampled=False),
    "class weights": Way(oversampled=False, weighted=True),
    "oversampled": Way(),
    "augmented": Way(augmented=True),
    "mixup": Way(mixed=True),
}
SYNTHETIC_ONLY = "synthetic only"
MADE = {f"{name} + synthetic": way for name, way in WAYS.items()} | {SYNTHETIC_ONLY: WAYS["oversampled"]}
"""The arms with synthetic images that passed the gate, and how each of them trains."""
UNGATED = {f"{name} + ungated": way for name, way in WAYS.items()}
ARMS = WAYS | MADE | UNGATED
