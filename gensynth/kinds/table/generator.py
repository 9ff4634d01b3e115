"""TableGenerator: the contract of the models in `models/` that learn the rows of a table.

`gensynth.kinds.table.samplers.neural` turns rows into levels and offsets (`gensynth.kinds.table.modes`), trains the
model and draws from it. A model writes four pieces:

    class MyModel(TableGenerator):
        Config = MyConfig                                   # frozen dataclass, a default for every field
        def training_step(self, batch, batch_idx): ...      # one `RowBatch`; returns the loss, logs `train/...`
        def configure_optimizers(self): ...
        def held_out_loss(self, batch): ...                 # of rows that were not learned, to stop in time
        def _sample(self, labels, noise): ...               # levels and offsets from standard normal noise
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gensynth.generator.learner import Watched


class RowBatch(NamedTuple):
    """What `training_step` receives.

    Attributes:
        levels: Level of each column, the numbers first, int64, shape (b, c).
        offsets: Offsets of the numbers from their mode, 0 where the level is no mode, float32, shape (b, p).
        y: Labels, int64, shape (b,).
        seed: Seeds all randomness of this step; the global random state is never touched.
        progress: Share of the training that is done, in [0, 1).
    """

    levels: Tensor
    offsets: Tensor
    y: Tensor
    seed: int
    progress: float


class TableGenerator(Watched):
    """Learns rows of several classes and draws rows of a label.

    Args:
        config: An instance of the model's `Config`.
        cards: Number of levels of each of the c columns, the p numbers first.
        modes: Of each number, how many of its levels are modes (they come first), length p.
        n_classes: Number of classes.
    """

    Config: ClassVar[type]
    kind: ClassVar[str] = "table"

    def __init__(self, config: Any, cards: tuple[int, ...], modes: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.config, self.cards, self.modes, self.n_classes = config, cards, modes, n_classes

    @property
    @abstractmethod
    def noise_dim(self) -> int:
        """Standard normal numbers that one row is made from."""

    def begin(self, levels: Tensor, y: Tensor) -> None:  # noqa: B027
        """Called once before training with levels (n, c) and labels (n,) of all rows that will be learned."""

    @abstractmethod
    def _sample(self, labels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return levels (b, c) and offsets (b, p) for labels (b,) and noise (b, noise_dim)."""

    @torch.inference_mode()
    def sample(self, label: int, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draw one row of a label from each row of standard normal noise.

        Args:
            label: Position of the class.
            noise: float32, shape (n, noise_dim).

        Returns:
            Levels, int64, shape (n, c), and offsets, float64, shape (n, p).
        """
        self.eval()
        labels = torch.full((len(noise),), label, device=self.device)
        levels, offsets = self._sample(labels, torch.from_numpy(noise).to(self.device))
        return levels.cpu().numpy(), offsets.double().cpu().numpy()
