"""SourceGenerator: a generator that changes real images instead of drawing from noise alone.

It keeps real training images, its sources, in the checkpoint, so that sample i is a function of (checkpoint, seed,
label, i) as everywhere. Translation takes them from other classes, style transfer from the class itself.
"""

from __future__ import annotations

import hashlib
from abc import ABC
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from operator import itemgetter
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.data.plain import typed
from gensynth.generator.base import RememberingGenerator
from gensynth.kinds.image.native import NativeFiles

MOST_AT_ONCE = 32


class SourceGenerator(RememberingGenerator, ABC):
    """Turns real images into images of a label.

    Its `Config` has a field `max_sources`: the most images of each class that the checkpoint keeps.
    """

    needs_source: ClassVar[bool] = True
    remembered: ClassVar[tuple[str, ...]] = ("target", "sources", "source_labels", "source_ids", "files")
    directions: tuple[str, ...] = ()
    """The ways in which `translate` changes any image, such as `"AtoB"`; empty where it does not."""
    takes_style: ClassVar[bool] = False
    """Whether it has a method `stylize`, which gives any image the look of any other."""

    def __init__(self, config: Any, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
        super().__init__(config, shape, classes)
        # The class that sources of other classes become; empty where every source keeps its class.
        self.target = ""
        self.sources = torch.zeros(0, *shape, dtype=torch.uint8)
        self.source_labels = torch.zeros(0, dtype=torch.int64)
        self.source_ids: list[str] = []
        # `NativeFiles` of the sources as plain values; None where they have none.
        self.files: dict[str, Any] | None = None

    def remember(self, batches: Iterator[tuple[Tensor, Tensor, tuple[str, ...]]]) -> None:
        """Keep at most `max_sources` images of each class, always the same ones, whatever their order.

        Args:
            batches: x uint8 (b, c, h, w), y (b,) and ids: the images it may draw from, so not those of the target.
        """
        limit = self.config.max_sources
        by_label: dict[int, list[tuple[bytes, str, int, Tensor]]] = {}
        for x, y, ids in batches:
            for name, label, image in zip(ids, y.tolist(), x.cpu(), strict=True):
                mine = by_label.setdefault(label, [])
                mine.append((hashlib.sha256(name.encode()).digest(), name, label, image.clone()))
                if len(mine) > 2 * limit:  # not after every image: sorting would cost more than reading
                    mine[:] = sorted(mine, key=itemgetter(0))[:limit]
        kept = [row for label in sorted(by_label) for row in sorted(by_label[label], key=itemgetter(0))[:limit]]
        self.source_ids = [row[1] for row in kept]
        self.source_labels = torch.tensor([row[2] for row in kept], dtype=torch.int64)
        self.sources = torch.stack([row[3] for row in kept]) if kept else self.sources[:0]

    def locate(self, data: LabeledData) -> None:
        """Keep where the files of the sources lie, which were remembered of `data`."""
        if data.x.natives is not None:
            row = {name: at for at, name in enumerate(data.ids)}
            found = NativeFiles.of([data.x.natives[row[name]] for name in self.source_ids])
            self.files = None if found is None else asdict(found)

    def native_files(self) -> NativeFiles | None:
        """Return the files of the sources; None where they have none."""
        return None if self.files is None else typed(NativeFiles, self.files)

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore what was remembered; checkpoints of older versions know no files."""
        super().set_extra_state({"files": None} | state)

    def pick(self, allowed: Tensor, chance: Tensor) -> np.ndarray:
        """Return the positions of sources where `allowed`, bool (m,), holds, chosen by `chance` (n,) in [0, 1]."""
        places = allowed.nonzero()[:, 0].numpy()
        if not len(places):
            raise ValueError("the checkpoint keeps no source images (max_sources 0); train with --model.max_sources.")
        return places[np.minimum((chance.cpu().numpy() * len(places)).astype(int), len(places) - 1)]

    def source(self, at: np.ndarray) -> Tensor:
        """Return the sources at positions `at` (n,) on the canvas, float32 in [-1, 1], on the model's device."""
        return self.to_canvas(self.sources[torch.from_numpy(at)].to(self.device))

    def translate(self, x: Tensor, direction: str) -> Tensor:
        """Change any images in one of `directions`.

        Args:
            x: uint8, shape (n, c, h, w), the model's `shape`.
            direction: One of `directions`.

        Returns:
            uint8, the same shape, on the CPU. Every image depends on itself only.

        Raises:
            ValueError: if the model does not translate, or not in that direction, or not this shape.
        """
        if direction not in self.directions:
            allowed = ", ".join(self.directions) or "none; this model does not translate"
            raise ValueError(f"direction {direction!r} is not one of this model's; allowed: {allowed}.")
        if tuple(x.shape[1:]) != self.shape or x.dtype != torch.uint8:
            raise ValueError(f"images must be uint8 of shape {self.shape}, got {x.dtype} of {tuple(x.shape[1:])}.")
        training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                parts = []
                for part in x.split(MOST_AT_ONCE):
                    # A full batch always: convolutions round differently in batches of another size.
                    full = torch.cat([part, part[:1].expand(MOST_AT_ONCE - len(part), -1, -1, -1)])
                    changed = self._translate(self.to_canvas(full.to(self.device)), direction)
                    parts.append(self.to_pixels(changed)[: len(part)])
        finally:
            self.train(training)
        return torch.cat(parts) if parts else x

    def _translate(self, x: Tensor, direction: str) -> Tensor:
        """Change images on the canvas, float32 (b, c, h, w) in [-1, 1]; a model with `directions` writes it."""
        raise NotImplementedError

    def stylize(self, content: Tensor, styles: Sequence[Tensor], weights: Sequence[float], alpha: float) -> Tensor:
        """Give a picture, float32 (1, c, h, w) in [-1, 1], the look of others; a model that `takes_style` writes it."""
        raise NotImplementedError
