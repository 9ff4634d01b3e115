"""train_rows: teach a `TableGenerator` the rows of a table, and stop when rows that it has not seen say so."""

from __future__ import annotations

import numpy as np
import torch

from gensynth.generator.config import TrainConfig
from gensynth.generator.held_out import Looks, held_out, train_watched
from gensynth.kinds.table.generator import RowBatch, TableGenerator

LOOKS = Looks(n=120, patience=20, most=2_000)


def train_rows(
    model: TableGenerator, levels: np.ndarray, offsets: np.ndarray, y: np.ndarray, config: TrainConfig, title: str
) -> dict[str, list[float]]:
    """Train a model in place, as `train_watched` does.

    Args:
        model: Freshly built.
        levels: As in `RowBatch`, shape (n, c).
        offsets: As in `RowBatch`, shape (n, p).
        y: Labels, int64, shape (n,).
        config: Its steps are the most there can be.
        title: Of the progress bar, which is shown on a terminal only.

    Returns:
        The loss curves.

    Raises:
        TrainingDiverged: if a loss is no longer finite.
    """
    rows, unlearned = Rows(levels, offsets, y), held_out(y, config.seed, LOOKS.most)
    first = rows.batch(np.setdiff1d(np.arange(len(y)), unlearned), config.seed, 0.0)
    model.begin(first.levels, first.y)
    return train_watched(model, rows, unlearned, config, title, LOOKS)


class Rows:
    """All rows in memory, levels in as few bytes as they need."""

    def __init__(self, levels: np.ndarray, offsets: np.ndarray, y: np.ndarray) -> None:
        self.levels = torch.from_numpy(levels.astype(np.int16))  # a column has far fewer than 32,768 levels
        self.offsets = torch.from_numpy(offsets.astype(np.float32))
        self.y = y

    def batch(self, at: np.ndarray, seed: int, progress: float) -> RowBatch:
        """Return some rows."""
        rows = torch.from_numpy(at)
        return RowBatch(self.levels[rows].long(), self.offsets[rows], torch.from_numpy(self.y[at]), seed, progress)
