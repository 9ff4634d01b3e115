"""TrainedSampler: draws from checkpoints. It needs torch, and nothing else that is slow to import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from gensynth.data.labeled import LabeledData
from gensynth.data.plain import typed
from gensynth.generator.checkpoint import Checkpoint, load_checkpoint
from gensynth.kinds.image.generator.source import SourceGenerator
from gensynth.kinds.image.images import Pixels
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic


class TrainedSampler(Sampler):
    """Draws from checkpoints; where several draw a label, the one that was trained for fewer classes does.

    Args:
        checkpoints: At least one.
        draw: One of the models' ways to draw; None for their default.
        device: Where to compute, such as `"cpu"` or `"cuda"`.

    Raises:
        ValueError: if it is not clear which of two draws a label.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint], draw: str | None = None, device: str = "cpu") -> None:
        self.draw = draw
        self.by_label = _by_label(checkpoints)
        for checkpoint in checkpoints:
            checkpoint.model.to(torch.device(device))

    @staticmethod
    def load(path: str | Path, draw: str | None = None, device: str = "cpu") -> TrainedSampler:
        """Load a `.ckpt` file, or all those of a folder, one of them per class.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if a file is no checkpoint, or it is not clear which of two draws a label.
        """
        path = Path(path)
        files = sorted(path.glob("*.ckpt")) if path.is_dir() else [path]
        if not files:
            raise FileNotFoundError(f"no checkpoint (*.ckpt) in {path}; train one with 'gensynth train'.")
        return TrainedSampler([load_checkpoint(file) for file in files], draw, device)

    @property
    def name(self) -> str:
        """Name of the generator."""
        return next(iter(self.by_label.values())).name

    @property
    def labels(self) -> tuple[str, ...]:
        """The trained classes."""
        return tuple(self.by_label)

    @property
    def class_counts(self) -> dict[str, int]:
        """As `Sampler.class_counts`, as the checkpoints say."""
        said = {name: typed(dict[str, int], c.provenance.get("class_counts", {})) for name, c in self.by_label.items()}
        return {name: counts[name] for name, counts in said.items() if name in counts}

    def _fit(self, data: LabeledData) -> None:
        """Learn nothing more; ValueError if the images have another shape than those it draws."""
        shapes = {checkpoint.model.shape for checkpoint in self.by_label.values()}
        if shapes != {data.x.layout}:
            raise ValueError(
                f"the checkpoint draws images of shape {', '.join(map(str, shapes))}, and these have shape "
                f"{data.x.layout}; bring them to that shape, or leave checkpoint out to train on them."
            )

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        checkpoint = self.by_label[label]
        drawn = checkpoint.model.sample(label, index, seed, self.draw)
        how = self.draw or checkpoint.model.draws[0]
        stamp = checkpoint.model.stamp
        return Synthetic(
            x=Pixels(drawn.x, drawn.natives),
            y=np.full(len(index), self.labels.index(label), dtype=np.int64),
            classes=self.labels,
            index=index,
            sampler=checkpoint.name,
            seed=seed,
            how=(f"{how} ({stamp})" if stamp else how,) * len(index),
            parents=drawn.parents,
            checkpoint_sha256=(checkpoint.sha256,) * len(index),
        )


def _by_label(checkpoints: Sequence[Checkpoint]) -> dict[str, Checkpoint]:
    by_label: dict[str, Checkpoint] = {}
    changed: dict[str, Checkpoint] = {}
    # A model of fewer classes knows them better: the largest first, so that the smallest has the last word.
    for checkpoint in sorted(checkpoints, key=lambda c: -len(c.model.trained_labels)):
        model = checkpoint.model
        for label in model.trained_labels:
            if isinstance(model, SourceGenerator) and model.target not in ("", label):
                changed.setdefault(label, checkpoint)  # a class it only translates from: any other model comes first
                continue
            other = by_label.get(label)
            if other is not None and len(other.model.trained_labels) == len(model.trained_labels):
                raise ValueError(f"two checkpoints draw {label!r}; name one of the files.")
            by_label[label] = checkpoint
    return changed | by_label
