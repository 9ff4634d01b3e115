"""NeuralSampler: draws from trained generators."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gensynth.checkpoint import Checkpoint, config_from, load_checkpoint
from gensynth.data.labeled import LabeledData
from gensynth.registry import get_generator
from gensynth.samplers.base import Sampler, Synthetic
from gensynth.train import TrainConfig, train


class NeuralSampler(Sampler):
    """Draws from a checkpoint, or from a folder of checkpoints with one model per class.

    Args:
        checkpoint: A `.ckpt` file or a folder of them; None to train in `fit`.
        generator: Name of the generator that `fit` trains.
        model: Its settings, only what differs from the defaults.
        train: How `fit` trains it.
        draw: One of the model's ways to draw; None for its default.
        device: Where to compute, such as `"cpu"` or `"cuda"`.
        sampling_strategy: As in `Sampler`.
        random_state: As in `Sampler`.
        image_shape: As in `Sampler`.
    """

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        generator: str = "vae",
        model: Mapping[str, Any] | None = None,
        train: TrainConfig | None = None,
        draw: str | None = None,
        device: str = "cpu",
        sampling_strategy: Any = "auto",
        random_state: int = 0,
        image_shape: tuple[int, int, int] | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.generator = generator
        self.model = model
        self.train = train
        self.draw = draw
        self.device = device
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state
        self.image_shape = image_shape

    @property
    def name(self) -> str:
        """Name of the generator."""
        return next(iter(self._loaded().values())).name

    @property
    def labels(self) -> tuple[str, ...]:
        """The trained classes."""
        return tuple(self._loaded())

    def _loaded(self) -> dict[str, Checkpoint]:
        if self.checkpoint is not None and not hasattr(self, "by_label_"):
            path = Path(self.checkpoint)
            files = sorted(path.glob("*.ckpt")) if path.is_dir() else [path]
            if not files:
                raise FileNotFoundError(f"no checkpoint (*.ckpt) in {path}; train one with 'gensynth train'.")
            self._keep([load_checkpoint(file) for file in files])
        if not hasattr(self, "by_label_"):
            raise ValueError("this sampler has no checkpoint and was not fitted; give checkpoint= or call fit first.")
        return self.by_label_

    def _keep(self, checkpoints: list[Checkpoint]) -> None:
        self.by_label_: dict[str, Checkpoint] = {}
        # A model of fewer classes knows them better: the largest first, so that the smallest has the last word.
        for checkpoint in sorted(checkpoints, key=lambda c: -len(c.model.trained_labels)):
            checkpoint.model.to(torch.device(self.device))
            for label in checkpoint.model.trained_labels:
                other = self.by_label_.get(label)
                if other is not None and len(other.model.trained_labels) == len(checkpoint.model.trained_labels):
                    raise ValueError(f"two checkpoints in {self.checkpoint} draw {label!r}; name one of the files.")
                self.by_label_[label] = checkpoint

    def _fit(self, data: LabeledData) -> None:
        if self.checkpoint is not None:
            return
        config = config_from(get_generator(self.generator).Config, dict(self.model or {}))
        settings = self.train or TrainConfig()
        with tempfile.TemporaryDirectory() as folder:
            path = train(data, self.generator, config, settings, Path(folder) / "generator.ckpt", quiet=True)
            self._keep([load_checkpoint(path)])

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        checkpoint = self._loaded()[label]
        drawn = checkpoint.model.sample(label, index, seed, self.draw)
        return Synthetic(
            x=drawn.x,
            y=np.full(len(index), self.labels.index(label), dtype=np.int64),
            classes=self.labels,
            index=index,
            sampler=checkpoint.name,
            seed=seed,
            how=(self.draw or checkpoint.model.draws[0],) * len(index),
            parents=drawn.parents,
            checkpoint_sha256=(checkpoint.sha256,) * len(index),
        )
