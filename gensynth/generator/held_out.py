"""Train a model until examples that it does not learn no longer become likelier: rows and documents alike."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from tqdm import tqdm

from gensynth.generator.batches import stream
from gensynth.generator.config import TrainConfig, TrainingDiverged
from gensynth.generator.learner import Watched
from gensynth.generator.lightning import TrainingModule, fit, trainer_of

HELD_OUT, FEWEST_HELD_OUT = 0.1, 20
"""Share of a class that is not learned but tells when to stop, and examples of a class from which on."""


class Pool(Protocol):
    """All examples of a training, in memory."""

    y: np.ndarray
    """Labels, int64, shape (n,)."""

    def batch(self, at: np.ndarray, seed: int, progress: float) -> Any:
        """Return what the model takes of some examples: a named tuple, with `seed` and `progress` among its parts."""


@dataclass(frozen=True)
class Looks:
    """When the held-out examples are looked at.

    Attributes:
        n: Looks in a training.
        patience: Without a better one for this many looks it stops.
        most: Examples that are held out at most.
    """

    n: int
    patience: int
    most: int


def held_out(y: np.ndarray, seed: int, most: int) -> np.ndarray:
    """Return the examples that are not learned: a tenth of each class that is large enough, ascending.

    Args:
        y: Labels of all, int64, shape (n,).
        seed: Seed of the draw.
        most: How many at most, about.
    """
    rng = np.random.default_rng(stream(seed, -1))
    share = min(HELD_OUT, most / max(len(y), 1))
    chosen = []
    for label in np.unique(y):
        mine = rng.permutation(np.flatnonzero(y == label))
        if len(mine) >= FEWEST_HELD_OUT:
            chosen.append(mine[: max(2, round(share * len(mine)))])
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


def train_watched(
    model: Watched, pool: Pool, unlearned: np.ndarray, config: TrainConfig, title: str, looks: Looks
) -> dict[str, list[float]]:
    """Train a model in place, and leave it with the weights of the best look, in eval mode on the CPU.

    Step k is a function of (seed, k) and the global random state is never touched, so equal calls give equal weights.

    Args:
        model: Freshly built.
        pool: All examples.
        unlearned: Which of them are held out, int64; without any it takes all steps.
        config: Its steps are the most there can be.
        title: Of the progress bar, which is shown on a terminal only.
        looks: When the held-out examples are looked at.

    Returns:
        The loss curves: `"step"`, and what the model logs and `"val/loss"` at each look.

    Raises:
        TrainingDiverged: if a loss is no longer finite.
    """
    watch = Watch(pool.batch(unlearned, config.seed, 1.0) if len(unlearned) else None, config.steps, title, looks)
    fit(model, Batches(pool, np.setdiff1d(np.arange(len(pool.y)), unlearned), config), trainer_of(config, watch))
    if watch.best_weights:
        model.load_state_dict(watch.best_weights)
    model.cpu().eval()
    return watch.history


class Batches:
    """Batch k as a function of (seed, k); classes are drawn in proportion to (their examples)^balance."""

    def __init__(self, pool: Pool, learned: np.ndarray, config: TrainConfig) -> None:
        self.pool, self.learned, self.config = pool, learned, config
        y = pool.y[learned]
        weight = np.bincount(y)[y] ** (config.balance - 1.0)
        self.chances = np.cumsum(weight / weight.sum())

    # No __len__: Lightning would take it for the number of examples.
    def __iter__(self) -> Iterator[Any]:
        for step in range(self.config.steps):
            seed = stream(self.config.seed, step)
            u = np.random.default_rng(seed).random(self.config.batch_size)
            at = np.searchsorted(self.chances, u, side="right").clip(max=len(self.learned) - 1)
            yield self.pool.batch(self.learned[at], seed, step / self.config.steps)


class Watch(Callback):
    """Looks at the held-out examples, keeps the best weights and the loss curves, and ends the training in time."""

    def __init__(self, batch: Any, steps: int, title: str, looks: Looks) -> None:
        self.batch, self.steps, self.title = batch, steps, title
        self.every, self.patience = max(1, steps // looks.n), looks.patience
        self.history: dict[str, list[float]] = {"step": []}
        self.best_weights: dict[str, Tensor] = {}
        self.best, self.best_look, self.step = float("inf"), 0, 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the progress bar."""
        self.batch = trainer.strategy.batch_to_device(self.batch)
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
        if self.batch is not None:
            assert isinstance(pl_module, TrainingModule) and isinstance(pl_module.model, Watched)
            model = pl_module.model
            model.eval()
            with torch.no_grad():
                logged["val/loss"] = float(model.held_out_loss(self.batch))
            model.train()
            look = len(self.history["step"])
            if logged["val/loss"] < self.best:
                self.best, self.best_look = logged["val/loss"], look
                self.best_weights = copy.deepcopy(model.state_dict())
            trainer.should_stop = look - self.best_look >= self.patience
        self.history["step"].append(float(self.step))
        for name, value in logged.items():
            self.history.setdefault(name, []).append(value)
        self.bar.set_postfix({name.rpartition("/")[2]: f"{value:.3g}" for name, value in logged.items()})

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close the progress bar."""
        self.bar.close()
