"""Learner: what the models in `models/` may ask of the loop that trains them, whatever it is.

A model is a plain `torch.nn.Module`, so that drawing from it needs no training framework;
`gensynth.generator.lightning` carries it through Lightning's loop.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Loop:
    """What a training loop does for a model.

    Attributes:
        optimizers: Returns what `configure_optimizers` made: one optimizer, or a list of them.
        manual_backward: Runs backward from a loss, in the precision of the loop.
        log_dict: Takes the losses of a step by name.
    """

    optimizers: Callable[[], Any]
    manual_backward: Callable[[Tensor], None]
    log_dict: Callable[[Mapping[str, Tensor]], None]


class Learner(nn.Module, ABC):
    """A network that is trained step by step."""

    kind: ClassVar[str]
    """Name of the kind of data it learns."""
    automatic_optimization: bool = True
    """Whether the loop steps the optimizer on the loss that `training_step` returns; else the model does it itself."""
    loop: Loop | None = None
    """Set while it is trained."""

    @abstractmethod
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Learn from one batch; returns the loss where the loop is to step the optimizer."""

    @abstractmethod
    def configure_optimizers(self) -> Any:
        """Return one optimizer, or a list of them."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(chain(self.parameters(), self.buffers()), torch.empty(0)).device

    def optimizers(self) -> Any:
        """Return the optimizers of the training that is going on."""
        return self._training_loop().optimizers()

    def manual_backward(self, loss: Tensor) -> None:
        """Run backward from a loss, as the training's precision and processes ask for."""
        self._training_loop().manual_backward(loss)

    def update(self, optimizer: Any, loss: Tensor) -> None:
        """Take one step of an optimizer on a loss."""
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def log_dict(self, losses: Mapping[str, Tensor]) -> None:
        """Log the losses of this step by name, such as `train/d_loss`."""
        self._training_loop().log_dict(losses)

    def _training_loop(self) -> Loop:
        if self.loop is None:
            raise RuntimeError(f"{type(self).__name__} is not being trained; a trainer of gensynth trains it.")
        return self.loop

    def step_rng(self, batch: Any) -> torch.Generator:
        """Return the random stream of one training step, seeded by `batch.seed`."""
        return torch.Generator(self.device).manual_seed(batch.seed)


class Watched(Learner):
    """A network that is trained until examples that it does not learn no longer become likelier."""

    @abstractmethod
    def held_out_loss(self, batch: Any) -> Tensor:
        """Return the mean loss of a batch, shape (), without any randomness but that of `batch.seed`."""


def set_lr(optimizer: Any, lr: float) -> None:
    """Set the learning rate of an optimizer."""
    for group in optimizer.param_groups:
        group["lr"] = lr


def half_cosine(lr: float, progress: float) -> float:
    """Return the learning rate that falls from `lr` to 0 along a half cosine while `progress` goes from 0 to 1."""
    return lr * (1 + math.cos(math.pi * progress)) / 2
