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
from gensynth.source import SourceGenerator
from gensynth.train_config import TrainConfig


class NeuralSampler(Sampler):
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
        by_label: dict[str, Checkpoint] = {}
        treated: dict[str, Checkpoint] = {}
        # A model of fewer classes knows them better: the largest first, so that the smallest has the last word.
        for checkpoint in sorted(checkpoints, key=lambda c: -len(c.model.trained_labels)):
            model = checkpoint.model
            model.to(torch.device(self.device))
            for label in model.trained_labels:
                if isinstance(model, SourceGenerator) and model.target not in ("", label):
                    treated.setdefault(
                        label, checkpoint
                    )  # a class it only translates from: any other model comes first
                    continue
                other = by_label.get(label)
                if other is not None and len(other.model.trained_labels) == len(model.trained_labels):
                    raise ValueError(f"two checkpoints in {self.checkpoint} draw {label!r}; name one of the files.")
                by_label[label] = checkpoint
        self.by_label_ = treated | by_label

    def _fit(self, data: LabeledData) -> None:
        if self.checkpoint is not None:
            shapes = {checkpoint.model.shape for checkpoint in self._loaded().values()}
            if shapes != {data.shape}:
                raise ValueError(
                    f"{self.checkpoint} draws images of shape {', '.join(map(str, shapes))}, and these have shape "
                    f"{data.shape}; bring them to that shape, or leave checkpoint out to train on them."
                )
            return
        from gensynth.train import train  # drawing from a checkpoint needs no Lightning

        config = config_from(get_generator(self.generator).Config, dict(self.model or {}))
        settings = self.train or TrainConfig()
        labels: list[str | None] = [None]
        if not get_generator(self.generator).conditional:  # one model for each class that others can fill
            largest = max(data.class_counts.values())
            labels = [label for label, n in data.class_counts.items() if n < largest]
        with tempfile.TemporaryDirectory() as folder:
            paths = [
                train(data, self.generator, config, settings, Path(folder) / f"{at}.ckpt", label=label, quiet=True)
                for at, label in enumerate(labels)
            ]
            self._keep([load_checkpoint(path) for path in paths])

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        checkpoint = self._loaded()[label]
        drawn = checkpoint.model.sample(label, index, seed, self.draw)
        how = self.draw or checkpoint.model.draws[0]
        stamp = checkpoint.model.stamp
        return Synthetic(
            x=drawn.x,
            y=np.full(len(index), self.labels.index(label), dtype=np.int64),
            classes=self.labels,
            index=index,
            sampler=checkpoint.name,
            seed=seed,
            how=(f"{how} ({stamp})" if stamp else how,) * len(index),
            parents=drawn.parents,
            checkpoint_sha256=(checkpoint.sha256,) * len(index),
        )
