"""Can files alone tell synthetic images from real ones of their class: by size, format, quality, fine detail?

What a network that sees small images cannot notice, one that is trained at full size will: files of another size, more
compressed, or without the finest detail. A forest is asked, with cross-validation over parents and their samples.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from gensynth.data.cells import Cells
from gensynth.kinds.image.decode import opened
from gensynth.mix.manifest import SOURCE

MOST, FEWEST, FOLDS = 60, 20, 5
"""Images of a class of either kind that are asked about: at most, at least; and parts of the cross-validation."""
CLEAR = 0.65
"""Balanced accuracy from which on files give away what is synthetic, if chance is excluded, too; 0.5 is guessing."""
PATCH = 256
"""Side of the middle of an image in which its detail is measured."""
OCTAVES = 3
"""Octaves of detail, from the finest that pixels can show: beyond what networks see at a reduced size."""
DETAIL = "fine detail"
CUES = ("width", "height", "bytes per pixel", "format", "colour mode", "compression", *[DETAIL] * OCTAVES)
MOVED = "Pixels that were moved are interpolated, which smooths noise: train at half the size or less."
OTHER = (
    "Draw with a sampler that keeps size and format of real images (recipes, deformation), or bring all images to one "
    "size and format before training."
)
"""What to do about it."""


@dataclass(frozen=True)
class FileCues:
    """How well files alone tell synthetic images of a class from real ones.

    Attributes:
        label: Name of the class.
        n: Images that were asked about, real and synthetic.
        accuracy: Balanced accuracy on images whose parents and siblings were not learned from.
        low: Lower end of its 95 % interval.
        cue: What helped most.
    """

    label: str
    n: int
    accuracy: float
    low: float
    cue: str

    @property
    def clear(self) -> bool:
        """Whether files give away what is synthetic."""
        return self.accuracy >= CLEAR and self.low > 0.5


def file_cues(folder: Path, seed: int = 0) -> list[FileCues]:
    """Ask about each class of a training part that was mixed; classes with few images of either kind are left out.

    Args:
        folder: The training part, with metadata.csv.
        seed: Chooses the images and folds.
    """
    rows = Cells.read(folder / "metadata.csv", ("file_name", *SOURCE)).rows
    rng, found = np.random.default_rng(seed), []
    for label in dict.fromkeys(row["label"] for row in rows if row["synthetic"] == "1"):
        kinds = [[row for row in rows if (row["label"], row["synthetic"]) == (label, kind)] for kind in "01"]
        if min(map(len, kinds)) >= FEWEST:
            chosen = [kind[i] for kind in kinds for i in np.sort(rng.permutation(len(kind))[:MOST])]
            found.append(_asked(label, chosen, folder, seed))
    return found


def file_notes(folder: Path) -> list[str]:
    """Return a sentence on each class whose files give away what is synthetic."""
    return [
        f"Files alone tell synthetic images of {cues.label!r} from real ones: balanced accuracy {cues.accuracy:.2f} "
        f"(at least {cues.low:.2f}; guessing 0.50), most of all by {cues.cue}, and a classifier may learn that. "
        f"{MOVED if cues.cue == DETAIL else OTHER}"
        for cues in file_cues(folder)
        if cues.clear
    ]


def _asked(label: str, rows: Sequence[dict[str, str]], folder: Path, seed: int) -> FileCues:
    x = np.array([_measured(folder / row["file_name"]) for row in rows])
    y = np.array([int(row["synthetic"]) for row in rows])
    names = [(json.loads(row["parents"]) or [row["file_name"]])[0] for row in rows]
    group = np.unique(names, return_inverse=True)[1]
    forest = RandomForestClassifier(200, min_samples_leaf=3, class_weight="balanced", random_state=seed)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    said = cross_val_predict(forest, x, y, groups=group, cv=folds)
    accuracy = float(balanced_accuracy_score(y, said))
    # Groups are what varies: an image and what was made from it say much the same.
    half = 1.96 * 0.5 / np.sqrt(len(np.unique(group)))
    cue = CUES[int(forest.fit(x, y).feature_importances_.argmax())]
    return FileCues(label, len(rows), accuracy, accuracy - float(half), cue)


def _measured(path: Path) -> list[float]:
    """Return a number for each of `CUES`."""
    with opened(path) as image:
        form, mode, (width, height) = image.format or "", image.mode, image.size
        quality = 0.0
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            quality = float(sum(map(sum, image.quantization.values()))) + JpegImagePlugin.get_sampling(image)
        ImageOps.exif_transpose(image, in_place=True)
        detail = _detail(image)
    text = [float(int.from_bytes(name.encode()[:6], "big")) for name in (form, mode)]
    return [float(width), float(height), path.stat().st_size / (width * height), *text, quality, *detail]


def _detail(image: Image.Image) -> list[float]:
    """Return how fast power falls, as a logarithm, from each of the finest octaves to the next coarser one.

    It is that of grey values in the middle of an image. Falling fast, it tells of interpolation and of compression.
    """
    left, top = (max(0, (side - PATCH) // 2) for side in image.size)
    part = image.crop((left, top, min(image.width, left + PATCH), min(image.height, top + PATCH)))
    x = np.asarray(part.convert("F" if part.mode.startswith("I") else "L"), dtype=np.float64)
    x = (x - x.mean()) * np.outer(*(np.hanning(side + 2)[1:-1] for side in x.shape))
    power = np.abs(np.fft.fft2(x)) ** 2 / x.size
    frequency = 2 * np.maximum(*np.meshgrid(*(np.abs(np.fft.fftfreq(side)) for side in x.shape), indexing="ij"))
    octaves = [(0.5**k >= frequency) & (frequency > 0.5 ** (k + 1)) for k in range(OCTAVES + 1)]
    levels = [float(np.log(power[octave].mean() + 1e-3)) if octave.any() else 0.0 for octave in octaves]
    return [fine - coarse for fine, coarse in pairwise(levels)]
