"""NeuralTable: draws rows from a network of `models/` that learns tables, such as the tabular VAE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor

from gensynth.generator.config import TrainConfig
from gensynth.generator.threads import one_thread
from gensynth.kinds.table.codec import Encoded
from gensynth.kinds.table.modes import Modes
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.schema import Schema

if TYPE_CHECKING:
    from gensynth.kinds.table.generator import TableGenerator

BALANCE = 0.75
"""Classes are seen in proportion to (rows of the class)^BALANCE, so that rare ones are seen more often."""


@final
class NeuralTable(TableSampler):
    """Trains one network on all classes, so that a rare class borrows what the others show, or one per class.

    The settings of the network, and the paper, stand in the model's file. Training stops when rows that are held out of
    it no longer become more likely (`gensynth.kinds.table.train_rows`). What is learned holds no row, but it does hold
    the names of all levels, and the numbers so frequent that they are levels.

    Args:
        generator: Name of a model for tables in `models/`.
        model: Its settings, only what differs from the defaults.
        steps: Training steps at most.
        batch_size: Rows per step.
        per_class: Train one network for each class, on its rows alone.
        sampling_strategy: As in `Sampler`.
        random_state: As in `Sampler`; also seeds the training.
        schema: As in `TableSampler`.

    Attributes:
        history_: Loss curves by network: `"step"`, `"train/..."` and `"val/loss"`.
    """

    fewest: ClassVar[int] = 2
    widest: ClassVar[int] = 100
    state: ClassVar[dict[str, Any]] = {
        "modes_": [
            {"means": "modes", "deviations": "modes", "log_weights": "modes", "exact": "*", "has_missing": None}
        ],
        "weights_": None,
        "network_of_": "k",
        "history_": None,
    }

    def __init__(
        self,
        generator: str = "tabular_vae",
        model: Mapping[str, Any] | None = None,
        steps: int = 3000,
        batch_size: int = 256,
        per_class: bool = False,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
        schema: Schema | None = None,
    ) -> None:
        super().__init__(sampling_strategy, random_state, schema)
        self.generator = generator
        self.model = model
        self.steps = steps
        self.batch_size = batch_size
        self.per_class = per_class

    @property
    def name(self) -> str:
        """Name of the model, such as `tabular_vae`."""
        return self.generator

    def _learn(self, rows: Encoded, y: np.ndarray) -> None:
        # Lightning takes seconds to import, and most tables do without.
        from gensynth.kinds.table.train_rows import train_rows

        train = TrainConfig(
            steps=self.steps, batch_size=self.batch_size, seed=self.random_state, balance=BALANCE, precision="32-true"
        )
        rng, counts = np.random.default_rng(self.random_state), np.bincount(y, minlength=len(self.classes_))
        weight = counts[y] ** (BALANCE - 1.0)
        # Modes are fitted to rows drawn as the network sees them: a rare class would leave no trace otherwise.
        drawn = rng.choice(len(y), len(y), p=weight / weight.sum())
        columns = zip(rows.numbers.T, self.codec_.number_columns, strict=True)
        self.modes_ = [Modes.fit(x, [float(spike) for spike in column.spikes], drawn) for x, column in columns]
        levels, offsets = self._to_levels(rows, rng)
        present = np.flatnonzero(counts)
        parts = [y == label for label in present] if self.per_class else [np.ones(len(y), dtype=bool)]
        self.network_of_ = np.searchsorted(present, np.arange(len(counts))) if self.per_class else np.zeros_like(counts)
        self.weights_: list[dict[str, np.ndarray]] = []
        self.history_: dict[str, dict[str, list[float]]] = {}
        self.networks_: dict[int, TableGenerator] = {}
        for at, part in enumerate(parts):
            title = self.classes_[present[at]] if self.per_class else "all classes"
            model = self._built()
            with one_thread():
                self.history_[title] = train_rows(
                    model, levels[part], offsets[part], y[part], train, f"{self.generator} on {title}"
                )
            self.weights_.append({name: tensor.numpy() for name, tensor in model.state_dict().items()})

    def _to_levels(self, rows: Encoded, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return levels, int64, shape (n, c), and offsets, float64, shape (n, p)."""
        pairs = [modes.encode(x, rng) for modes, x in zip(self.modes_, rows.numbers.T, strict=True)]
        levels = np.column_stack([*(level for level, _ in pairs), rows.codes])
        return levels, np.column_stack([offset for _, offset in pairs]) if pairs else np.empty((len(rows), 0))

    def _built(self, weights: dict[str, Tensor] | None = None) -> TableGenerator:
        """Return a network to train, or with the weights it was saved with."""
        from gensynth.generator.checkpoint import check_size, config_from
        from gensynth.generator.registry import get_generator

        cards = (*(modes.card for modes in self.modes_), *self.codec_.cards)
        modes = tuple(len(m.means) for m in self.modes_)
        cls = get_generator(self.generator, "table")
        config = config_from(cls.Config, dict(self.model or {}))
        if weights:
            check_size(lambda: cls(config, cards, modes, len(self.classes_)), weights.values())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            network = cls(config, cards, modes, len(self.classes_)).eval()
        if weights:
            network.load_state_dict(weights)
        return network

    def _network(self, label: int) -> TableGenerator:
        networks: dict[int, TableGenerator] = self.__dict__.setdefault("networks_", {})  # not in a loaded sampler
        at = int(self.network_of_[label])
        if at not in networks:
            networks[at] = self._built({name: torch.from_numpy(w) for name, w in self.weights_[at].items()})
        return networks[at]

    def _rows(self, label: int, n: int, rng: np.random.Generator) -> tuple[Encoded, np.ndarray]:
        network = self._network(label)
        with one_thread():
            noise = rng.standard_normal((n, network.noise_dim), dtype=np.float32)
            levels, offsets = network.sample(label, noise)
        p = len(self.modes_)
        numbers = [m.decode(levels[:, j], offsets[:, j]) for j, m in enumerate(self.modes_)]
        return (
            Encoded(np.column_stack(numbers) if p else np.empty((n, 0)), levels[:, p:]),
            np.empty((n, 0), dtype=np.int64),
        )
