"""Batches: what a training step sees, as a function of (seed, step)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.generator.base import Batch
from gensynth.generator.config import TrainConfig

if TYPE_CHECKING:
    import pytorch_lightning as pl


@dataclass(frozen=True, eq=False)
class Scope:
    """What a training learns from.

    Attributes:
        data: Its examples; the same classes as before, some of them perhaps empty.
        target: Whether each example is of the target side, bool, shape (n,); all True without a source side.
        trained: The classes that can be drawn afterwards, the target first.
        target_class: The class that examples of the source side become; empty where each keeps its class.
    """

    data: LabeledData
    target: np.ndarray
    trained: tuple[str, ...]
    target_class: str = ""


def stream(seed: int, *numbers: int) -> int:
    """Return a 63-bit seed that is a function of `seed` and `numbers`, such as (step, rank)."""
    digest = hashlib.sha256(repr((seed, *numbers)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


class Batches:
    """Batch k as a function of (seed, k), from `start` to the last step; each rank takes its share of every batch.

    Where there is a source side, the first half of a batch is from it and the second from the target side.

    Args:
        scope: The images.
        config: Its steps, seed, batch size over all ranks, and balance.
        start: The first step.
        trainer: Knows its rank and device.
    """

    def __init__(self, scope: Scope, config: TrainConfig, start: int, trainer: pl.Trainer) -> None:
        self.scope, self.config, self.start, self.trainer = scope, config, start, trainer
        y = scope.data.y
        sides = [scope.target] if scope.target.all() else [~scope.target, scope.target]
        self.sides = []
        for side in sides:
            counts = np.bincount(y[side], minlength=len(scope.data.classes))
            weight = np.where(side, np.maximum(counts[y], 1) ** (config.balance - 1.0), 0.0)
            self.sides.append(np.cumsum(weight / weight.sum()))

    # No __len__: Lightning would compare it with a batch number that goes on counting in a resumed run.
    def __iter__(self) -> Iterator[Batch]:
        on_gpu = self.trainer.strategy.root_device.type == "cuda"
        for batch in one_ahead(self._in_turn()):
            # From pinned memory a batch goes to a GPU while that computes. The thread that reads ahead could not pin
            # it: to that thread the first GPU is the current one, whichever is this process's own.
            yield batch._replace(x=batch.x.pin_memory()) if on_gpu else batch

    def _in_turn(self) -> Iterator[Batch]:
        rank, ranks, config = self.trainer.global_rank, self.trainer.world_size, self.config
        data, y, target = self.scope.data, torch.from_numpy(self.scope.data.y), torch.from_numpy(self.scope.target)
        last = [int(np.flatnonzero(np.diff(side, prepend=0.0))[-1]) for side in self.sides]
        for step in range(self.start, config.steps):
            rng = np.random.default_rng(stream(config.seed, step))
            draws = rng.random(config.batch_size).reshape(len(self.sides), -1)
            drawn = [np.searchsorted(side, u, side="right") for side, u in zip(self.sides, draws, strict=True)]
            rows = torch.from_numpy(np.concatenate([np.minimum(at, end) for at, end in zip(drawn, last, strict=True)]))
            rows = rows[rank::ranks]
            seed = stream(config.seed, step, rank)
            yield Batch(data.x[rows], y[rows], seed, step / config.steps, rows, target[rows])


def one_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield the same batches; the next one is read, in a thread, while one is learnt from."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = thread.submit(next, batches, None)
            yield batch


def in_order(data: LabeledData, device: torch.device) -> Iterator[tuple[Tensor, Tensor, tuple[str, ...]]]:
    """Yield x, y and ids of all images, at most 256 at a time."""
    for start in range(0, len(data), 256):
        rows = torch.arange(start, min(start + 256, len(data)))
        yield data.x[rows].to(device), torch.from_numpy(data.y)[rows].to(device), data.ids[start : start + 256]
