"""train_rows: teach a `TableGenerator` the rows of a table, and stop when rows that it has not seen say so."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from tqdm import tqdm

from gensynth.generator.batches import stream
from gensynth.generator.config import TrainConfig, TrainingDiverged
from gensynth.generator.lightning import TrainingModule, fit, trainer_of
from gensynth.kinds.table.generator import RowBatch, TableGenerator

HELD_OUT, FEWEST_HELD_OUT, MOST_HELD_OUT = 0.1, 20, 2_000
"""Share of a class that is not learned but tells when to stop, rows of a class from which on, rows in all at most."""
LOOKS, PATIENCE = 120, 20
"""Looks at the held-out rows in a training; without a better one for this many looks it stops."""


def train_rows(
    model: TableGenerator, levels: np.ndarray, offsets: np.ndarray, y: np.ndarray, config: TrainConfig, title: str
) -> dict[str, list[float]]:
    """Train a model in place, and leave it with the weights of the best look, in eval mode on the CPU.

    Step k is a function of (seed, k) and the global random state is never touched, so equal calls give equal weights.

    Args:
        model: Freshly built.
        levels: As in `RowBatch`, shape (n, c).
        offsets: As in `RowBatch`, shape (n, p).
        y: Labels, int64, shape (n,).
        config: Its steps are the most there can be.
        title: Of the progress bar, which is shown on a terminal only.

    Returns:
        The loss curves: `"step"`, and what the model logs and `"val/loss"` at each look.

    Raises:
        TrainingDiverged: if a loss is no longer finite.
    """
    held_out = held_out_rows(y, config.seed)
    rows = RowTensors(levels, offsets, y)
    learned = np.setdiff1d(np.arange(len(y)), held_out)
    first = rows.batch(learned, config.seed, 0.0)
    model.begin(first.levels, first.y)
    batches = RowBatches(rows, learned, config)
    watch = Watch(rows.batch(held_out, config.seed, 1.0) if len(held_out) else None, config, title)
    fit(model, batches, trainer_of(config, watch))
    if watch.best_weights:
        model.load_state_dict(watch.best_weights)
    model.cpu().eval()
    return watch.history


def held_out_rows(y: np.ndarray, seed: int) -> np.ndarray:
    """Return the rows that are not learned: a tenth of each class that is large enough, ascending."""
    rng = np.random.default_rng(stream(seed, -1))
    share = min(HELD_OUT, MOST_HELD_OUT / max(len(y), 1))
    chosen = []
    for label in np.unique(y):
        mine = rng.permutation(np.flatnonzero(y == label))
        if len(mine) >= FEWEST_HELD_OUT:
            chosen.append(mine[: max(2, round(share * len(mine)))])
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


class RowTensors:
    """All rows in memory, levels in as few bytes as they need."""

    def __init__(self, levels: np.ndarray, offsets: np.ndarray, y: np.ndarray) -> None:
        self.levels = torch.from_numpy(levels.astype(np.int16))  # a column has far fewer than 32,768 levels
        self.offsets = torch.from_numpy(offsets.astype(np.float32))
        self.y = torch.from_numpy(y)

    def batch(self, at: np.ndarray, seed: int, progress: float) -> RowBatch:
        """Return some rows."""
        rows = torch.from_numpy(at)
        return RowBatch(self.levels[rows].long(), self.offsets[rows], self.y[rows], seed, progress)


class RowBatches:
    """Batch k as a function of (seed, k); classes are drawn in proportion to (their rows)^balance."""

    def __init__(self, rows: RowTensors, learned: np.ndarray, config: TrainConfig) -> None:
        self.rows, self.learned, self.config = rows, learned, config
        y = rows.y.numpy()[learned]
        weight = np.bincount(y)[y] ** (config.balance - 1.0)
        self.chances = np.cumsum(weight / weight.sum())

    # No __len__: Lightning would take it for the number of rows.
    def __iter__(self) -> Iterator[RowBatch]:
        for step in range(self.config.steps):
            seed = stream(self.config.seed, step)
            u = np.random.default_rng(seed).random(self.config.batch_size)
            at = np.searchsorted(self.chances, u, side="right").clip(max=len(self.learned) - 1)
            yield self.rows.batch(self.learned[at], seed, step / self.config.steps)


class Watch(Callback):
    """Looks at the held-out rows, keeps the best weights and the loss curves, and ends the training in time."""

    def __init__(self, held_out: RowBatch | None, config: TrainConfig, title: str) -> None:
        self.held_out, self.steps, self.title = held_out, config.steps, title
        self.every = max(1, config.steps // LOOKS)
        self.history: dict[str, list[float]] = {"step": []}
        self.best_weights: dict[str, Tensor] = {}
        self.best, self.best_look, self.step = float("inf"), 0, 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the progress bar."""
        self.bar = tqdm(total=self.steps, desc=self.title, unit="step", leave=False, disable=None)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count, and look when it is time."""
        self.step += 1
        self.bar.update()
        if self.step % self.every and self.step < self.steps:
            return
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if not all(map(np.isfinite, logged.values())):
            raise TrainingDiverged(f"{self.title} stopped at step {self.step}: {logged}. Lower the model's lr.")
        if self.held_out is not None:
            assert isinstance(pl_module, TrainingModule) and isinstance(pl_module.model, TableGenerator)
            model = pl_module.model
            model.eval()
            with torch.no_grad():
                batch = [part.to(model.device) if isinstance(part, Tensor) else part for part in self.held_out]
                logged["val/loss"] = float(model.held_out_loss(RowBatch(*batch)))
            model.train()
            look = len(self.history["step"])
            if logged["val/loss"] < self.best:
                self.best, self.best_look = logged["val/loss"], look
                self.best_weights = copy.deepcopy(model.state_dict())
            trainer.should_stop = look - self.best_look >= PATIENCE
        self.history["step"].append(float(self.step))
        for name, value in logged.items():
            self.history.setdefault(name, []).append(value)
        self.bar.set_postfix({name.rpartition("/")[2]: f"{value:.3g}" for name, value in logged.items()})

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close the progress bar."""
        self.bar.close()
