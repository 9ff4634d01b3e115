"""Makes the pictures of the README from images that Python packages ship: `make figures`, half an hour on 2 cores."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_images
from torchvision.utils import make_grid

from gensynth import DataConfig, NeuralSampler, TrainConfig, read_parts
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.generator.train import train
from gensynth.kinds.image.style.stylize import StylizeConfig, stylize

HERE = Path(__file__).parent / "img"
COLUMNS, GAP = 16, 12


def translation(folder: Path) -> None:
    """Rows of MNIST digits: 3 as 8 and 1 as 7, where 40 images of the target are known."""
    blocks = []
    for source, label in (("3", "8"), ("1", "7")):
        parts = read_parts("builtin:mnist5k", DataConfig(keep={label: 40}))
        settings = TrainConfig(steps=800, batch_size=32)
        config = get_generator("cyclegan", "image").Config()
        path = train(parts.train, "cyclegan", config, settings, folder / f"{label}.ckpt", label=label, source=(source,))
        samples = NeuralSampler(path).sample(label, COLUMNS, seed=0)
        row_of = {name: row for row, name in enumerate(parts.train.ids)}
        sources = parts.train.x[[row_of[parent] for (parent,) in samples.parents]]
        blocks.append(make_grid(torch.cat([sources, samples.x[:]]), nrow=COLUMNS, padding=1))
    gap = torch.zeros_like(blocks[0][:, :GAP])
    picture = torch.cat([blocks[0], gap, blocks[1]], dim=1).permute(1, 2, 0).numpy()
    large = Image.fromarray(picture)
    large.resize((2 * large.width, 2 * large.height), Image.Resampling.NEAREST).save(HERE / "translate.png")


def style(folder: Path) -> None:
    """Two photographs, each in two looks."""
    china, flower = (Image.fromarray(image) for image in load_sample_images().images)
    looks = {"stars": data.hubble_deep_field(), "flower": np.asarray(flower)}
    contents = {"china": china, "cat": Image.fromarray(data.chelsea())}
    rows = []
    for name, content in contents.items():
        content.save(folder / f"{name}.png")
        row = [content]
        for look, pixels in looks.items():
            Image.fromarray(pixels).save(folder / f"{look}.png")
            out = folder / f"{name}_{look}.png"
            stylize(folder / f"{name}.png", folder / f"{look}.png", out, StylizeConfig(size=256))
            row.append(Image.open(out).convert("RGB"))
        rows.append(
            np.concatenate([np.asarray(image.resize((384, 256), Image.Resampling.LANCZOS)) for image in row], 1)
        )
    Image.fromarray(np.concatenate(rows)).save(HERE / "stylize.jpg", quality=88)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        style(Path(name))
        translation(Path(name))
