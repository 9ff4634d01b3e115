"""translate: a folder of images through a checkpoint that translates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from gensynth.data.files import check_count, whole_folder
from gensynth.generator.checkpoint import load_checkpoint
from gensynth.kinds.image.files import in_threads, png_names, write_png
from gensynth.kinds.image.folder import read_files
from gensynth.kinds.image.generator.source import MOST_AT_ONCE, SourceGenerator
from gensynth.kinds.image.sharded import device_of


def translate(checkpoint: Path, folder: Path, out: Path, direction: str, device: str = "auto") -> int:
    """Translate every image of a folder; `out` appears whole or not at all.

    Args:
        checkpoint: A `.ckpt` file.
        folder: Folder of images, at any depth; they are brought to the size the model was trained on, and what was
            white in its files is white in theirs.
        out: New folder; a/b.jpg becomes a/b.png.
        direction: One of the model's `directions`.
        device: As `gensynth.kinds.image.sharded.device_of` takes it.

    Returns:
        Number of images.

    Raises:
        ValueError: if there is no such device, the checkpoint does not translate in that direction, the folder holds
            no image or a broken one, or two images would have one name.
    """
    found = load_checkpoint(checkpoint)
    model = found.model
    if not isinstance(model, SourceGenerator) or direction not in model.directions:
        allowed = ", ".join(model.directions) if isinstance(model, SourceGenerator) and model.directions else ""
        raise ValueError(
            f"{checkpoint} is a {found.name}; it translates {allowed}, not {direction!r}."
            if allowed
            else f"{checkpoint} is a {found.name}, which does not translate; give the checkpoint of a cyclegan."
        )
    model.to(device_of(device))
    channels, h, w = model.shape
    images = read_files(folder, (h, w), channels, found.provenance.get("white"))
    names = png_names(images.paths, folder)
    with whole_folder(out) as target, tqdm(total=len(names), desc="translating", unit="image", disable=None) as bar:
        for start in range(0, len(names), MOST_AT_ONCE):
            rows = np.arange(start, min(start + MOST_AT_ONCE, len(names)))
            translated = model.translate(images[rows], direction).numpy()
            in_threads(write_png, [target / names[row] for row in rows], translated)
            bar.update(len(rows))
        check_count(target, len(names))
    return len(names)
