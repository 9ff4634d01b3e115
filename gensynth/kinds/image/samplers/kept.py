"""KeptSampler: draws from the real images that it was fitted to, and keeps them."""

from __future__ import annotations

import hashlib
import io
import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import numpy as np
import torch
from torch import Tensor

from gensynth.data.files import write_bytes
from gensynth.data.labeled import LabeledData, label_of
from gensynth.data.npz import open_npz
from gensynth.data.plain import typed
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.samplers.base import ImageSampler
from gensynth.sampler.catalog import Catalog
from gensynth.sampler.saved import KIND
from gensynth.sampler.synthetic import Synthetic

Made = tuple[Tensor, Sequence[str], Sequence[tuple[str, ...]]]
"""Images, uint8, shape (n, c, h, w), how each was made, and the ids of its parents."""


class Saved(TypedDict):
    """What the file of a sampler says beside the images."""

    sampler: str
    settings: dict[str, Any]
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    learned: dict[str, Any]


class KeptSampler(ImageSampler):
    """Draws from real images, which stand in its file, too: whoever has the file has the images.

    A concrete one writes `name`, `labels`, `_check` and `_draw`, and `learned` and `_learn` if it learns more.

    Attributes:
        data_: The images.
        sha256_: Hash of the file it was loaded from; "" of one that was fitted here.
    """

    learned: ClassVar[dict[str, Any]] = {}
    """Types of what it has learned beside the images: dataclasses of plain values, or None, by name."""
    data_: LabeledData
    sha256_: str

    @abstractmethod
    def _check(self) -> None:
        """Raise ValueError if the settings do not suit the images."""

    @abstractmethod
    def _draw(self, label: str, index: np.ndarray, seed: int) -> Made:
        """Draw the samples numbered `index`, as `_sample`."""

    def _learn(self) -> None:
        """Learn what `learned` names."""

    def _fit(self, data: LabeledData) -> None:
        self.data_, self.sha256_ = data, ""
        self._check()
        self._learn()

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        x, how, parents = self._draw(label, index, seed)
        return Synthetic(
            x=Pixels(x),
            y=np.full(len(index), label_of(label, self.data_.classes), dtype=np.int64),
            classes=self.data_.classes,
            index=index,
            sampler=self.name,
            seed=seed,
            how=tuple(how),
            parents=tuple(parents),
            checkpoint_sha256=(self.sha256_,) * len(index),
        )

    def save(self, path: str | Path) -> None:
        """Write settings, images and what was learned into one file.

        Raises:
            TypeError: if a setting is no plain value, such as a function as `sampling_strategy`.
        """
        learned = {name: getattr(self, name) for name in self.learned}
        saved: Saved = {
            "sampler": self.name,
            "settings": self.get_params(deep=False),
            "classes": self.data_.classes,
            "ids": self.data_.ids,
            "learned": {name: None if value is None else asdict(value) for name, value in learned.items()},
        }
        file = io.BytesIO()
        arrays = {"x": self.data_.x[:].numpy(), "y": self.data_.y, "json": np.array(json.dumps(saved))}
        np.savez_compressed(file, allow_pickle=False, **arrays, **{KIND: np.array(self.kind)})
        write_bytes(path, file.getvalue())

    @staticmethod
    def load(path: str | Path) -> KeptSampler:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is something else.
        """
        with open_npz(path, what="a saved sampler of images") as file:
            x, y, text = file["x"], file["y"], str(file["json"])
        try:
            saved: Saved = typed(Saved, json.loads(text))
            sampler: KeptSampler = CATALOG.get(saved["sampler"])(**saved["settings"])
            images = x.dtype == np.uint8 and x.ndim == 4 and x.shape[1] in (1, 3)
            if not images or {*saved["learned"]} != {*sampler.learned}:
                raise ValueError("it does not hold what this sampler learns")
            sampler.data_ = LabeledData(Pixels(torch.from_numpy(x)), y, saved["classes"], saved["ids"])
            for name, hint in sampler.learned.items():
                setattr(sampler, name, typed(hint, saved["learned"][name]))
            sampler._check()
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise ValueError(
                f"{str(path)!r} does not fit this version of gensynth: {error}; train it again."
            ) from error
        sampler.sha256_ = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        return sampler


CATALOG = Catalog("gensynth.kinds.image.samplers", KeptSampler, "image")
"""The samplers that keep real images, by name."""
