"""NeuralSampler: draws from trained generators."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.generator.checkpoint import config_from, load_checkpoint
from gensynth.generator.config import TrainConfig
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.samplers.base import ImageSampler
from gensynth.kinds.image.samplers.trained import TrainedSampler
from gensynth.sampler.synthetic import Synthetic


class NeuralSampler(ImageSampler):
    """Draws from a checkpoint, or from a folder of checkpoints with one model per class; or trains in `fit`.

    Under cross-validation leave `checkpoint` out: a model that is trained in `fit` sees the training folds alone, one
    that was trained before may know the fold that scores are taken on, and they would be too good. A checkpoint
    cannot pass imbalanced-learn's own checks, which give it classes and shapes that it was not trained for; a
    sampler that trains in `fit` passes them.

    Args:
        checkpoint: A `.ckpt` file or a folder of them; None to train in `fit`.
        generator: Name of the generator that `fit` trains.
        model: Its settings, only what differs from the defaults.
        train: How `fit` trains it.
        draw: One of the model's ways to draw; None for its default.
        device: Where to compute, such as `"cpu"` or `"cuda"`.
        sampling_strategy: As in `ImageSampler`.
        random_state: As in `ImageSampler`.
        image_shape: As in `ImageSampler`.
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
        super().__init__(sampling_strategy, random_state, image_shape)
        self.checkpoint = checkpoint
        self.generator = generator
        self.model = model
        self.train = train
        self.draw = draw
        self.device = device

    @property
    def name(self) -> str:
        """Name of the generator."""
        return self._trained().name

    @property
    def labels(self) -> tuple[str, ...]:
        """The trained classes."""
        return self._trained().labels

    def _trained(self) -> TrainedSampler:
        if self.checkpoint is not None and not hasattr(self, "trained_"):
            self.trained_ = TrainedSampler.load(self.checkpoint, self.draw, self.device)
        if not hasattr(self, "trained_"):
            raise ValueError("this sampler has no checkpoint and was not fitted; give checkpoint= or call fit first.")
        return self.trained_

    def _fit(self, data: LabeledData) -> None:
        if self.checkpoint is not None:
            self._trained().fit(data)
            return
        from gensynth.kinds.image.generator.train import train  # drawing from a checkpoint needs no Lightning

        config = config_from(get_generator(self.generator, "image").Config, dict(self.model or {}))
        settings = self.train or TrainConfig()
        labels: list[str | None] = [None]
        if not get_generator(self.generator, "image").conditional:  # one model for each class that others can fill
            largest = max(data.class_counts.values())
            labels = [label for label, n in data.class_counts.items() if n < largest]
        with tempfile.TemporaryDirectory() as folder:
            paths = [
                train(data, self.generator, config, settings, Path(folder) / f"{at}.ckpt", label=label, quiet=True)
                for at, label in enumerate(labels)
            ]
            self.trained_ = TrainedSampler([load_checkpoint(path) for path in paths], self.draw, self.device)

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        return self._trained()._sample(label, index, seed)
