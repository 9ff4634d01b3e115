"""Samples that are made of photographs, and written and read again."""

from __future__ import annotations

from pathlib import Path

import torch
from gensynth.models.deformation import DeformationConfig
from torch import nn

from gensynth.data.labeled import LabeledData
from gensynth.generator.checkpoint import build, load_checkpoint, save_checkpoint
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.samplers.kept import CATALOG
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.kinds.image.samplers.trained import TrainedSampler
from gensynth.mix.mix import write_synthetic
from gensynth.sampler.base import Sampler
from gensynth.sampler.kept import KeptSampler
from gensynth.sampler.synthetic import Synthetic


def deformation(data: LabeledData, path: Path) -> TrainedSampler:
    """A checkpoint whose fields are random, as strong as learned ones."""
    model = build("deformation", DeformationConfig(width=4, strength=1.0), data.x.layout, data.classes, 0)
    nn.init.normal_(model.decoder.to_fields.weight, 0.0, 0.03, generator=torch.Generator().manual_seed(0))
    model.remember(iter([(data.x[:], torch.from_numpy(data.y), data.ids)]))
    model.locate(data)
    save_checkpoint(path, model, "deformation", {}, {})
    return TrainedSampler([load_checkpoint(path)])


def sampler_of(name: str, data: LabeledData, out: Path) -> Sampler:
    if name == "deformation":
        return deformation(data, out / "deformation.ckpt")
    Recipes(name).fit(data).save(out / "recipes.sampler")
    return KeptSampler.load(out / "recipes.sampler", CATALOG.get)


def again(samples: Synthetic, data: LabeledData, out: Path) -> Synthetic:
    """Write samples and read them."""
    write_synthetic(samples, None, out, FolderFiles())
    return FolderFiles().read(out, data)[0]


def off(a: Synthetic, b: Synthetic) -> float:
    """Mean difference in levels of 255."""
    return float((a.x[:].float() - b.x[:].float()).abs().mean())
