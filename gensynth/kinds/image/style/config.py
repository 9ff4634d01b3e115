"""StylizeConfig: how pictures are stylised."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

SHORTEST = 16
"""Shorter side in pixels below which an encoder's maps would be empty."""


@dataclass(frozen=True)
class StylizeConfig:
    """How pictures are stylised."""

    size: int = 256
    """Longest side of the result in pixels; smaller pictures keep their size."""
    alpha: float = 1.0
    """Share of the style: 0 gives the picture back, 1 is all style."""
    preserve_color: bool = False
    """Keep the colours of the content; only brightness is stylised."""
    channels: Literal[1, 3] | None = None
    """1 for grey results, 3 for colour. By default grey where content and style are, else colour; content that is
    grey alone needs an answer."""
    weights: tuple[float, ...] | None = None
    """Blend all pictures of the style folder by these weights, in the order of their names. By default each content
    picture gets one of them."""
    steps: int = 50
    """Steps of the optimisation at each resolution."""
    total_variation: float = 2.0
    """Weight of smoothness in the optimisation."""
    encoder: str = "auto"
    """Network that judges the optimisation: vgg19, vgg16, or auto for the first whose weights are at hand."""
    download: bool = False
    """Allow the download of the network's weights."""
    checkpoint: str | None = None
    """Checkpoint of a trained style_transfer, which stylises in one pass instead of an optimisation."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; auto takes a GPU if there is one."""
    seed: int = 0
    """Decides with a content picture's name which style picture it gets."""

    def __post_init__(self) -> None:
        if self.size < SHORTEST or self.steps < 1:
            raise ValueError(
                f"size must be at least {SHORTEST} and steps at least 1, got {self.size} and {self.steps}."
            )
        if not (0 <= self.alpha <= 1 and 0 <= self.total_variation < math.inf):
            raise ValueError(
                "alpha must be in [0, 1] and total_variation not negative, "
                f"got {self.alpha} and {self.total_variation}."
            )
        if self.channels not in (None, 1, 3):
            raise ValueError(f"channels must be 1 or 3, got {self.channels}.")
        if self.weights is not None and not (self.weights and all(0 < w < math.inf for w in self.weights)):
            raise ValueError(f"weights must be positive numbers, one for each style picture, got {self.weights}.")
        if self.checkpoint is not None and self.encoder != "auto":
            raise ValueError(f"a checkpoint has its own encoder, so leave encoder at auto; got {self.encoder!r}.")
