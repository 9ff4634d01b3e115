"""The extractors by name, from the built-in one to those whose weights must be at hand."""

from __future__ import annotations

from pathlib import Path

from gensynth.data.labeled import LabeledData
from gensynth.data.words import did_you_mean
from gensynth.kinds.image.features.extractor import Extractor
from gensynth.kinds.image.features.imagenet import imagenet
from gensynth.kinds.image.features.pretrained import dinov2, inception
from gensynth.kinds.image.features.pyramid import Pyramid
from gensynth.kinds.image.features.task_network import TaskNetwork

EXTRACTORS = ("pyramid", "task", "imagenet", "inception", "dinov2")
FITTED = ("pyramid", "task")
"""Those that read no weights from a file."""


def get_extractor(
    name: str, train: LabeledData, seed: int = 0, weights: str | Path | None = None, download: bool = False
) -> Extractor:
    """Return an extractor for images like the training images.

    Args:
        name: One of `EXTRACTORS`: `pyramid` (random filters), `task` (classifiers trained on `train`, out of fold),
            `imagenet` (MobileNetV2 from a package), `inception` (FID's network) or `dinov2`.
        train: Real training images.
        seed: Seed of the random filters, or of the training.
        weights: File of the weights, for the last three; None for where they are kept by default.
        download: Whether weights of the last two may be downloaded.

    Raises:
        FileNotFoundError: if weights are not on this machine and may not be downloaded.
        ModuleNotFoundError: if a package that the extractor needs is not installed.
        OSError: if a download fails.
        ValueError: if there is no such extractor, it reads no weights but some are given, or they do not fit.
    """
    if name not in EXTRACTORS:
        hint = did_you_mean(name, EXTRACTORS)
        raise ValueError(f"unknown extractor {name!r}; allowed: {', '.join(EXTRACTORS)}.{hint}")
    if name in FITTED and weights is not None:
        raise ValueError(
            f"extractor {name} reads no weights, but {weights} was given; leave it out, or choose one of "
            f"{', '.join(n for n in EXTRACTORS if n not in FITTED)}."
        )
    if name == "pyramid":
        return Pyramid(train.x.layout[0], seed)
    if name == "task":
        return TaskNetwork.fit(train, seed)
    if name == "imagenet":
        return imagenet(weights)
    return (inception if name == "inception" else dinov2)(weights, download)
